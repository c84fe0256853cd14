#include "lib/base/buffer.h"

#include <stdint.h>
#include <stdio.h>

enum { FIRST_CAPACITY = 256 };

bool rl_bytes_equal(rl_bytes a, rl_bytes b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

void rl_buffer_init(rl_buffer *buffer, size_t limit) {
    *buffer = (rl_buffer){.limit = limit < SIZE_MAX / 4 ? limit : SIZE_MAX / 4};
}

void rl_buffer_free(rl_buffer *buffer) {
    free(buffer->data);
    rl_buffer_init(buffer, buffer->limit);
}

char *rl_buffer_reserve(rl_buffer *buffer, size_t size) {
    if (size > buffer->limit - buffer->size) {
        return NULL;
    }
    size_t needed = buffer->size + size + 1; /* the NUL */
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
        while (capacity < needed) {
            capacity *= 2;
        }
        char *data = realloc(buffer->data, capacity);
        if (!data) {
            return NULL;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    buffer->data[buffer->size] = '\0';
    return buffer->data + buffer->size;
}

void rl_buffer_advance(rl_buffer *buffer, size_t size) {
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
}

bool rl_buffer_append(rl_buffer *buffer, const void *data, size_t size) {
    char *to = rl_buffer_reserve(buffer, size);
    if (!to) {
        return false;
    }
    if (size > 0) {
        memcpy(to, data, size);
    }
    rl_buffer_advance(buffer, size);
    return true;
}

bool rl_buffer_append_text(rl_buffer *buffer, const char *text) {
    return rl_buffer_append(buffer, text, strlen(text));
}

bool rl_buffer_printf(rl_buffer *buffer, const char *format, ...) {
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *to = size < 0 ? NULL : rl_buffer_reserve(buffer, (size_t)size);
    if (to) {
        (void)vsnprintf(to, (size_t)size + 1, format, again);
        rl_buffer_advance(buffer, (size_t)size);
    }
    va_end(again);
    return to != NULL;
}

void rl_buffer_consume(rl_buffer *buffer, size_t size) {
    if (size >= buffer->size) {
        size = buffer->size;
    }
    if (size == 0) {
        return;
    }
    buffer->size -= size;
    memmove(buffer->data, buffer->data + size, buffer->size + 1);
}
