#include "lib/base/clock.h"

#include <errno.h>

#include "tests/support/suite.h"

START_TEST(rfc3339_keeps_microseconds) {
    char out[RL_RFC3339_SIZE];
    ck_assert_str_eq(rl_rfc3339(0, out), "1970-01-01T00:00:00.000000Z");
    ck_assert_str_eq(rl_rfc3339(INT64_C(1767323045678901), out), "2026-01-02T03:04:05.678901Z");
    ck_assert_str_eq(rl_rfc3339(-1, out), "1969-12-31T23:59:59.999999Z");
}
END_TEST

START_TEST(a_time_beyond_the_calendar_does_not_overflow) {
    char out[RL_RFC3339_SIZE];
    ck_assert_str_eq(rl_rfc3339(INT64_MAX, out), "1970-01-01T00:00:00.000000Z");
}
END_TEST

START_TEST(a_wait_ends_at_its_deadline) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    rl_cond_init(&cond);
    pthread_mutex_lock(&mutex);
    int64_t deadline_us = rl_clock_us() + 2 * RL_US_PER_MS;
    int status = 0;
    while (status == 0) {
        status = rl_cond_wait_until(&cond, &mutex, deadline_us);
    }
    ck_assert_int_eq(status, ETIMEDOUT);
    ck_assert_int_ge(rl_clock_us(), deadline_us);
    pthread_mutex_unlock(&mutex);
    pthread_cond_destroy(&cond);
}
END_TEST

START_TEST(backoff_doubles_between_its_bounds) {
    int64_t pause = 0;
    for (int i = 0; i < 40; i++) {
        pause = rl_backoff_next_us(pause, 100, 5000);
        ck_assert_int_ge(pause, 100);
        ck_assert_int_le(pause, 5000);
    }
    ck_assert_int_ge(pause, 2500);
}
END_TEST

RL_SUITE("base/clock", rfc3339_keeps_microseconds, a_time_beyond_the_calendar_does_not_overflow,
         a_wait_ends_at_its_deadline, backoff_doubles_between_its_bounds)
