/* message.h: reading a record that came from the log.
 *
 * Views into a librdkafka message: they live as long as the message does.
 */
#ifndef RL_STREAM_MESSAGE_H
#define RL_STREAM_MESSAGE_H

#include <librdkafka/rdkafka.h>

#include "lib/base/buffer.h"
#include "lib/base/trace.h"

#define RL_HEADER_TRACEPARENT "traceparent" /* W3C Trace Context, passed from submission to result */
#define RL_HEADER_GENERATION "generation"   /* of a record of a replay, in decimal: for who cannot read it */

/* Empty views where the record has none. */
rl_bytes rl_message_key(const rd_kafka_message_t *message);
rl_bytes rl_message_value(const rd_kafka_message_t *message);

/* The ids of the trace that the record belongs to: empty where it belongs to none. */
rl_trace_ids rl_message_trace(const rd_kafka_message_t *message);

/* What RL_HEADER_GENERATION says. 0 where there is none, or something else in its place. */
int64_t rl_message_generation(const rd_kafka_message_t *message);

/* How long ago the record was written, by its timestamp and this host's clock. Never less than 0: the two clocks
 * may differ, and Kafka keeps milliseconds. 0 where the record has no timestamp. */
int64_t rl_message_age_us(const rd_kafka_message_t *message);

/* The last header of that name. false where there is none or its value is null. */
bool rl_message_header(const rd_kafka_message_t *message, const char *name, rl_bytes *ret_value);

#endif
