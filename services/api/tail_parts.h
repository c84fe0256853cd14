/* tail_parts.h: what tail.c (reading), tail_records.c (understanding) and tail_lookup.c (answering) share. Nobody else includes it.
 *
 * `positions` is written by the reading thread alone: before `partitions` is set the whole of it,
 * afterwards each partition's `next` and `reached`. Everything that others read is an atomic.
 */
#ifndef RL_API_TAIL_PARTS_H
#define RL_API_TAIL_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/base/log_limit.h"
#include "lib/base/stopper.h"
#include "lib/stream/schema_source.h"
#include "services/api/readback.h"
#include "services/api/sink_watch.h"
#include "services/api/tail.h"

typedef struct {
    int64_t end;          /* where the partition ended at the start */
    _Atomic int64_t next; /* the offset to read next */
    bool reached;
} rl_tail_position;

struct rl_tail {
    rl_tail_config config;
    rd_kafka_t *client;
    rl_result_cache *cache;
    rl_readback *readback;
    rl_schema_source *schemas;
    int64_t schemas_away_until_us; /* monotonic: the topic of schemas is not asked before */
    rl_sink_watch *sink;
    rl_tail_position positions[RL_TOPIC_MAX_PARTITIONS];
    _Atomic int32_t partitions; /* 0 until assigned */
    int32_t left_to_reach;
    _Atomic bool ready;
    _Atomic bool failed;        /* will never start */
    _Atomic int64_t started_ms; /* wall clock: no older than any id whose result the sink had at the start */
    _Atomic int64_t read, deleted, undecodable;
    rl_log_limit skipped; /* lines about records that were skipped */
    rl_stopper stopper;
    pthread_t reader;
    bool reading;
    pthread_mutex_t lock; /* guards `problem` */
    rl_error problem;     /* why it has not started */
};

/* Takes in a record of `results`. Whatever it is, the tail goes on behind it. */
void rl_tail_take_record(rl_tail *tail, const rd_kafka_message_t *message);

#endif
