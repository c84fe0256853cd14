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

/* The most partitions that a topic may be made with, and that the API, which reads every partition of `results`,
 * serves. Below what an id has room for (id.h). */
#define RL_TOPIC_MAX_PARTITIONS 1024

typedef struct {
    const char *name;
    int32_t partitions;   /* default */
    int64_t retention_us; /* -1: for ever */
    bool compacted;
    bool
        shared_out; /* one partition for each share of the work: RUNLOG_TOPIC_PARTITIONS overrides the default */
} rl_topic;

/* All topics; `*ret_count` gets their number. Static. */
const rl_topic *rl_topics(size_t *ret_count);

typedef struct {
    int32_t partitions; /* of the topics that are shared out, up to RL_TOPIC_MAX_PARTITIONS; 0: the table's */
    int16_t replication;          /* 1 on a single broker */
    int64_t results_retention_us; /* at least as long as MongoDB keeps results */
} rl_topics_options;

/* How long that topic is made to keep records; `results_retention_us` as above, 0: the table's. */
int64_t rl_topic_retention_us(const rl_topic *topic, int64_t results_retention_us);

/* Creates the topics that are missing; those that exist are left as they are. Waits up to `timeout_us` for the
 * broker to answer. TRANSIENT where it does not; `*ret_created` counts the new ones. */
bool rl_topics_create(const rl_stream_config *stream, const rl_topics_options *options, int64_t timeout_us,
                      size_t *ret_created, rl_error *err);

#endif
