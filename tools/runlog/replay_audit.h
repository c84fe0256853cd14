/* replay_audit.h: the topic replays: who replayed what, when, and what became of it.
 *
 * A replay's own record, and copies of what was written about it afterwards: the Cancel, the Applied, the Discarded.
 *
 * Memory: some hundred bytes and the selection's text for each. Thread: one at a time.
 */
#ifndef RL_TOOLS_REPLAY_AUDIT_H
#define RL_TOOLS_REPLAY_AUDIT_H

#include <jansson.h>

#include "tools/runlog/replay_log.h"

#define RL_REPLAY_ID_SIZE 41

/* An id for a new replay, "r-20261124-021503-9f3a6c": when, wall clock, and something random, so that two of the same second
 * differ. FATAL where there is no randomness. */
bool rl_replay_id_make(int64_t now_us, char out[RL_REPLAY_ID_SIZE], rl_error *err);

typedef struct {
    char id[RL_REPLAY_ID_SIZE];
    int64_t generation;
    int64_t requested_us; /* wall clock */
    char *requested_by;   /* owned, as is the next */
    char *selection;      /* JSON */
    bool apply_later;
    double rate_per_second; /* 0: as fast as may be */
    int64_t count;          /* how many were chosen */
    int64_t cancelled_us;   /* 0: it was not */
    rl_replay_decided decided;
    int64_t decided_us;
} rl_replay_case;

/* {0} is empty. */
typedef struct {
    rl_replay_case *items; /* in the order of their generations */
    size_t count, capacity;
} rl_replay_audit;

void rl_replay_audit_free(rl_replay_audit *audit);

/* Reads all of the topic. */
bool rl_replay_audit_read(rl_replay_log *log, rl_replay_audit *ret, rl_error *err);

/* Takes what stands there into it: further records of the topic. */
bool rl_replay_audit_more(rl_replay_log *log, const rl_log_ranges *ranges, rl_replay_audit *audit,
                          rl_error *err);

/* The replay of that id; NULL and INVALID where there is none. Borrows; moves when more is read. */
const rl_replay_case *rl_replay_audit_find(const rl_replay_audit *audit, const char *id, rl_error *err);

/* Records of the topic, decoded, in their order. Pure, but for memory. INVALID where the id is not made of a-z, 0-9 and -, up to 40 of
 * them: nobody here writes such a record. */
bool rl_replay_audit_add(rl_replay_audit *audit, const rl_replay *replay, int64_t offset, rl_error *err);
void rl_replay_audit_cancelled(rl_replay_audit *audit, int64_t generation, int64_t when_us);
void rl_replay_audit_decided(rl_replay_audit *audit, int64_t generation, rl_replay_decided decided,
                             int64_t when_us);

/* All of it but the offsets that were read. Freed by the caller. */
json_t *rl_replay_case_json(const rl_replay_case *one);

#define RL_AUTO_REPLAY_AUDIT RL_CLEANUP(rl_replay_audit_free)

#endif
