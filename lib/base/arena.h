/* arena.h: many small allocations that die together.
 *
 * A decoded record or a parsed request is a struct of views; the arena owns what they point at and is
 * freed once, when the record is done with.
 *
 * Thread: one at a time. Memory: chunks from malloc, never more than `limit` bytes in all.
 */
#ifndef RL_BASE_ARENA_H
#define RL_BASE_ARENA_H

#include "lib/base/buffer.h"

typedef struct rl_arena rl_arena;

/* NULL when memory is short. */
rl_arena *rl_arena_new(size_t limit);
void rl_arena_free(rl_arena *arena);

/* `size` zeroed bytes aligned for any type; NULL past the limit or when memory is short. A size of 0
 * gives a valid pointer. */
void *rl_arena_alloc(rl_arena *arena, size_t size);

/* `count` zeroed elements of `size` bytes; NULL also where the product overflows. */
void *rl_arena_array(rl_arena *arena, size_t count, size_t size);

/* Copies; a NUL follows the copy (and is not counted). NULL data only on failure. */
char *rl_arena_copy(rl_arena *arena, const void *data, size_t size);

/* As rl_arena_copy, as a view: false when memory is short. */
bool rl_arena_bytes(rl_arena *arena, rl_bytes from, rl_bytes *ret_copy);

RL_DEFINE_CLEANUP(rl_arena_slot, rl_arena, rl_arena_free)
#define RL_AUTO_ARENA RL_CLEANUP(rl_arena_slot)

#endif
