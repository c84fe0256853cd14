/* watermark.h: how far a partition may be committed.
 *
 * A runner finishes submissions out of order, but Kafka stores one offset per partition. The window
 * remembers, for the offsets taken and not yet committed, which are done; the watermark is the first
 * that is not. Committing it can repeat work after a crash, never lose it.
 *
 * Offsets of a partition grow but need not be dense (compaction, records of a transaction): what lies
 * between two taken offsets does not exist and counts as done.
 *
 * Thread: owned by the consumer thread. Completion arrives there through its queue.
 * Memory: one allocation at creation, `capacity` slots, none afterwards.
 */
#ifndef RL_RUNNER_WATERMARK_H
#define RL_RUNNER_WATERMARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

#define RL_WATERMARK_MAX_CAPACITY 65536

typedef struct rl_watermark rl_watermark;

/* Creates a window whose first expected offset is `start`. `capacity` is the number of offsets that may be
 * in flight (1..RL_WATERMARK_MAX_CAPACITY). NULL and `err` (INVALID or TRANSIENT) on failure. */
rl_watermark *rl_watermark_new(int64_t start, size_t capacity, rl_error *err);
void rl_watermark_free(rl_watermark *window);

/* Whether `offset` still fits; the caller leaves the record in the queue when it does not. An offset that
 * was taken before always fits. With nothing in flight any later offset does. */
bool rl_watermark_has_room(const rl_watermark *window, int64_t offset);

/* Notes that `offset`, for which there is room, has been taken. What was skipped on the way to it counts
 * as done. false, and nothing changed, for an offset that was taken before (redelivery) or has no room. */
bool rl_watermark_take(rl_watermark *window, int64_t offset);

/* Marks `offset` done. Returns the offset to commit next (the first one not done). Marking twice is
 * harmless: redelivery does it. An offset that was never taken changes nothing. */
int64_t rl_watermark_done(rl_watermark *window, int64_t offset);

/* The offset to commit. */
int64_t rl_watermark_offset(const rl_watermark *window);

/* The first offset that has not been taken. */
int64_t rl_watermark_next(const rl_watermark *window);

/* How many offsets lie between the two: what a crash now could repeat. */
size_t rl_watermark_span(const rl_watermark *window);

RL_DEFINE_CLEANUP(rl_watermark_slot, rl_watermark, rl_watermark_free)
#define RL_AUTO_WATERMARK RL_CLEANUP(rl_watermark_slot)

#endif
