/* buffer.h: growing bytes, and a view of bytes that somebody else owns.
 *
 * rl_bytes is a borrowed view: pointer and length, not NUL-terminated, valid as long as its owner.
 * rl_buffer owns its memory, grows by doubling up to a limit given at init, and keeps one NUL past the
 * end so that text in it can be handed to functions that want a C string.
 *
 * Thread: a buffer belongs to one thread at a time.
 */
#ifndef RL_BASE_BUFFER_H
#define RL_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/base/cleanup.h"

typedef struct {
    const void *data; /* may be NULL when size is 0 */
    size_t size;      /* bytes */
} rl_bytes;

static inline rl_bytes rl_bytes_make(const void *data, size_t size) {
    return (rl_bytes){data, size};
}

/* The characters of a C string without its NUL; NULL gives an empty view. */
static inline rl_bytes rl_bytes_of(const char *text) {
    return (rl_bytes){text, text ? strlen(text) : 0};
}

/* Same length and same bytes. */
bool rl_bytes_equal(rl_bytes a, rl_bytes b);

typedef struct {
    char *data;  /* NULL until the first append, then NUL-terminated at data[size] */
    size_t size; /* bytes in use */
    size_t capacity;
    size_t limit; /* size never exceeds it */
} rl_buffer;

/* An empty buffer that may grow to `limit` bytes (SIZE_MAX / 4 for "as memory allows"). Allocates nothing. */
void rl_buffer_init(rl_buffer *buffer, size_t limit);

/* Frees the memory; the buffer can be used again with the same limit. */
void rl_buffer_free(rl_buffer *buffer);

/* Appends; false and unchanged if the limit would be passed or memory is short. */
bool rl_buffer_append(rl_buffer *buffer, const void *data, size_t size);
bool rl_buffer_append_text(rl_buffer *buffer, const char *text);
bool rl_buffer_printf(rl_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for `size` more bytes and returns where to write them (then rl_buffer_advance), or NULL. */
char *rl_buffer_reserve(rl_buffer *buffer, size_t size);

/* Counts `size` bytes written after rl_buffer_reserve. */
void rl_buffer_advance(rl_buffer *buffer, size_t size);

/* Drops the first `size` bytes (all of them if there are fewer). */
void rl_buffer_consume(rl_buffer *buffer, size_t size);

static inline rl_bytes rl_buffer_bytes(const rl_buffer *buffer) {
    return (rl_bytes){buffer->data, buffer->size};
}

#define RL_AUTO_BUFFER RL_CLEANUP(rl_buffer_free)

#endif
