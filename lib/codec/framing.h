/* framing.h: Avro single-object encoding and schema fingerprints.
 *
 * A framed record is C3 01, the CRC-64-AVRO fingerprint of the writer's schema in parsing canonical
 * form as 8 little-endian bytes, then the binary body. Source: Avro specification 1.12, "Single-object
 * encoding" and "Schema fingerprints".
 *
 * Pure functions over bytes; nothing is kept.
 */
#ifndef RL_CODEC_FRAMING_H
#define RL_CODEC_FRAMING_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

#define RL_FRAMING_HEADER_BYTES 10

/* Splits a framed record. `ret_body` borrows from `framed`. INVALID where it is too short or the marker
 * is another. */
bool rl_framing_parse(rl_bytes framed, uint64_t *ret_fingerprint, rl_bytes *ret_body, rl_error *err);

/* Writes the header into `out`. */
void rl_framing_header(uint64_t fingerprint, unsigned char out[RL_FRAMING_HEADER_BYTES]);

/* CRC-64-AVRO of `text`, which must be in parsing canonical form already. */
uint64_t rl_framing_fingerprint(rl_bytes text);

/* Appends the parsing canonical form of an Avro schema (JSON) to `out`. INVALID where it is no schema. */
bool rl_framing_canonical_form(rl_bytes schema_json, rl_buffer *out, rl_error *err);

#endif
