/* cancelled_ids.h: the submissions that are not to be executed, nor any further.
 *
 * What the topic `controls` says, as far back as a submission may still be queued. An id leaves when its time is
 * over. There is room for RL_CANCELLED_MAX of them; past that the one that came first is forgotten, and a
 * submission of that id that is still queued is executed as if nobody had cancelled it.
 *
 * Thread: any; one lock guards everything inside. Memory: some 100 bytes for each id, none for an empty set.
 */
#ifndef RL_RUNNER_CANCELLED_IDS_H
#define RL_RUNNER_CANCELLED_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"
#include "lib/codec/id.h"

#define RL_CANCELLED_MAX ((size_t)128 * 1024)

typedef struct rl_cancelled_ids rl_cancelled_ids;

/* `max`: how many ids are kept (at least 1). NULL and TRANSIENT when memory or descriptors are short. */
rl_cancelled_ids *rl_cancelled_ids_new(size_t max, rl_error *err);
void rl_cancelled_ids_free(rl_cancelled_ids *set); /* NULL is fine */

typedef enum {
    RL_CANCELLED_ADDED,
    RL_CANCELLED_KNOWN,     /* it was there; the time of the first request counts */
    RL_CANCELLED_DISPLACED, /* added, and the oldest one forgotten for it */
    RL_CANCELLED_NO_MEMORY, /* not added */
} rl_cancelled_status;

/* Adds an id (RL_ID_LENGTH characters) that is kept until `until_us`, wall clock. */
rl_cancelled_status rl_cancelled_ids_add(rl_cancelled_ids *set, const char *id, int64_t until_us);

bool rl_cancelled_ids_have(rl_cancelled_ids *set, const char *id);

/* Drops those whose time is over. Ids come in the order of their times but for clocks that differ: one that is behind
 * a later one stays with it. */
void rl_cancelled_ids_expire(rl_cancelled_ids *set, int64_t now_us);

size_t rl_cancelled_ids_count(rl_cancelled_ids *set);

/* Grows with each id that is added: who has seen a version need not look again while it stays. */
uint64_t rl_cancelled_ids_version(const rl_cancelled_ids *set);

/* An eventfd that gets 1 added after each id that is added; one reader polls and empties it. */
int rl_cancelled_ids_fd(const rl_cancelled_ids *set);

RL_DEFINE_CLEANUP(rl_cancelled_ids_slot, rl_cancelled_ids, rl_cancelled_ids_free)
#define RL_AUTO_CANCELLED_IDS RL_CLEANUP(rl_cancelled_ids_slot)

#endif
