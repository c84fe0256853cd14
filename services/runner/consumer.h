/* consumer.h: a librdkafka consumer with the settings of a runner, subscribed to one topic.
 *
 * Offsets are neither stored nor committed by librdkafka: the watermark decides. The settings that latency
 * and memory rest on stand in the table of consumer.c, each with its reason.
 */
#ifndef RL_RUNNER_CONSUMER_H
#define RL_RUNNER_CONSUMER_H

#include "lib/stream/client.h"
#include "lib/stream/rebalance_watch.h"

typedef void (*rl_on_rebalance)(rd_kafka_t *consumer, rd_kafka_resp_err_t code,
                                rd_kafka_topic_partition_list_t *list, void *opaque);
typedef void (*rl_on_commit)(rd_kafka_t *consumer, rd_kafka_resp_err_t code,
                             rd_kafka_topic_partition_list_t *list, void *opaque);
typedef void (*rl_on_error)(rd_kafka_t *consumer, int code, const char *reason, void *opaque);

typedef struct {
    const rl_stream_config *stream;
    const char *group;
    const char *topic;
    rl_on_rebalance on_rebalance; /* these three run where the consumer is polled */
    rl_on_commit on_commit;
    rl_on_error on_error;
    void *opaque;
    rl_rebalance_watch *watch; /* lives as long as the consumer */
} rl_consumer_options;

/* The caller destroys it. NULL and INVALID or FATAL on failure. */
rd_kafka_t *rl_consumer_open(const rl_consumer_options *options, rl_error *err);

#endif
