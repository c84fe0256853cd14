/* schema_topic.h: a producer announces the schemas it writes.
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

#endif
