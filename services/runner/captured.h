/* captured.h: what a program wrote on one stream, up to a cap.
 *
 * Thread: one at a time.
 */
#ifndef RL_RUNNER_CAPTURED_H
#define RL_RUNNER_CAPTURED_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

typedef struct {
    rl_buffer bytes; /* its limit is the cap */
    bool truncated;  /* there was more */
} rl_captured;

void rl_captured_init(rl_captured *captured, int64_t cap_bytes);
void rl_captured_free(rl_captured *captured);

/* Keeps what there is room for. false with TRANSIENT when memory is short. */
bool rl_captured_add(rl_captured *captured, rl_bytes more, rl_error *err);

/* Empty again, for the next run; keeps its memory. */
void rl_captured_clear(rl_captured *captured);

#endif
