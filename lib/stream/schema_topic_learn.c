/* schema_topic_learn.c: reads the topic of schemas from its beginning to its end, once.
 *
 * It happens only when a record of a newer build turns up, so that a client for the occasion is cheap enough: a
 * simple consumer without a group, and the end-of-partition event to know when everything has been seen.
 */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/stream/message.h"
#include "lib/stream/schema_topic.h"

#define PARTITION 0
#define POLL_MS 100

static rd_kafka_t *new_reader(const rl_stream_config *stream, rl_error *err) {
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(stream, err);
    if (!conf || !rl_stream_set(conf, "enable.partition.eof", "true", err)) {
        return NULL;
    }
    return rl_stream_client(RD_KAFKA_CONSUMER, &conf, err);
}

/* A record that is no schema is passed over: it cannot be the one that is looked for. */
static void learn(rl_codec *codec, const rd_kafka_message_t *message) {
    rl_bytes schema = rl_message_value(message);
    if (schema.size > 0) {
        rl_codec_learn(codec, schema, NULL);
    }
}

static bool is_missing(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

static bool read_to_end(rd_kafka_topic_t *topic, rl_codec *codec, int64_t timeout_us, rl_error *err) {
    int64_t end_us = rl_clock_us() + timeout_us;
    while (rl_clock_us() < end_us) {
        RL_CLEANUP(rl_rd_message_slot)
        rd_kafka_message_t *message = rd_kafka_consume(topic, PARTITION, POLL_MS);
        if (!message) {
            continue;
        }
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            learn(codec, message);
        } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF || is_missing(message->err)) {
            return true;
        }
    }
    return rl_error_set(err, RL_TRANSIENT, 0, "topic of schemas: no broker answered in time");
}

bool rl_schema_topic_learn(const rl_stream_config *stream, const char *topic_name, rl_codec *codec,
                           int64_t timeout_us, rl_error *err) {
    RL_CLEANUP(rl_rd_client_slot) rd_kafka_t *client = new_reader(stream, err);
    if (!client) {
        return false;
    }
    RL_CLEANUP(rl_rd_topic_slot) rd_kafka_topic_t *topic = rd_kafka_topic_new(client, topic_name, NULL);
    if (!topic || rd_kafka_consume_start(topic, PARTITION, RD_KAFKA_OFFSET_BEGINNING) != 0) {
        return rl_stream_error(err, rd_kafka_last_error(), "topic of schemas");
    }
    bool ok = read_to_end(topic, codec, timeout_us, err);
    rd_kafka_consume_stop(topic, PARTITION);
    return ok;
}
