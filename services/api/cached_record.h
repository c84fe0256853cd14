/* cached_record.h: the framed bytes of a record, shared between the cache and those who read it.
 *
 * Immutable. Counted: whoever got one releases it, the last one frees it.
 *
 * Thread: any.
 */
#ifndef RL_API_CACHED_RECORD_H
#define RL_API_CACHED_RECORD_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

typedef struct rl_cached_record rl_cached_record;

/* A copy of `bytes`, the caller's to release. NULL when memory is short. */
rl_cached_record *rl_cached_record_new(rl_bytes bytes);

/* One holder more; returns `record`. */
rl_cached_record *rl_cached_record_hold(rl_cached_record *record);
void rl_cached_record_release(rl_cached_record *record); /* NULL is fine */

rl_bytes rl_cached_record_bytes(const rl_cached_record *record);

/* The memory it takes; 0 for NULL. */
int64_t rl_cached_record_cost(const rl_cached_record *record);

RL_DEFINE_CLEANUP(rl_cached_record_slot, rl_cached_record, rl_cached_record_release)
#define RL_AUTO_CACHED_RECORD RL_CLEANUP(rl_cached_record_slot)

#endif
