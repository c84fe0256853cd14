/* group_member.h: a librdkafka consumer that is a member of a consumer group, subscribed to one topic.
 *
 * Offsets are neither stored nor committed by librdkafka: whoever works on the records decides. The group balances
 * cooperatively (KIP-429), a group without an offset begins at the start of the log, and rebalances are watched
 * (rebalance_watch.h). How much is fetched ahead is the service's to say.
 */
#ifndef RL_STREAM_GROUP_MEMBER_H
#define RL_STREAM_GROUP_MEMBER_H

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
    const rl_stream_setting *settings; /* librdkafka's, beside those that all members have */
    size_t setting_count;
    rl_on_rebalance on_rebalance; /* these three run where the consumer is polled */
    rl_on_commit on_commit;
    rl_on_error on_error;
    void *opaque;
    rl_rebalance_watch *watch; /* lives as long as the consumer */
} rl_group_member_options;

/* The caller destroys it. NULL and INVALID, TRANSIENT or FATAL on failure. */
rd_kafka_t *rl_group_member_open(const rl_group_member_options *options, rl_error *err);

#endif
