/* topics.h: the topics of the log, in one table: names, partitions, retention.
 *
 * `runlog topics create` makes what is missing; partition counts of existing topics never change in place
 * (an id names its partition). Services only use the names.
 */
#ifndef RL_STREAM_TOPICS_H
#define RL_STREAM_TOPICS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/stream/client.h"

#define RL_TOPIC_SUBMISSIONS "submissions"
#define RL_TOPIC_SUBMISSIONS_BATCH "submissions.batch"
#define RL_TOPIC_SUBMISSIONS_REPLAY "submissions.replay"
#define RL_TOPIC_RESULTS "results"
#define RL_TOPIC_EVENTS "events"
#define RL_TOPIC_CONTROLS "controls"
#define RL_TOPIC_REPLAYS "replays"
#define RL_TOPIC_CLAIMS "claims"
#define RL_TOPIC_RUNNERS "runners"
#define RL_TOPIC_SCHEMAS "schemas"
#define RL_TOPIC_SUBMISSIONS_DLQ "submissions.dlq"
#define RL_TOPIC_RESULTS_DLQ "results.dlq"

#define RL_GROUP_RUNNERS "runners"
#define RL_GROUP_SINK "result-sink"

typedef struct {
    const char *name;
    int32_t partitions;   /* default; RUNLOG_TOPIC_PARTITIONS overrides those of 12 */
    int64_t retention_us; /* -1: for ever */
    bool compacted;
} rl_topic;

/* All topics; `*ret_count` gets their number. Static. */
const rl_topic *rl_topics(size_t *ret_count);

typedef struct {
    int32_t partitions;           /* for the topics of 12; 0: the table's */
    int16_t replication;          /* 1 on a single broker */
    int64_t results_retention_us; /* at least as long as MongoDB keeps results */
} rl_topics_options;

/* Creates the topics that are missing; those that exist are left as they are. Waits up to `timeout_us` for the
 * broker to answer. TRANSIENT where it does not; `*ret_created` counts the new ones. */
bool rl_topics_create(const rl_stream_config *stream, const rl_topics_options *options, int64_t timeout_us,
                      size_t *ret_created, rl_error *err);

#endif
