/* Examples from https://www.w3.org/TR/trace-context-1/. */
#include "lib/base/trace.h"

#include "tests/support/suite.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

static bool is_valid(const char *text) {
    return rl_trace_is_valid(rl_bytes_of(text));
}

START_TEST(the_specifications_example_is_valid) {
    ck_assert(is_valid("00-" TRACE "-" PARENT "-01"));
    ck_assert(is_valid("00-" TRACE "-" PARENT "-00"));
    ck_assert(is_valid("00-" TRACE "-" PARENT "-ff"));
}
END_TEST

START_TEST(a_later_version_may_be_longer) {
    ck_assert(is_valid("cc-" TRACE "-" PARENT "-01"));
    ck_assert(is_valid("cc-" TRACE "-" PARENT "-01-what-the-future-will-be-like"));
    ck_assert(!is_valid("cc-" TRACE "-" PARENT "-01.what"));
}
END_TEST

START_TEST(anything_else_is_invalid) {
    const char *bad[] = {NULL,
                         "",
                         "00",
                         "ff-" TRACE "-" PARENT "-01",
                         "0x-" TRACE "-" PARENT "-01",
                         "00-" TRACE "-" PARENT "-01-extra",
                         "00-" TRACE "-" PARENT "-01-",
                         "00-" TRACE "-" PARENT "-0",
                         "00-" TRACE "-" PARENT "-0g",
                         "00-" TRACE "-0000000000000000-01",
                         "00-00000000000000000000000000000000-" PARENT "-01",
                         "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
                         "00-" TRACE "-00F067AA0BA902B7-01",
                         "00-4bf92f3577b34da6a3ce929d0e0e473-" PARENT "-01-",
                         " 00-" TRACE "-" PARENT "-01",
                         "00_" TRACE "-" PARENT "-01"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!is_valid(bad[i]), "%s", bad[i] ? bad[i] : "NULL");
    }
    char longest[300];
    memset(longest, 'x', sizeof longest);
    memcpy(longest, "cc-" TRACE "-" PARENT "-01-", 56);
    ck_assert(!rl_trace_is_valid(rl_bytes_make(longest, sizeof longest)));
}
END_TEST

START_TEST(a_view_is_not_read_past_its_end) {
    const char text[] = "00-" TRACE "-" PARENT "-01";
    ck_assert(!rl_trace_is_valid(rl_bytes_make(text, RL_TRACEPARENT_LENGTH - 1)));
    ck_assert(rl_trace_is_valid(rl_bytes_make(text, RL_TRACEPARENT_LENGTH)));
}
END_TEST

START_TEST(a_trace_goes_on_under_a_span_of_its_own) {
    char child[RL_TRACEPARENT_SIZE], sibling[RL_TRACEPARENT_SIZE];
    const rl_bytes parent = rl_bytes_of("00-" TRACE "-" PARENT "-01");
    ck_assert(rl_trace_continue(parent, child));
    ck_assert(rl_trace_continue(parent, sibling));
    ck_assert(is_valid(child));
    ck_assert_int_eq(strncmp(child, "00-" TRACE "-", 36), 0);
    ck_assert_str_eq(child + 52, "-01");
    ck_assert_int_ne(strncmp(child + 36, PARENT, 16), 0);
    ck_assert_str_ne(child, sibling);
}
END_TEST

START_TEST(what_goes_on_is_version_00_with_the_one_flag_it_defines) {
    char child[RL_TRACEPARENT_SIZE];
    ck_assert(rl_trace_continue(rl_bytes_of("cc-" TRACE "-" PARENT "-fe-later"), child));
    ck_assert_int_eq(strncmp(child, "00-" TRACE "-", 36), 0);
    ck_assert_str_eq(child + 52, "-00");
    ck_assert(rl_trace_continue(rl_bytes_of("00-" TRACE "-" PARENT "-0b"), child));
    ck_assert_str_eq(child + 52, "-01");
}
END_TEST

START_TEST(an_invalid_parent_is_continued_by_nobody) {
    char child[RL_TRACEPARENT_SIZE] = "left over";
    ck_assert(!rl_trace_continue(rl_bytes_of("00-" TRACE "-" PARENT "-0"), child));
    ck_assert_str_eq(child, "");
}
END_TEST

START_TEST(a_trace_of_our_own_is_valid_and_new_each_time) {
    char one[RL_TRACEPARENT_SIZE], other[RL_TRACEPARENT_SIZE];
    rl_trace_begin(one);
    rl_trace_begin(other);
    ck_assert(is_valid(one));
    ck_assert_int_eq(strncmp(one, "00-", 3), 0);
    ck_assert_str_eq(one + 52, "-00");
    ck_assert_int_ne(strncmp(one + 3, other + 3, 32), 0);
}
END_TEST

START_TEST(a_log_line_gets_the_two_ids) {
    rl_trace_ids ids = rl_trace_ids_of("00-" TRACE "-" PARENT "-01");
    ck_assert_str_eq(ids.trace, TRACE);
    ck_assert_str_eq(ids.span, PARENT);
    ids = rl_trace_ids_of("");
    ck_assert_str_eq(ids.trace, "");
    ck_assert_str_eq(ids.span, "");
    ck_assert_str_eq(rl_trace_ids_of(NULL).trace, "");
}
END_TEST

RL_SUITE("base/trace", the_specifications_example_is_valid, a_later_version_may_be_longer,
         anything_else_is_invalid, a_view_is_not_read_past_its_end, a_trace_goes_on_under_a_span_of_its_own,
         what_goes_on_is_version_00_with_the_one_flag_it_defines, an_invalid_parent_is_continued_by_nobody,
         a_trace_of_our_own_is_valid_and_new_each_time, a_log_line_gets_the_two_ids)
