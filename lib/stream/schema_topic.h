/* schema_topic.h: a producer announces the schemas it writes, a consumer looks up those it does not know.
 *
 * Whoever meets a fingerprint that its build does not know finds the schema on the topic `schemas`: the
 * key is the fingerprint as 16 lower-case hex digits, the value the schema as JSON. The topic is
 * compacted, so announcing again at each start costs nothing.
 *
 * Thread: any.
 */
#ifndef RL_STREAM_SCHEMA_TOPIC_H
#define RL_STREAM_SCHEMA_TOPIC_H

#include "lib/codec/codec.h"
#include "lib/stream/producer.h"

/* Publishes the schemas of `kinds` and waits for their delivery reports: call it before the first record
 * of those kinds. As long as the producer's delivery timeout. TRANSIENT where the broker does not answer. */
bool rl_schema_topic_publish(rl_producer *producer, const rl_codec *codec, const rl_record_kind *kinds,
                             size_t count, rl_error *err);

/* Teaches `codec` every schema on `topic` (RL_TOPIC_SCHEMAS): for a well-framed record whose schema this build
 * does not know. Takes a few milliseconds, `timeout_us` at most. true when the topic was read to its end, or does not
 * exist: decode again then. TRANSIENT where no broker answered in time. */
bool rl_schema_topic_learn(const rl_stream_config *stream, const char *topic, rl_codec *codec,
                           int64_t timeout_us, rl_error *err);

#endif
