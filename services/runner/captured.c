#include "services/runner/captured.h"

#include <errno.h>

void rl_captured_init(rl_captured *captured, int64_t cap_bytes) {
    *captured = (rl_captured){.truncated = false};
    rl_buffer_init(&captured->bytes, (size_t)cap_bytes);
}

void rl_captured_free(rl_captured *captured) {
    rl_buffer_free(&captured->bytes);
}

bool rl_captured_add(rl_captured *captured, rl_bytes more, rl_error *err) {
    size_t room = captured->bytes.limit - captured->bytes.size;
    size_t size = more.size < room ? more.size : room;
    captured->truncated |= size < more.size;
    return rl_buffer_append(&captured->bytes, more.data, size) ||
           rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for a program's output");
}

void rl_captured_clear(rl_captured *captured) {
    rl_buffer_consume(&captured->bytes, captured->bytes.size);
    captured->truncated = false;
}
