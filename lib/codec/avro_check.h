/* avro_check.h: whether a binary body is sound, before avro-c allocates for it.
 *
 * avro-c believes a length prefix and allocates first: five bytes can ask for a gigabyte, and where the
 * allocation is refused in the middle of an array it reads through NULL. So every body is walked once
 * by its schema, without allocating: each length must fit what is left, the elements of all arrays and
 * maps together are bounded, and nothing may follow the value. After that avro-c cannot be surprised.
 *
 * Source of the encoding: Avro specification, "Binary encoding".
 */
#ifndef RL_CODEC_AVRO_CHECK_H
#define RL_CODEC_AVRO_CHECK_H

#include <avro.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

#define RL_AVRO_MAX_ELEMENTS 65536

/* false with INVALID where `body` is not exactly one value of `schema`. Pure. */
bool rl_avro_check(avro_schema_t schema, rl_bytes body, rl_error *err);

#endif
