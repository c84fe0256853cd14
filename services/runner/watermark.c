/* watermark.c: a ring of flags. The slot of an offset is the offset modulo the capacity; only offsets
 * between `base` (the watermark) and `next` have one, and those are never more than the capacity. */
#include "services/runner/watermark.h"

#include <errno.h>
#include <stdlib.h>

struct rl_watermark {
    int64_t base; /* the first offset not done */
    int64_t next; /* the first offset not taken */
    size_t capacity;
    bool done[]; /* of base <= offset < next */
};

static bool *slot(rl_watermark *window, int64_t offset) {
    return &window->done[(size_t)((uint64_t)offset % window->capacity)];
}

rl_watermark *rl_watermark_new(int64_t start, size_t capacity, rl_error *err) {
    if (start < 0 || capacity < 1 || capacity > RL_WATERMARK_MAX_CAPACITY) {
        rl_error_set(err, RL_INVALID, 0, "a window of %zu offsets: expected 1 to %d", capacity,
                     RL_WATERMARK_MAX_CAPACITY);
        return NULL;
    }
    rl_watermark *window = calloc(1, sizeof *window + capacity * sizeof window->done[0]);
    if (!window) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    window->base = start;
    window->next = start;
    window->capacity = capacity;
    return window;
}

void rl_watermark_free(rl_watermark *window) {
    free(window);
}

bool rl_watermark_has_room(const rl_watermark *window, int64_t offset) {
    return offset < window->next || window->base == window->next ||
           offset - window->base < (int64_t)window->capacity;
}

bool rl_watermark_take(rl_watermark *window, int64_t offset) {
    if (offset < window->next || !rl_watermark_has_room(window, offset)) {
        return false;
    }
    if (window->base == window->next) {
        window->base = offset;
        window->next = offset;
    }
    for (; window->next < offset; window->next++) {
        *slot(window, window->next) = true;
    }
    *slot(window, window->next++) = false;
    return true;
}

int64_t rl_watermark_done(rl_watermark *window, int64_t offset) {
    if (offset >= window->base && offset < window->next) {
        *slot(window, offset) = true;
        while (window->base < window->next && *slot(window, window->base)) {
            window->base++;
        }
    }
    return window->base;
}

int64_t rl_watermark_offset(const rl_watermark *window) {
    return window->base;
}

int64_t rl_watermark_next(const rl_watermark *window) {
    return window->next;
}

size_t rl_watermark_span(const rl_watermark *window) {
    return (size_t)(window->next - window->base);
}
