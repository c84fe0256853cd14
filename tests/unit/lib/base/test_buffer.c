#include "lib/base/buffer.h"

#include <stdint.h>

#include "tests/support/suite.h"

START_TEST(appends_grow_and_stay_terminated) {
    RL_AUTO_BUFFER rl_buffer buffer;
    rl_buffer_init(&buffer, SIZE_MAX);
    for (int i = 0; i < 1000; i++) {
        ck_assert(rl_buffer_printf(&buffer, "%d,", i));
    }
    ck_assert_uint_eq(strlen(buffer.data), buffer.size);
    ck_assert(strstr(buffer.data, "998,999,") != NULL);
}
END_TEST

START_TEST(the_limit_is_never_passed_and_a_refusal_changes_nothing) {
    RL_AUTO_BUFFER rl_buffer buffer;
    rl_buffer_init(&buffer, 4);
    ck_assert(rl_buffer_append_text(&buffer, "abc"));
    ck_assert(!rl_buffer_append_text(&buffer, "de"));
    ck_assert_str_eq(buffer.data, "abc");
    ck_assert(rl_buffer_append_text(&buffer, "d"));
    ck_assert_ptr_null(rl_buffer_reserve(&buffer, SIZE_MAX));
}
END_TEST

START_TEST(consume_drops_from_the_front) {
    RL_AUTO_BUFFER rl_buffer buffer;
    rl_buffer_init(&buffer, 100);
    rl_buffer_append_text(&buffer, "hello");
    rl_buffer_consume(&buffer, 2);
    ck_assert_str_eq(buffer.data, "llo");
    rl_buffer_consume(&buffer, 99);
    ck_assert_uint_eq(buffer.size, 0);
}
END_TEST

START_TEST(bytes_compare_by_length_and_content) {
    ck_assert(rl_bytes_equal(rl_bytes_of("a"), rl_bytes_make("ab", 1)));
    ck_assert(!rl_bytes_equal(rl_bytes_of("a"), rl_bytes_of("ab")));
    ck_assert(rl_bytes_equal(rl_bytes_make(NULL, 0), rl_bytes_of("")));
}
END_TEST

RL_SUITE("base/buffer", appends_grow_and_stay_terminated,
         the_limit_is_never_passed_and_a_refusal_changes_nothing, consume_drops_from_the_front,
         bytes_compare_by_length_and_content)
