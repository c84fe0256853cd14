#include "lib/base/error.h"

#include <errno.h>
#include <string.h>

#include "tests/support/suite.h"

START_TEST(set_fills_class_code_and_message_and_returns_false) {
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_error_set(&err, RL_TRANSIENT, 7, "broker %s", "away"));
    ck_assert_int_eq(err.error_class, RL_TRANSIENT);
    ck_assert_int_eq(err.code, 7);
    ck_assert_str_eq(err.message, "broker away");
}
END_TEST

START_TEST(errno_text_follows_the_message) {
    rl_error err = RL_ERROR_INIT;
    rl_error_set_errno(&err, RL_FATAL, ENOENT, "open %s", "x");
    ck_assert_str_eq(err.message, "open x: No such file or directory");
}
END_TEST

START_TEST(prefix_reads_from_the_outside_in) {
    rl_error err = RL_ERROR_INIT;
    rl_error_set(&err, RL_INVALID, 0, "inner");
    rl_error_prefix(&err, "outer %d", 1);
    ck_assert_str_eq(err.message, "outer 1: inner");
    ck_assert_int_eq(err.error_class, RL_INVALID);
}
END_TEST

START_TEST(an_overlong_message_is_cut_and_terminated) {
    char text[600];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    rl_error err = RL_ERROR_INIT;
    rl_error_set(&err, RL_INVALID, 0, "%s", text);
    rl_error_prefix(&err, "%s", text);
    ck_assert_uint_eq(strlen(err.message), sizeof err.message - 1);
}
END_TEST

START_TEST(a_caller_may_not_want_the_reason) {
    ck_assert(!rl_error_set(NULL, RL_INVALID, 0, "x"));
    ck_assert(!rl_error_prefix(NULL, "x"));
    ck_assert(!rl_error_set_errno(NULL, RL_INVALID, ENOENT, "x"));
}
END_TEST

RL_SUITE("base/error", set_fills_class_code_and_message_and_returns_false, errno_text_follows_the_message,
         prefix_reads_from_the_outside_in, an_overlong_message_is_cut_and_terminated,
         a_caller_may_not_want_the_reason)
