#include "lib/base/stopper.h"

#include "lib/base/clock.h"
#include "tests/support/suite.h"

#define LONG_US (3600 * RL_US_PER_S) /* longer than the suite may take */

START_TEST(a_pause_ends_by_itself) {
    rl_stopper stopper;
    rl_stopper_init(&stopper);
    ck_assert(rl_stopper_pause_us(&stopper, 1000));
    rl_stopper_destroy(&stopper);
}
END_TEST

START_TEST(no_pause_lasts_once_it_is_time_to_stop) {
    rl_stopper stopper;
    rl_stopper_init(&stopper);
    rl_stopper_stop(&stopper);
    ck_assert(!rl_stopper_pause_us(&stopper, LONG_US));
    ck_assert(!rl_stopper_pause_us(&stopper, LONG_US));
    rl_stopper_destroy(&stopper);
}
END_TEST

START_TEST(a_pause_of_nothing_only_asks) {
    rl_stopper stopper;
    rl_stopper_init(&stopper);
    ck_assert(rl_stopper_pause_us(&stopper, 0));
    rl_stopper_stop(&stopper);
    ck_assert(!rl_stopper_pause_us(&stopper, 0));
    rl_stopper_destroy(&stopper);
}
END_TEST

static void *pause_for_long(void *context) {
    rl_stopper_pause_us(context, LONG_US);
    return NULL;
}

START_TEST(a_pause_that_has_begun_ends_at_the_stop) {
    rl_stopper stopper;
    pthread_t threads[3];
    rl_stopper_init(&stopper);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, pause_for_long, &stopper), 0);
    }
    rl_stopper_stop(&stopper);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    rl_stopper_destroy(&stopper);
}
END_TEST

RL_SUITE("base/stopper", a_pause_ends_by_itself, no_pause_lasts_once_it_is_time_to_stop,
         a_pause_of_nothing_only_asks, a_pause_that_has_begun_ends_at_the_stop)
