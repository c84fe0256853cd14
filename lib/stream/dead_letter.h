/* dead_letter.h: a record that cannot be used, set aside with the reason.
 *
 * The record goes to the dead-letter topic as it came: same key, same bytes (cut at
 * RL_DEAD_LETTER_MAX_BYTES), its own headers first, then ours. Whatever came, the letter fits into a record: own headers
 * past the first RL_DEAD_LETTER_MAX_HEADERS, or past RL_DEAD_LETTER_HEADER_BYTES together, are left out, and a key that leaves no room beside
 * it costs the value, then itself, what is too much. Ours are:
 *
 *     original-size     bytes of the value before it was cut
 *     truncated         "true" where value or key was cut, or "false"
 *     error.class       INVALID, TRANSIENT or FATAL
 *     error.message     why
 *     origin.topic, origin.partition, origin.offset
 *     attempt           how often it had been tried, from 1
 *     service           who set it aside
 *     time              when, RFC 3339 in UTC
 *
 * Numbers are decimal text, so that any tool can show them.
 *
 * Thread: any.
 */
#ifndef RL_STREAM_DEAD_LETTER_H
#define RL_STREAM_DEAD_LETTER_H

#include "lib/stream/producer.h"

#define RL_DEAD_LETTER_MAX_BYTES (8 * 1024 * 1024)
#define RL_DEAD_LETTER_HEADER_BYTES ((size_t)256 * 1024)

typedef struct {
    const char *topic;                 /* RL_TOPIC_SUBMISSIONS_DLQ or RL_TOPIC_RESULTS_DLQ */
    const rd_kafka_message_t *message; /* borrowed for the call */
    const rl_error *why;
    int32_t attempt;
    const char *service; /* "runlog-runner" */
} rl_dead_letter;

/* As rl_producer_send. */
bool rl_dead_letter_send(rl_producer *producer, const rl_dead_letter *letter, rl_delivered delivered,
                         void *context, rl_error *err);

/* Own headers that a letter can have. */
#define RL_DEAD_LETTER_MAX_HEADERS 32

/* The headers that the record in `letter` had of its own; they borrow from the message. `out` has room for
 * RL_DEAD_LETTER_MAX_HEADERS. INVALID where it is no letter: ours are not its last ones. */
bool rl_dead_letter_own_headers(const rd_kafka_message_t *letter, rl_header *out, size_t *ret_count,
                                rl_error *err);

#endif
