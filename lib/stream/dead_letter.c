/* dead_letter.c: builds the headers and hands the record on. */
#include "lib/stream/dead_letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/message.h"

/* A record with more headers of its own than RL_DEAD_LETTER_MAX_HEADERS loses the rest of them: the reason matters more. */
#define REASON_HEADERS 10
/* Key and value together: what a record may have (client.c: 10 MiB) without the headers and what frames it all. */
#define MAX_BODY_BYTES ((size_t)9 * 1024 * 1024)

typedef struct {
    char size[24], partition[16], offset[24], attempt[16], time[RL_RFC3339_SIZE];
} number_texts;

static size_t copy_own_headers(const rd_kafka_message_t *message, rl_header *out) {
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return 0;
    }
    size_t count = 0, bytes = 0;
    const char *name;
    const void *value;
    size_t size;
    while (count < RL_DEAD_LETTER_MAX_HEADERS &&
           rd_kafka_header_get_all(headers, count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        bytes += strlen(name) + size;
        if (bytes > RL_DEAD_LETTER_HEADER_BYTES) {
            break;
        }
        out[count++] = (rl_header){name, rl_bytes_make(value, value ? size : 0)};
    }
    return count;
}

/* As much of key and value as a letter can hold. */
typedef struct {
    rl_bytes key, value;
} body;

static body body_of(const rd_kafka_message_t *message) {
    body b = {rl_message_key(message), rl_message_value(message)};
    b.key.size = b.key.size < MAX_BODY_BYTES ? b.key.size : MAX_BODY_BYTES;
    size_t room = MAX_BODY_BYTES - b.key.size;
    room = room < RL_DEAD_LETTER_MAX_BYTES ? room : RL_DEAD_LETTER_MAX_BYTES;
    b.value.size = b.value.size < room ? b.value.size : room;
    return b;
}

static size_t add_reason(const rl_dead_letter *letter, number_texts *texts, rl_header *out) {
    const rd_kafka_message_t *message = letter->message;
    snprintf(texts->size, sizeof texts->size, "%zu", rl_message_value(message).size);
    snprintf(texts->partition, sizeof texts->partition, "%" PRId32, message->partition);
    snprintf(texts->offset, sizeof texts->offset, "%" PRId64, message->offset);
    snprintf(texts->attempt, sizeof texts->attempt, "%" PRId32, letter->attempt);
    rl_rfc3339(rl_wall_clock_us(), texts->time);
    const body sent = body_of(message);
    bool cut =
        sent.value.size < rl_message_value(message).size || sent.key.size < rl_message_key(message).size;
    const rl_header reason[REASON_HEADERS] = {
        {"original-size", rl_bytes_of(texts->size)},
        {"truncated", rl_bytes_of(cut ? "true" : "false")},
        {"error.class", rl_bytes_of(rl_error_class_name(letter->why->error_class))},
        {"error.message", rl_bytes_of(letter->why->message)},
        {"origin.topic", rl_bytes_of(message->rkt ? rd_kafka_topic_name(message->rkt) : "")},
        {"origin.partition", rl_bytes_of(texts->partition)},
        {"origin.offset", rl_bytes_of(texts->offset)},
        {"attempt", rl_bytes_of(texts->attempt)},
        {"service", rl_bytes_of(letter->service)},
        {"time", rl_bytes_of(texts->time)},
    };
    memcpy(out, reason, sizeof reason);
    return REASON_HEADERS;
}

bool rl_dead_letter_send(rl_producer *producer, const rl_dead_letter *letter, rl_delivered delivered,
                         void *context, rl_error *err) {
    rl_header headers[RL_DEAD_LETTER_MAX_HEADERS + REASON_HEADERS];
    number_texts texts;
    size_t count = copy_own_headers(letter->message, headers);
    count += add_reason(letter, &texts, headers + count);
    const body b = body_of(letter->message);
    const rl_record record = {
        .topic = letter->topic,
        .partition = RD_KAFKA_PARTITION_UA,
        .key = b.key,
        .value = b.value,
        .headers = headers,
        .header_count = count,
    };
    return rl_producer_send(producer, &record, delivered, context, err);
}

static bool is_named(rd_kafka_headers_t *headers, size_t index, const char *expected) {
    const char *name = NULL;
    const void *value;
    size_t size;
    return rd_kafka_header_get_all(headers, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           strcmp(name, expected) == 0;
}

bool rl_dead_letter_own_headers(const rd_kafka_message_t *letter, rl_header *out, size_t *ret_count,
                                rl_error *err) {
    static const char *const ours[REASON_HEADERS] = {
        "original-size",    "truncated",     "error.class", "error.message", "origin.topic",
        "origin.partition", "origin.offset", "attempt",     "service",       "time"};
    rd_kafka_headers_t *headers = NULL;
    const bool any = rd_kafka_message_headers(letter, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR;
    const size_t all = any ? rd_kafka_header_cnt(headers) : 0;
    bool is_letter = all >= REASON_HEADERS && all <= RL_DEAD_LETTER_MAX_HEADERS + REASON_HEADERS;
    for (size_t i = 0; is_letter && i < REASON_HEADERS; i++) {
        is_letter = is_named(headers, all - REASON_HEADERS + i, ours[i]);
    }
    if (!is_letter) {
        return rl_error_set(err, RL_INVALID, 0, "it does not have the headers of a dead letter");
    }
    *ret_count = all - REASON_HEADERS;
    for (size_t i = 0; i < *ret_count; i++) {
        const void *value = NULL;
        size_t size = 0;
        (void)rd_kafka_header_get_all(headers, i, &out[i].name, &value, &size);
        out[i].value = rl_bytes_make(value, value ? size : 0);
    }
    return true;
}
