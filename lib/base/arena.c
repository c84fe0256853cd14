#include "lib/base/arena.h"

#include <stddef.h>
#include <stdint.h>

enum { CHUNK_BYTES = 8 * 1024 };

typedef struct chunk {
    struct chunk *next;
    size_t size, used;
    _Alignas(max_align_t) unsigned char data[];
} chunk;

struct rl_arena {
    chunk *chunks; /* the newest first; only it is filled further */
    size_t limit, allocated;
};

rl_arena *rl_arena_new(size_t limit) {
    rl_arena *arena = calloc(1, sizeof *arena);
    if (arena) {
        arena->limit = limit;
    }
    return arena;
}

void rl_arena_free(rl_arena *arena) {
    if (!arena) {
        return;
    }
    for (chunk *c = arena->chunks; c;) {
        chunk *next = c->next;
        free(c);
        c = next;
    }
    free(arena);
}

static chunk *add_chunk(rl_arena *arena, size_t needed) {
    size_t left = arena->limit - arena->allocated;
    size_t size = needed > CHUNK_BYTES ? needed : CHUNK_BYTES;
    if (size > left) {
        size = left;
    }
    if (size < needed) {
        return NULL;
    }
    chunk *c = calloc(1, sizeof *c + size);
    if (c) {
        c->size = size;
        c->next = arena->chunks;
        arena->chunks = c;
        arena->allocated += size;
    }
    return c;
}

void *rl_arena_alloc(rl_arena *arena, size_t size) {
    const size_t align = _Alignof(max_align_t);
    if (size > SIZE_MAX - align) {
        return NULL;
    }
    size_t rounded = (size + align - 1) / align * align;
    if (rounded == 0) {
        rounded = align; /* distinct, valid pointers for empty things */
    }
    chunk *c = arena->chunks;
    if (!c || c->size - c->used < rounded) {
        c = add_chunk(arena, rounded);
        if (!c) {
            return NULL;
        }
    }
    void *data = c->data + c->used;
    c->used += rounded;
    return data;
}

void *rl_arena_array(rl_arena *arena, size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    return rl_arena_alloc(arena, count * size);
}

char *rl_arena_copy(rl_arena *arena, const void *data, size_t size) {
    char *copy = size < SIZE_MAX ? rl_arena_alloc(arena, size + 1) : NULL;
    if (copy && size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

bool rl_arena_bytes(rl_arena *arena, rl_bytes from, rl_bytes *ret_copy) {
    char *copy = rl_arena_copy(arena, from.data, from.size);
    if (copy) {
        *ret_copy = rl_bytes_make(copy, from.size);
    }
    return copy != NULL;
}
