/* backlogs.h: which partition gets the next submission.
 *
 * Two partitions are drawn at random and the one with the shorter backlog is taken. Each submission executes
 * for seconds on one of few runners, so that a partition chosen by hash or at random would often lie behind
 * a busy runner while others are idle; the shorter of two evens that out nearly as well as the shortest of
 * all, and does not send everything to one place when many choose by the same, slightly old figures (M.
 * Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 1996).
 *
 * Records for one partition that come within a moment travel to the broker in one request, those for several in as
 * many, and a request costs the broker as much as some ten records do. So under load a choice holds for a
 * millisecond, for as many records as do not matter beside the backlog that is there: none beside a short one, which
 * a burst of a few submissions must not make longer than its neighbours.
 *
 * The figures are measured once in a while; in between, what this process adds is counted. Where they are too
 * old, the choice is uniform.
 *
 * Pure: no Kafka, no clock. Thread: any; all figures are atomics and need not agree with each other.
 */
#ifndef RL_API_BACKLOGS_H
#define RL_API_BACKLOGS_H

#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

typedef struct rl_backlogs rl_backlogs;

/* For `partitions` partitions (at least 1), nothing measured yet. NULL and TRANSIENT when memory is short. */
rl_backlogs *rl_backlogs_new(int32_t partitions, rl_error *err);
void rl_backlogs_free(rl_backlogs *backlogs);

/* `lengths[i]`: records of partition i that no runner has finished, true at the monotonic `now_us`. */
void rl_backlogs_measured(rl_backlogs *backlogs, const int64_t *lengths, int64_t now_us);

/* A record was added to a partition. */
void rl_backlogs_added(rl_backlogs *backlogs, int32_t partition);

/* All partitions together: what was measured and what was added since. 0, for "not known", where nothing was measured
 * within RL_BACKLOGS_BELIEVED_US before `now_us`: what was only added and never taken away is no backlog. */
#define RL_BACKLOGS_BELIEVED_US (INT64_C(10) * 1000000)
int64_t rl_backlogs_total(const rl_backlogs *backlogs, int64_t now_us);

/* `draw` is a random number. Equal backlogs: either is as likely. What was chosen is chosen again for
 * RL_BACKLOGS_HOLD_US, up to one record for each RL_BACKLOGS_HOLD_SHARE of its backlog. */
#define RL_BACKLOGS_HOLD_US 1000
#define RL_BACKLOGS_HOLD_SHARE 16
int32_t rl_backlogs_choose(rl_backlogs *backlogs, uint64_t draw, int64_t now_us);

RL_DEFINE_CLEANUP(rl_backlogs_slot, rl_backlogs, rl_backlogs_free)
#define RL_AUTO_BACKLOGS RL_CLEANUP(rl_backlogs_slot)

#endif
