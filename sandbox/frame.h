/* frame.h: the header that every frame of protocol.h begins with, for those who write one. */
#ifndef RL_SANDBOX_FRAME_H
#define RL_SANDBOX_FRAME_H

#include "sandbox/protocol.h"
#include "sandbox/wire.h"

/* A writer that stands behind the header of a frame of `type`. `out` may be NULL: it then measures. */
static inline rl_wire_writer rl_frame_begin(rl_agent_frame_type type, uint8_t *out, size_t capacity) {
    rl_wire_writer w = {out, out != NULL ? capacity : 0, 0};
    const uint8_t head[4] = {(uint8_t)type, 0, 0, 0};
    rl_wire_put_raw(&w, head, sizeof head);
    rl_wire_put_u32(&w, 0); /* the size, known at the end */
    return w;
}

/* Fills the size in and returns that of the frame. 0 when the payload is above what the other side would accept. */
static inline size_t rl_frame_end(rl_wire_writer *w, size_t payload_max) {
    size_t payload = w->used - RL_AGENT_HEADER_SIZE;
    if (payload > payload_max) {
        return 0;
    }
    if (w->used <= w->capacity) {
        rl_wire_writer head = {w->out + 4, 4, 0};
        rl_wire_put_u32(&head, (uint32_t)payload);
    }
    return w->used;
}

#endif
