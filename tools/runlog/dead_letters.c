/* dead_letters.c: reads the topics of dead letters to their ends. */
#include "tools/runlog/dead_letters.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/utf8.h"
#include "lib/stream/message.h"
#include "lib/stream/topics.h"
#include "tools/runlog/kafka_view.h"

#define PATIENCE_US (30 * RL_US_PER_S)
#define POLL_MS 200

RL_DEFINE_CLEANUP(metadata_slot, const struct rd_kafka_metadata, rd_kafka_metadata_destroy)

static rd_kafka_t *open_reader(const rl_stream_config *stream, rl_error *err) {
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(stream, err);
    if (!conf || !rl_stream_set(conf, "enable.partition.eof", "true", err)) {
        return NULL;
    }
    return rl_stream_client(RD_KAFKA_CONSUMER, &conf, err);
}

static bool start(rd_kafka_topic_t *topic, const struct rd_kafka_metadata_topic *info, int32_t partition,
                  int64_t offset, rd_kafka_queue_t *queue, int *ret_started, rl_error *err) {
    *ret_started = 0;
    for (int i = 0; i < info->partition_cnt; i++) {
        const int32_t id = info->partitions[i].id;
        if (partition != RD_KAFKA_PARTITION_UA && partition != id) {
            continue;
        }
        if (rd_kafka_consume_start_queue(topic, id, offset, queue) != 0) {
            return rl_stream_error(err, rd_kafka_last_error(), info->topic);
        }
        (*ret_started)++;
    }
    return *ret_started > 0 ||
           rl_error_set(err, RL_INVALID, 0, "%s has no partition %d", info->topic, (int)partition);
}

static bool read_to_end(rd_kafka_queue_t *queue, int started, rl_letter_visit visit, void *context,
                        rl_error *err) {
    int64_t heard_us = rl_clock_us();
    while (started > 0) {
        RL_CLEANUP(rl_rd_message_slot) rd_kafka_message_t *message = rd_kafka_consume_queue(queue, POLL_MS);
        if (!message) {
            if (rl_clock_us() - heard_us > PATIENCE_US) {
                return rl_error_set(err, RL_TRANSIENT, 0, "Kafka does not send what it has");
            }
            continue;
        }
        heard_us = rl_clock_us();
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            started--;
        } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return rl_stream_error(err, message->err, "cannot read");
        } else if (!visit(context, message)) {
            return true;
        }
    }
    return true;
}

bool rl_dead_letters_read(const rl_stream_config *stream, const char *topic, int32_t partition,
                          int64_t offset, rl_letter_visit visit, void *context, rl_error *err) {
    RL_CLEANUP(rl_rd_client_slot) rd_kafka_t *client = open_reader(stream, err);
    RL_CLEANUP(metadata_slot)
    const struct rd_kafka_metadata *metadata = client ? rl_kafka_view_metadata(client, topic, err) : NULL;
    if (!metadata) {
        return false;
    }
    const struct rd_kafka_metadata_topic *info = rl_kafka_view_topic(metadata, topic);
    if (!info) {
        return rl_error_set(err, RL_INVALID, 0, "topic %s is missing: runlog topics create makes it", topic);
    }
    RL_CLEANUP(rl_rd_queue_slot) rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    RL_CLEANUP(rl_rd_topic_slot) rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    int started = 0;
    const bool ok = start(handle, info, partition, offset, queue, &started, err) &&
                    read_to_end(queue, started, visit, context, err);
    for (int i = 0; i < info->partition_cnt; i++) {
        (void)rd_kafka_consume_stop(handle, info->partitions[i].id); /* refuses those that were not started */
    }
    return ok || rl_error_prefix(err, "%s", topic);
}

bool rl_letter_parse(const char *name, rl_letter_place *ret, rl_error *err) {
    long long offset = 0;
    int partition = 0, end = -1;
    const bool well_formed = sscanf(name, "%63[^/]/%d@%lld%n", ret->topic, &partition, &offset, &end) == 3 &&
                             end >= 0 && name[end] == '\0' && partition >= 0 && offset >= 0;
    if (!well_formed || (strcmp(ret->topic, RL_TOPIC_SUBMISSIONS_DLQ) != 0 &&
                         strcmp(ret->topic, RL_TOPIC_RESULTS_DLQ) != 0)) {
        return rl_error_set(
            err, RL_INVALID, 0,
            "\"%.80s\" is no dead letter: those have names like " RL_TOPIC_SUBMISSIONS_DLQ "/2@17", name);
    }
    ret->partition = partition;
    ret->offset = offset;
    return true;
}

void rl_letter_name(const rd_kafka_message_t *message, char out[RL_LETTER_NAME_SIZE]) {
    (void)snprintf(out, RL_LETTER_NAME_SIZE, "%s/%" PRId32 "@%" PRId64, rd_kafka_topic_name(message->rkt),
                   message->partition, message->offset);
}

/* Text of any bytes as JSON. */
static json_t *text_of(rl_bytes bytes) {
    RL_AUTO_BUFFER rl_buffer text;
    rl_buffer_init(&text, SIZE_MAX / 4);
    bool replaced = false;
    if (!rl_utf8_append(&text, bytes, &replaced)) {
        return json_null();
    }
    return json_stringn(text.data ? text.data : "", text.size);
}

json_t *rl_letter_json(const rd_kafka_message_t *message) {
    static const char *const headers[] = {
        "time",         "service",          "attempt",       "error.class",   "error.message",
        "origin.topic", "origin.partition", "origin.offset", "original-size", "truncated"};
    char name[RL_LETTER_NAME_SIZE];
    rl_letter_name(message, name);
    json_t *letter = json_object();
    (void)json_object_set_new(letter, "letter", json_string(name));
    (void)json_object_set_new(letter, "key", text_of(rl_message_key(message)));
    (void)json_object_set_new(letter, "size", json_integer((json_int_t)rl_message_value(message).size));
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        rl_bytes value;
        const bool there = rl_message_header(message, headers[i], &value);
        (void)json_object_set_new(letter, headers[i], there ? text_of(value) : json_null());
    }
    return letter;
}
