/* neighbours.h: the other side of the API in tests: reads what it published, publishes results, writes
 * what the sink would have written and commits what it would have committed.
 */
#ifndef RL_TEST_API_NEIGHBOURS_H
#define RL_TEST_API_NEIGHBOURS_H

#include <librdkafka/rdkafka.h>

#include "harness.h"
#include "lib/codec/deleted.h"
#include "lib/codec/id.h"
#include "lib/codec/replay.h"
#include "lib/codec/result.h"

/* Creates the topics that are missing. Once per test program. */
void topics_ready(void);

/* The submission record of `id`, decoded, with its headers' traceparent ("" if none). Everything lives in
 * `arena`. */
void read_submission(const char *secret, const char *id, rl_arena *arena, rl_submission *ret,
                     char ret_trace[64]);

/* A Finished worth showing; its submission lies in static memory. */
rl_finished make_finished(const char *id, int64_t generation, const char *output);

typedef struct {
    int32_t partition;
    int64_t offset;
} log_position;

/* Publishes on `results` and waits for the report. */
log_position publish_finished(const rl_finished *finished);

/* The same with a Deleted. */
log_position publish_deleted(const char *id);

/* The same with what was decided about a replay: RL_RECORD_APPLIED or RL_RECORD_DISCARDED. */
log_position publish_decision(rl_record_kind kind, const char *replay, int64_t generation);

/* Publishes any bytes under any key. */
log_position publish_result_bytes(rl_bytes key, rl_bytes value);

/* The same several times over; where the last one is. */
log_position publish_result_copies(rl_bytes key, rl_bytes value, size_t copies);

/* Adds records that are no submissions to a partition of `submissions`. */
void add_submissions(int32_t partition, int count);

/* How many records there ever were on `controls`. */
int64_t controls_written(void);

/* As if the runners had finished everything, but for `left` records of one partition. While the group has no member. */
void commit_submissions_but(int32_t partition, int64_t left);

/* The same of everything in the lane batch. */
void commit_batch(void);

/* A member of the runners' group that is given partitions and leaves what is in them alone. Ended by leave_runners. */
rd_kafka_t *join_runners(void);
void leave_runners(rd_kafka_t *member);

/* What the sink does: writes the document, or a tombstone. */
void store_finished(const rl_finished *finished);
void store_deleted(const char *id);

/* Commits, for the sink's group, all partitions of `results` up to their ends. */
void commit_results(void);

/* An id of `age_us` ago, issued under the secret of an API process. */
void issue_id(const char *secret, int64_t age_us, char ret_id[RL_ID_SIZE]);

#endif
