/* letters.c: letters and settlements of one reading. */
#include "tools/runlog/letters.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/stream/message.h"

static bool name_settled(const rd_kafka_message_t *message, char out[RL_LETTER_NAME_SIZE]) {
    rl_bytes origin, offset;
    if (rl_message_header(message, "origin.topic", &origin) ||
        !rl_message_header(message, "settles.offset", &offset)) {
        return false;
    }
    (void)snprintf(out, RL_LETTER_NAME_SIZE, "%s/%" PRId32 "@%.*s", rd_kafka_topic_name(message->rkt),
                   message->partition, (int)(offset.size < 20 ? offset.size : 20), (const char *)offset.data);
    return true;
}

static json_t *settlement_json(const rd_kafka_message_t *message) {
    static const char *const headers[] = {"settled.as", "settled.by", "settled.to", "time"};
    static const char *const names[] = {"as", "by", "to", "time"};
    json_t *settlement = json_object();
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        rl_bytes value;
        const bool there = rl_message_header(message, headers[i], &value);
        (void)json_object_set_new(settlement, names[i], there ? rl_letter_text(value) : json_null());
    }
    return settlement;
}

static rl_log_step take(void *context, const rd_kafka_message_t *message, rl_error *err) {
    json_t *letters = context;
    char name[RL_LETTER_NAME_SIZE];
    if (!message) {
        return RL_LOG_NEXT;
    }
    if (name_settled(message, name)) {
        json_t *letter = json_object_get(letters, name); /* NULL: retention was faster */
        if (letter) {
            (void)json_object_set_new(letter, "settled", settlement_json(message));
        }
        return RL_LOG_NEXT;
    }
    rl_letter_name(message, name);
    json_t *letter = rl_letter_json(message);
    (void)json_object_set_new(letter, "settled", json_null());
    if (json_object_set_new(letters, name, letter) != 0) {
        (void)rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return RL_LOG_FAILED;
    }
    return RL_LOG_NEXT;
}

bool rl_letters_collect(const rl_stream_config *stream, const char *topic, int32_t partition, int64_t offset,
                        json_t *letters, rl_error *err) {
    return rl_dead_letters_read(stream, topic, partition, offset, take, letters, err);
}

bool rl_letter_is_settled(const json_t *letter) {
    return json_is_object(json_object_get(letter, "settled"));
}

bool rl_letter_settle(rl_producer *producer, const rl_letter_place *place, const rl_settlement *settlement,
                      rl_error *err) {
    char offset[24], now[RL_RFC3339_SIZE];
    (void)snprintf(offset, sizeof offset, "%" PRId64, place->offset);
    (void)rl_rfc3339(rl_wall_clock_us(), now);
    const rl_header headers[] = {
        {"settles.offset", rl_bytes_of(offset)},
        {"settled.as", rl_bytes_of(settlement->as)},
        {"settled.by", rl_bytes_of(settlement->by)},
        {"time", rl_bytes_of(now)},
        {"service", rl_bytes_of("runlog-cli")},
        {"settled.to", rl_bytes_of(settlement->to ? settlement->to : "")},
    };
    const size_t count = sizeof headers / sizeof *headers;
    const rl_record record = {
        .topic = place->topic,
        .partition = place->partition,
        .headers = headers,
        .header_count = settlement->to ? count : count - 1,
    };
    return rl_producer_send_wait(producer, &record, NULL, err);
}
