#include "services/api/waiters.h"

#include <pthread.h>

#include "lib/base/clock.h"
#include "suite.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LONG_US (60 * RL_US_PER_S)

static rl_waiters *waiters;
static rl_waiter *waiter;

static void set_up(void) {
    waiters = rl_waiters_new(2, NULL);
    waiter = rl_waiter_new();
    ck_assert(waiters && waiter);
}

static void tear_down(void) {
    rl_waiter_free(waiter);
    rl_waiters_free(waiters);
}

static rl_wait_status await(int64_t us) {
    return rl_waiters_wait(waiters, waiter, rl_clock_us() + us);
}

START_TEST(a_wake_before_the_wait_is_not_lost) {
    ck_assert(rl_waiters_enter(waiters, waiter, ID_A));
    rl_waiters_wake(waiters, ID_A);
    ck_assert_int_eq(await(LONG_US), RL_WAIT_WOKEN);
    rl_waiters_leave(waiters, waiter);
}
END_TEST

START_TEST(another_id_wakes_nobody) {
    ck_assert(rl_waiters_enter(waiters, waiter, ID_A));
    rl_waiters_wake(waiters, ID_B);
    ck_assert_int_eq(await(1000), RL_WAIT_TIMEOUT);
    rl_waiters_leave(waiters, waiter);
}
END_TEST

START_TEST(one_wake_is_one_wake) {
    ck_assert(rl_waiters_enter(waiters, waiter, ID_A));
    rl_waiters_wake(waiters, ID_A);
    ck_assert_int_eq(await(LONG_US), RL_WAIT_WOKEN);
    ck_assert_int_eq(await(1000), RL_WAIT_TIMEOUT);
    rl_waiters_leave(waiters, waiter);
}
END_TEST

START_TEST(no_more_than_the_capacity_may_wait) {
    rl_waiter *second = rl_waiter_new();
    rl_waiter *third = rl_waiter_new();
    ck_assert(rl_waiters_enter(waiters, waiter, ID_A));
    ck_assert(rl_waiters_enter(waiters, second, ID_A));
    ck_assert(!rl_waiters_enter(waiters, third, ID_A));
    ck_assert_int_eq(rl_waiters_count(waiters), 2);
    rl_waiters_leave(waiters, waiter);
    ck_assert(rl_waiters_enter(waiters, third, ID_A));
    rl_waiters_leave(waiters, second);
    rl_waiters_leave(waiters, third);
    ck_assert_int_eq(rl_waiters_count(waiters), 0);
    rl_waiter_free(second);
    rl_waiter_free(third);
}
END_TEST

static void *wait_long(void *status) {
    *(rl_wait_status *)status = await(LONG_US);
    return NULL;
}

START_TEST(a_thread_that_waits_is_woken) {
    pthread_t thread;
    rl_wait_status status = RL_WAIT_TIMEOUT;
    ck_assert(rl_waiters_enter(waiters, waiter, ID_A));
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_long, &status), 0);
    rl_waiters_wake(waiters, ID_A);
    pthread_join(thread, NULL);
    ck_assert_int_eq(status, RL_WAIT_WOKEN);
    rl_waiters_leave(waiters, waiter);
}
END_TEST

START_TEST(closing_sends_everybody_home_now_and_later) {
    pthread_t thread;
    rl_wait_status status = RL_WAIT_TIMEOUT;
    ck_assert(rl_waiters_enter(waiters, waiter, ID_A));
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_long, &status), 0);
    rl_waiters_close(waiters);
    pthread_join(thread, NULL);
    ck_assert_int_eq(status, RL_WAIT_CLOSED);
    rl_waiters_leave(waiters, waiter);
    ck_assert(!rl_waiters_enter(waiters, waiter, ID_A));
}
END_TEST

static void count_call(void *context) {
    ++*(int *)context;
}

START_TEST(one_that_is_called_hears_of_its_id_and_of_the_end) {
    int calls = 0;
    rl_waiter *called = rl_waiter_new_called(count_call, &calls);
    ck_assert(rl_waiters_enter(waiters, called, ID_A));
    rl_waiters_wake(waiters, ID_B);
    ck_assert_int_eq(calls, 0);
    rl_waiters_wake(waiters, ID_A);
    ck_assert_int_eq(calls, 1);
    rl_waiters_close(waiters);
    ck_assert_int_eq(calls, 2);
    rl_waiters_leave(waiters, called);
    ck_assert(!rl_waiters_enter(waiters, called, ID_A));
    ck_assert_int_eq(rl_waiters_count(waiters), 0);
    rl_waiter_free(called);
}
END_TEST

START_TEST(those_that_are_called_take_nobodys_place) {
    int calls = 0;
    rl_waiter *called[4];
    for (size_t i = 0; i < 4; i++) {
        called[i] = rl_waiter_new_called(count_call, &calls);
        ck_assert(rl_waiters_enter(waiters, called[i], ID_A));
    }
    ck_assert(rl_waiters_enter(waiters, waiter, ID_A));
    ck_assert_int_eq(rl_waiters_count(waiters), 5);
    rl_waiters_wake(waiters, ID_A);
    ck_assert_int_eq(calls, 4);
    ck_assert_int_eq(await(LONG_US), RL_WAIT_WOKEN);
    rl_waiters_leave(waiters, waiter);
    for (size_t i = 0; i < 4; i++) {
        rl_waiters_leave(waiters, called[i]);
        rl_waiter_free(called[i]);
    }
    ck_assert_int_eq(rl_waiters_count(waiters), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("waiters");
    TCase *tests = tcase_create("waiting");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 90);
    tcase_add_test(tests, a_wake_before_the_wait_is_not_lost);
    tcase_add_test(tests, another_id_wakes_nobody);
    tcase_add_test(tests, one_wake_is_one_wake);
    tcase_add_test(tests, no_more_than_the_capacity_may_wait);
    tcase_add_test(tests, a_thread_that_waits_is_woken);
    tcase_add_test(tests, one_that_is_called_hears_of_its_id_and_of_the_end);
    tcase_add_test(tests, those_that_are_called_take_nobodys_place);
    tcase_add_test(tests, closing_sends_everybody_home_now_and_later);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
