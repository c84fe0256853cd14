#include "lib/base/arena.h"

#include <stdint.h>

#include "tests/support/suite.h"

START_TEST(allocations_are_zeroed_aligned_and_distinct) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    char *previous = NULL;
    for (size_t size = 0; size < 3000; size += 7) {
        char *data = rl_arena_alloc(arena, size);
        ck_assert_ptr_nonnull(data);
        ck_assert_ptr_ne(data, previous);
        ck_assert_uint_eq((uintptr_t)data % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) {
            ck_assert_int_eq(data[i], 0);
            data[i] = 'x';
        }
        previous = data;
    }
}
END_TEST

START_TEST(the_limit_holds_for_all_allocations_together) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(100000);
    ck_assert_ptr_nonnull(rl_arena_alloc(arena, 60000));
    ck_assert_ptr_null(rl_arena_alloc(arena, 60000));
    ck_assert_ptr_nonnull(rl_arena_alloc(arena, 30000));
}
END_TEST

START_TEST(sizes_that_overflow_are_refused) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(SIZE_MAX);
    ck_assert_ptr_null(rl_arena_array(arena, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(rl_arena_alloc(arena, SIZE_MAX));
    ck_assert_ptr_null(rl_arena_copy(arena, "", SIZE_MAX));
}
END_TEST

START_TEST(a_copy_is_terminated_behind_its_bytes) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1000);
    rl_bytes copy;
    ck_assert(rl_arena_bytes(arena, rl_bytes_make("a\0b", 3), &copy));
    ck_assert_mem_eq(copy.data, "a\0b", 4);
    ck_assert_uint_eq(copy.size, 3);
}
END_TEST

RL_SUITE("base/arena", allocations_are_zeroed_aligned_and_distinct,
         the_limit_holds_for_all_allocations_together, sizes_that_overflow_are_refused,
         a_copy_is_terminated_behind_its_bytes)
