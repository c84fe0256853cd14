/* consumer.c: the table of settings, and the subscription. */
#include "services/runner/consumer.h"

static rd_kafka_conf_t *consumer_conf(const rl_consumer_options *o, rl_error *err) {
    const char *settings[][2] = {
        {"group.id", o->group},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"partition.assignment.strategy", "cooperative-sticky"},
        {"session.timeout.ms", "10000"},
        {"heartbeat.interval.ms", "1000"}, /* a member learns of a rebalance by its next heartbeat */
        {"max.poll.interval.ms", "180000"},
        {"auto.offset.reset", "earliest"},
        /* New topics and partitions are found within this time. */
        {"topic.metadata.refresh.interval.ms", "15000"},
        /* Per partition once queues are split: bounds memory. When a full queue has been worked off, the
         * next fetch must not be a second away. */
        {"queued.max.messages.kbytes", "1024"},
        {"fetch.queue.backoff.ms", "20"},
        {"fetch.wait.max.ms", "250"},
        {"fetch.error.backoff.ms", "100"},
        {"fetch.max.bytes", "16777216"},
    };
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(o->stream, err);
    if (!conf) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (!rl_stream_set(conf, settings[i][0], settings[i][1], err)) {
            return NULL;
        }
    }
    if (!rl_rebalance_watch_attach(o->watch, conf, err)) {
        return NULL;
    }
    rd_kafka_conf_set_opaque(conf, o->opaque);
    rd_kafka_conf_set_rebalance_cb(conf, o->on_rebalance);
    rd_kafka_conf_set_offset_commit_cb(conf, o->on_commit);
    rd_kafka_conf_set_error_cb(conf, o->on_error);
    return RL_STEAL(conf);
}

static bool subscribe(rd_kafka_t *consumer, const char *topic, rl_error *err) {
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || rl_stream_error(err, code, "cannot subscribe");
}

rd_kafka_t *rl_consumer_open(const rl_consumer_options *options, rl_error *err) {
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = consumer_conf(options, err);
    if (!conf) {
        return NULL;
    }
    rd_kafka_t *consumer = rl_stream_client(RD_KAFKA_CONSUMER, &conf, err);
    if (!consumer) {
        return NULL;
    }
    rd_kafka_poll_set_consumer(consumer);
    if (!subscribe(consumer, options->topic, err)) {
        rd_kafka_destroy(consumer);
        return NULL;
    }
    return consumer;
}
