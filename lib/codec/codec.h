/* codec.h: the Avro schemas that this build knows, and those it has learnt.
 *
 * A record names its writer's schema by fingerprint (framing.h). The codec holds every schema of
 * schemas/ and schemas/history/, compiled into the binary, by fingerprint, and takes more at run time
 * (from the topic `schemas`, for records of a newer build). Records are read with the writer's schema
 * and mapped onto structs by field name: avro-c has no dependable schema resolution of its own.
 *
 * Thread: a codec may be used by any number of threads at once.
 */
#ifndef RL_CODEC_CODEC_H
#define RL_CODEC_CODEC_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

typedef struct rl_codec rl_codec;

/* Which record a schema describes. */
typedef enum {
    RL_RECORD_SUBMISSION,
    RL_RECORD_FINISHED,
    RL_RECORD_STARTED,
    RL_RECORD_CANCEL,
    RL_RECORD_DELETED,
    RL_RECORD_APPLIED,
    RL_RECORD_DISCARDED,
    RL_RECORD_REPLAY,
    RL_RECORD_CLAIM,
    RL_RECORD_RUNNER,
    RL_RECORD_COUNT,
} rl_record_kind;

/* NULL with FATAL if a compiled-in schema does not parse, TRANSIENT when memory is short. */
rl_codec *rl_codec_new(rl_error *err);
void rl_codec_free(rl_codec *codec);

/* Learns one more schema; knowing it already is fine. INVALID if it is no Avro schema. */
bool rl_codec_learn(rl_codec *codec, rl_bytes schema_json, rl_error *err);

/* Kind, fingerprint and JSON text of the schema that this build writes: what a producer publishes to
 * `schemas` before its first record. The text lives as long as the codec. */
rl_bytes rl_codec_schema(const rl_codec *codec, rl_record_kind kind, uint64_t *ret_fingerprint);

/* The kind of a framed record, by its fingerprint. INVALID where the framing is wrong or the schema
 * is not known. */
bool rl_codec_kind(rl_codec *codec, rl_bytes framed, rl_record_kind *ret_kind, rl_error *err);

RL_DEFINE_CLEANUP(rl_codec_slot, rl_codec, rl_codec_free)
#define RL_AUTO_CODEC RL_CLEANUP(rl_codec_slot)

#endif
