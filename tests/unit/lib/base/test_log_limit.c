#include "lib/base/log_limit.h"

#include "tests/support/suite.h"

#define START_US INT64_C(1000000000)

static rl_log_limit limit;
static int64_t withheld;

/* Offers `count` lines at one time; returns how many passed. */
static int offer(int count, int64_t now_us) {
    int passed = 0;
    for (int i = 0; i < count; i++) {
        passed += rl_log_limit_pass(&limit, now_us, &withheld);
    }
    return passed;
}

START_TEST(the_first_lines_of_a_span_pass) {
    limit = (rl_log_limit){0};
    ck_assert_int_eq(offer(RL_LOG_LIMIT_LINES, START_US), RL_LOG_LIMIT_LINES);
    ck_assert_int_eq(withheld, 0);
    ck_assert_int_eq(offer(1000, START_US + RL_LOG_LIMIT_SPAN_US - 1), 0);
}
END_TEST

START_TEST(the_next_span_says_what_was_withheld) {
    limit = (rl_log_limit){0};
    (void)offer(RL_LOG_LIMIT_LINES + 7, START_US);
    ck_assert_int_eq(offer(1, START_US + RL_LOG_LIMIT_SPAN_US), 1);
    ck_assert_int_eq(withheld, 7);
    ck_assert_int_eq(offer(1, START_US + RL_LOG_LIMIT_SPAN_US), 1);
    ck_assert_int_eq(withheld, 0);
}
END_TEST

START_TEST(a_clock_near_its_zero_is_no_exception) {
    limit = (rl_log_limit){0};
    ck_assert_int_eq(offer(1000, 5), RL_LOG_LIMIT_LINES);
}
END_TEST

RL_SUITE("base/log_limit", the_first_lines_of_a_span_pass, the_next_span_says_what_was_withheld,
         a_clock_near_its_zero_is_no_exception)
