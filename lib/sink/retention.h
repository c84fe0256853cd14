/* retention.h: how long results are kept, and the indexes of the collection.
 *
 * A document expires a fixed time after its submission finished, by the times in the record: whoever
 * reads the log again, whenever that is, arrives at the same date. The sink's own clock only decides
 * whether that date has passed and writing it would be in vain.
 *
 * Thread: any.
 */
#ifndef RL_SINK_RETENTION_H
#define RL_SINK_RETENTION_H

#include "lib/codec/deleted.h"
#include "lib/codec/replay.h"
#include "lib/codec/result.h"
#include "lib/sink/query.h"

/* Wall-clock time at which a result goes. Counted from when it finished; a record that does not know (0 or
 * less) from when it started, was queued, or was written to the log (`logged_us`), in this order. */
int64_t rl_retention_expires_us(const rl_finished *finished, int64_t logged_us, int64_t retention_us);

/* The same for the tombstone of a deleted submission. It outlives what may still come of that submission: a program that runs
 * when it is deleted, and replays of its record, which stays on the log for a week. So a sink that reads the log again
 * never meets the result without the tombstone, or both have expired. */
int64_t rl_retention_deleted_us(const rl_deleted *deleted, int64_t logged_us, int64_t retention_us);

/* The same for what was decided about a replay: it outlives every result that the replay may still bring, as above. */
int64_t rl_retention_decided_us(const rl_replay_decision *decision, int64_t logged_us, int64_t retention_us);

/* Makes the indexes that are missing, in the collections of the database that `mongo` names:
 *   expiry           {expiresAt: 1}, expireAfterSeconds 0, in all three: MongoDB removes what has expired
 *   tenant_finished  {submission.tenant: 1, finishedAt: -1} of the results: a tenant's, newest first
 *   generation, id   of the held ones: what a decision or a deletion is about
 * Doing it again changes nothing. TRANSIENT while no server can do it; INVALID where other indexes stand in their
 * way. */
bool rl_retention_ensure_indexes(rl_mongo *mongo, const rl_sink_collections *names, rl_error *err);

#endif
