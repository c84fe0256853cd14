/* replay_table.h: the submissions that a replay is about, with what is known of each.
 *
 * A submission is found by its id, in constant time. Pure: who reads the log fills it (replay_log.h), who joins results
 * with it (replay_join.h) and who plans (replay_plan.h) only look here.
 *
 * Memory: 136 bytes for each submission, the index included: 130 MiB for a million. Programs are not kept: they are read again
 * when they are published.
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_REPLAY_TABLE_H
#define RL_TOOLS_REPLAY_TABLE_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/codec/id.h"
#include "lib/codec/verdict.h"

#define RL_REPLAY_MAX_SUBMISSIONS ((size_t)5 * 1000 * 1000)

/* A result, as far as replays are concerned with it. */
typedef struct {
    int64_t generation; /* below 0: there is no result */
    int64_t busy_us;    /* how long it took up a runner's slot */
    uint64_t output;    /* a hash of what the program wrote and how it ended: other bytes have another one */
    rl_verdict verdict;
    bool counts; /* false: it replaces no answer (RL_STANDING_NONE) */
} rl_replay_answer;

typedef struct {
    char id[RL_ID_LENGTH]; /* without a NUL */
    int32_t partition;     /* where it stands: of `lane`'s topic */
    int64_t offset;
    uint16_t lang; /* rl_replay_table_lang_name */
    uint8_t lane;  /* an rl_lane */
    bool deleted;
    bool chosen;             /* to be replayed */
    bool published;          /* it stands on submissions.replay */
    rl_replay_answer before; /* the result that its clients see, or saw before the replay */
    rl_replay_answer after;  /* that of the replay */
} rl_replay_entry;

typedef struct rl_replay_table rl_replay_table;

/* NULL and TRANSIENT when memory is short. */
rl_replay_table *rl_replay_table_new(rl_error *err);
void rl_replay_table_free(rl_replay_table *table); /* NULL is fine */

/* The entry of `id`, which must have an id's form; a new one, without results, where there was none. NULL with INVALID past
 * RL_REPLAY_MAX_SUBMISSIONS, TRANSIENT when memory is short. Entries move when others are added. */
rl_replay_entry *rl_replay_table_add(rl_replay_table *table, rl_bytes id, bool *ret_is_new, rl_error *err);

/* NULL where there is none. */
rl_replay_entry *rl_replay_table_find(const rl_replay_table *table, rl_bytes id);

size_t rl_replay_table_count(const rl_replay_table *table);
rl_replay_entry *rl_replay_table_at(const rl_replay_table *table, size_t index);

/* A number for a language's name; names past the first few thousand all get the last one. */
uint16_t rl_replay_table_lang(rl_replay_table *table, const char *name);
const char *rl_replay_table_lang_name(const rl_replay_table *table, uint16_t lang);

/* When the oldest of them was accepted, wall clock; 0 where there is none. */
int64_t rl_replay_table_oldest_us(const rl_replay_table *table);

/* When its API accepted it, as its id says: wall clock. */
int64_t rl_replay_entry_created_us(const rl_replay_entry *entry);

RL_DEFINE_CLEANUP(rl_replay_table_slot, rl_replay_table, rl_replay_table_free)
#define RL_AUTO_REPLAY_TABLE RL_CLEANUP(rl_replay_table_slot)

#endif
