/* replay_join.h: what the topic results says about the submissions in a table.
 *
 * Told every record of interest in the order of its partition, it works out for each submission the answer that clients see:
 * the result of the highest generation among the visible ones and those of replays that have been applied
 * (rl_finished_standing_of). Where it is about one replay, results of that generation are `after`, and the answer is
 * worked out below it: `before`. The first result of a generation counts (one that replaces no answer only until there is another),
 * and so does the first decision.
 *
 * Pure. Memory: 48 bytes for each result that is held by another replay which is undecided. Thread: one at a time.
 */
#ifndef RL_TOOLS_REPLAY_JOIN_H
#define RL_TOOLS_REPLAY_JOIN_H

#include "lib/codec/replay.h"
#include "lib/codec/result.h"
#include "tools/runlog/replay_table.h"

typedef struct rl_replay_join rl_replay_join;

#define RL_REPLAY_NO_GENERATION INT64_MAX /* it is about no replay: every result is `before` */

typedef enum { RL_REPLAY_UNDECIDED, RL_REPLAY_APPLIED, RL_REPLAY_DISCARDED } rl_replay_decided;

/* `table` is borrowed. NULL and TRANSIENT when memory is short. */
rl_replay_join *rl_replay_join_new(rl_replay_table *table, int64_t generation, rl_error *err);
void rl_replay_join_free(rl_replay_join *join); /* NULL is fine */

/* From now on it is about the replay of this generation, which has no results yet. */
void rl_replay_join_begin(rl_replay_join *join, int64_t generation);

/* Results of submissions that are not in the table are passed over. TRANSIENT when memory is short. */
bool rl_replay_join_finished(rl_replay_join *join, const rl_finished *finished, rl_error *err);
void rl_replay_join_deleted(rl_replay_join *join, const char *id);
bool rl_replay_join_decision(rl_replay_join *join, rl_record_kind kind, const rl_replay_decision *decision,
                             rl_error *err);

/* Everything that was noted has been told: held results whose replays turned out to be applied become answers, and undecided ones
 * wait for the next call. */
void rl_replay_join_end(rl_replay_join *join);

/* What was decided about a generation; `*ret_us` (may be NULL) gets when. */
rl_replay_decided rl_replay_join_decided(const rl_replay_join *join, int64_t generation, int64_t *ret_us);

RL_DEFINE_CLEANUP(rl_replay_join_slot, rl_replay_join, rl_replay_join_free)
#define RL_AUTO_REPLAY_JOIN RL_CLEANUP(rl_replay_join_slot)

#endif
