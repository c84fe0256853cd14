/* dead_letters.c: reads the topics of dead letters to their ends. */
#include "tools/runlog/dead_letters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "lib/stream/message.h"
#include "lib/stream/topics.h"

/* The letters of one partition from `offset` on, or all of the topic. */
static bool find_ranges(rd_kafka_t *client, const char *topic, int32_t partition, int64_t offset,
                        rl_log_ranges *ranges, rl_error *err) {
    RL_AUTO_RANGES rl_log_ranges all = {0};
    if (!rl_log_ranges_add_topic(&all, client, topic, err)) {
        return false;
    }
    for (size_t i = 0; i < all.count; i++) {
        rl_log_range range = all.items[i];
        if (partition != RD_KAFKA_PARTITION_UA && partition != range.partition) {
            continue;
        }
        range.from = offset > range.from ? offset : range.from;
        if (!rl_log_ranges_add(ranges, &range, err)) {
            return false;
        }
    }
    return ranges->count > 0 ||
           rl_error_set(err, RL_INVALID, 0, "%s has no partition %d", topic, (int)partition);
}

bool rl_dead_letters_read(const rl_stream_config *stream, const char *topic, int32_t partition,
                          int64_t offset, rl_log_visit visit, void *context, rl_error *err) {
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    RL_CLEANUP(rl_rd_client_slot) rd_kafka_t *client = rl_log_scan_client(stream, err);
    const bool ok = client && find_ranges(client, topic, partition, offset, &ranges, err) &&
                    rl_log_scan(client, &ranges, visit, context, err);
    return ok || rl_error_prefix(err, "%s", topic);
}

/* A whole number from `text` on, without a sign, up to `max`; `*ret_end` is behind it. */
static bool parse_number(const char *text, int64_t max, int64_t *ret, const char **ret_end) {
    char *end = NULL;
    errno = 0;
    const long long number = *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : -1;
    *ret = number;
    *ret_end = end;
    return errno == 0 && number >= 0 && number <= max;
}

bool rl_letter_parse(const char *name, rl_letter_place *ret, rl_error *err) {
    const size_t length = strcspn(name, "/");
    int64_t partition = 0;
    const char *at = NULL, *end = NULL;
    const bool well_formed = length < sizeof ret->topic && name[length] == '/' &&
                             parse_number(name + length + 1, INT32_MAX, &partition, &at) && *at == '@' &&
                             parse_number(at + 1, INT64_MAX - 1, &ret->offset, &end) && *end == '\0';
    (void)snprintf(ret->topic, sizeof ret->topic, "%.*s", (int)(well_formed ? length : 0), name);
    if (strcmp(ret->topic, RL_TOPIC_SUBMISSIONS_DLQ) != 0 && strcmp(ret->topic, RL_TOPIC_RESULTS_DLQ) != 0) {
        return rl_error_set(
            err, RL_INVALID, 0,
            "\"%.80s\" is no dead letter: those have names like " RL_TOPIC_SUBMISSIONS_DLQ "/2@17", name);
    }
    ret->partition = (int32_t)partition;
    return true;
}

void rl_letter_place_name(const rl_letter_place *place, char out[RL_LETTER_NAME_SIZE]) {
    (void)snprintf(out, RL_LETTER_NAME_SIZE, "%s/%" PRId32 "@%" PRId64, place->topic, place->partition,
                   place->offset);
}

void rl_letter_name(const rd_kafka_message_t *message, char out[RL_LETTER_NAME_SIZE]) {
    (void)snprintf(out, RL_LETTER_NAME_SIZE, "%s/%" PRId32 "@%" PRId64, rd_kafka_topic_name(message->rkt),
                   message->partition, message->offset);
}

json_t *rl_letter_text(rl_bytes bytes) {
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
    (void)json_object_set_new(letter, "key", rl_letter_text(rl_message_key(message)));
    (void)json_object_set_new(letter, "size", json_integer((json_int_t)rl_message_value(message).size));
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        rl_bytes value;
        const bool there = rl_message_header(message, headers[i], &value);
        (void)json_object_set_new(letter, headers[i], there ? rl_letter_text(value) : json_null());
    }
    return letter;
}
