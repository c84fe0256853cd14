/* message.c: views into a consumed record. */
#include "lib/stream/message.h"

#include "lib/base/clock.h"

rl_bytes rl_message_key(const rd_kafka_message_t *message) {
    return rl_bytes_make(message->key, message->key ? message->key_len : 0);
}

rl_bytes rl_message_value(const rd_kafka_message_t *message) {
    return rl_bytes_make(message->payload, message->payload ? message->len : 0);
}

int64_t rl_message_age_us(const rd_kafka_message_t *message) {
    rd_kafka_timestamp_type_t type;
    const int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
    const int64_t age_us = timestamp_ms > 0 ? rl_wall_clock_us() - timestamp_ms * RL_US_PER_MS : 0;
    return age_us > 0 ? age_us : 0;
}

bool rl_message_header(const rd_kafka_message_t *message, const char *name, rl_bytes *ret_value) {
    rd_kafka_headers_t *headers = NULL;
    const void *value = NULL;
    size_t size = 0;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR || !value) {
        return false;
    }
    *ret_value = rl_bytes_make(value, size);
    return true;
}

/* As many digits as fit into 64 bits whatever they are. */
#define GENERATION_DIGITS 18

int64_t rl_message_generation(const rd_kafka_message_t *message) {
    rl_bytes text = {0};
    int64_t generation = 0;
    if (!rl_message_header(message, RL_HEADER_GENERATION, &text) || text.size > GENERATION_DIGITS) {
        return 0;
    }
    for (size_t i = 0; i < text.size; i++) {
        const char digit = ((const char *)text.data)[i];
        if (digit < '0' || digit > '9') {
            return 0;
        }
        generation = 10 * generation + (digit - '0');
    }
    return generation;
}

rl_trace_ids rl_message_trace(const rd_kafka_message_t *message) {
    rl_bytes value = {0};
    char traceparent[RL_TRACEPARENT_SIZE] = "";
    if (rl_message_header(message, RL_HEADER_TRACEPARENT, &value) && rl_trace_is_valid(value)) {
        memcpy(traceparent, value.data, RL_TRACEPARENT_LENGTH);
    }
    return rl_trace_ids_of(traceparent);
}
