/* schema_source.h: schemas that are newer than this build, from the topic `schemas`.
 *
 * During a rolling upgrade a service meets records of a writer that knows more than it does. Writers
 * publish a schema, acknowledged, before their first record of it: so a schema that is not on the topic when
 * the record is met will never be, and the record cannot be read. The topic is small and compacted; it is
 * read whole, and only when an unknown fingerprint turns up.
 *
 * Thread: any number at once; one of them reads while the others wait.
 */
#ifndef RL_STREAM_SCHEMA_SOURCE_H
#define RL_STREAM_SCHEMA_SOURCE_H

#include "lib/codec/codec.h"
#include "lib/stream/client.h"

typedef struct rl_schema_source rl_schema_source;

/* Everything is borrowed; `topic` is RL_TOPIC_SCHEMAS. Opens no connection yet. NULL and TRANSIENT when
 * memory is short. */
rl_schema_source *rl_schema_source_new(const rl_stream_config *stream, const char *topic, rl_codec *codec,
                                       rl_error *err);
void rl_schema_source_free(rl_schema_source *source);

/* Makes sure that the codec knows the schema of a framed record; learns it from the topic if it must. false
 * with INVALID where the record is not framed or nobody has published its schema, TRANSIENT where the topic
 * could not be read to its end within `timeout_us`. */
bool rl_schema_source_resolve(rl_schema_source *source, rl_bytes framed, int64_t timeout_us, rl_error *err);

RL_DEFINE_CLEANUP(rl_schema_source_slot, rl_schema_source, rl_schema_source_free)
#define RL_AUTO_SCHEMA_SOURCE RL_CLEANUP(rl_schema_source_slot)

#endif
