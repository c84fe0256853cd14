/* readback.h: one record of the log, read again by its position.
 *
 * For results that had to be dropped from memory before MongoDB had them. One at a time: it is the rare
 * way, and a lock keeps it from becoming a load on the broker.
 *
 * Thread: any.
 */
#ifndef RL_API_READBACK_H
#define RL_API_READBACK_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/stream/client.h"

typedef struct rl_readback rl_readback;

/* Connects at first use. `stream` is copied by reference: its strings must outlive the reader. */
rl_readback *rl_readback_new(const rl_stream_config *stream, const char *topic, rl_error *err);
void rl_readback_free(rl_readback *readback);

/* Appends the record's value to `out`. TRANSIENT where it did not come within `timeout_us`, or is gone. */
bool rl_readback_fetch(rl_readback *readback, int32_t partition, int64_t offset, int64_t timeout_us,
                       rl_buffer *out, rl_error *err);

RL_DEFINE_CLEANUP(rl_readback_slot, rl_readback, rl_readback_free)

#endif
