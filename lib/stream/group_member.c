/* group_member.c: the table of settings, and the subscription. */
#include "lib/stream/group_member.h"

static const rl_stream_setting common[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "earliest"},
    {"partition.assignment.strategy", "cooperative-sticky"},
    {"session.timeout.ms", "10000"},
    {"heartbeat.interval.ms", "1000"}, /* a member learns of a rebalance by its next heartbeat */
    {"max.poll.interval.ms", "180000"},
    /* When a full queue has been worked off, the next fetch must not be a second away. */
    {"fetch.queue.backoff.ms", "20"},
    {"fetch.error.backoff.ms", "100"},
};

static rd_kafka_conf_t *member_conf(const rl_group_member_options *o, rl_error *err) {
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(o->stream, err);
    if (!conf || !rl_stream_set(conf, "group.id", o->group, err) ||
        !rl_stream_set_all(conf, common, sizeof common / sizeof common[0], err) ||
        !rl_stream_set_all(conf, o->settings, o->setting_count, err) ||
        !rl_rebalance_watch_attach(o->watch, conf, err)) {
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

rd_kafka_t *rl_group_member_open(const rl_group_member_options *options, rl_error *err) {
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = member_conf(options, err);
    RL_CLEANUP(rl_rd_client_slot)
    rd_kafka_t *consumer = conf ? rl_stream_consumer(&conf, err) : NULL;
    return consumer && subscribe(consumer, options->topic, err) ? RL_STEAL(consumer) : NULL;
}
