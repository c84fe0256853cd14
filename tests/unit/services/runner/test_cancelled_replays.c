/* Which replays are not executed any further. */
#include "services/runner/cancelled_replays.h"

#include <poll.h>

#include "tests/support/suite.h"

static rl_cancelled_replays *new_set(void) {
    rl_error err = RL_ERROR_INIT;
    rl_cancelled_replays *set = rl_cancelled_replays_new(&err);
    ck_assert_msg(set != NULL, "%s", err.message);
    return set;
}

START_TEST(an_empty_set_has_nothing) {
    RL_AUTO_CANCELLED_REPLAYS rl_cancelled_replays *set = new_set();
    ck_assert(!rl_cancelled_replays_have(set, 0));
    ck_assert(!rl_cancelled_replays_have(set, 1));
    ck_assert_uint_eq(rl_cancelled_replays_count(set), 0);
}
END_TEST

START_TEST(generations_are_found_again_in_whatever_order_they_came) {
    RL_AUTO_CANCELLED_REPLAYS rl_cancelled_replays *set = new_set();
    for (int64_t i = 0; i < 100; i++) {
        ck_assert(rl_cancelled_replays_add(set, 2 + 2 * (i * 37 % 100)));
    }
    for (int64_t generation = 1; generation <= 201; generation++) {
        ck_assert(rl_cancelled_replays_have(set, generation) == (generation % 2 == 0));
    }
    ck_assert_uint_eq(rl_cancelled_replays_count(set), 100);
}
END_TEST

START_TEST(asking_twice_is_asking_once) {
    RL_AUTO_CANCELLED_REPLAYS rl_cancelled_replays *set = new_set();
    ck_assert(rl_cancelled_replays_add(set, 7));
    const uint64_t version = rl_cancelled_replays_version(set);
    ck_assert(rl_cancelled_replays_add(set, 7));
    ck_assert_uint_eq(rl_cancelled_replays_count(set), 1);
    ck_assert_uint_eq(rl_cancelled_replays_version(set), version);
}
END_TEST

START_TEST(past_the_bound_the_lowest_is_forgotten) {
    RL_AUTO_CANCELLED_REPLAYS rl_cancelled_replays *set = new_set();
    for (int64_t generation = 10; generation < 10 + RL_CANCELLED_REPLAYS_MAX; generation++) {
        ck_assert(rl_cancelled_replays_add(set, generation));
    }
    ck_assert(!rl_cancelled_replays_add(set, 5));
    ck_assert(!rl_cancelled_replays_have(set, 5));
    ck_assert(rl_cancelled_replays_have(set, 10));
    ck_assert(!rl_cancelled_replays_add(set, 100000));
    ck_assert(rl_cancelled_replays_have(set, 100000));
    ck_assert(!rl_cancelled_replays_have(set, 10));
    ck_assert(rl_cancelled_replays_have(set, 11));
    ck_assert_uint_eq(rl_cancelled_replays_count(set), RL_CANCELLED_REPLAYS_MAX);
}
END_TEST

START_TEST(a_new_generation_wakes_the_reader) {
    RL_AUTO_CANCELLED_REPLAYS rl_cancelled_replays *set = new_set();
    struct pollfd reader = {.fd = rl_cancelled_replays_fd(set), .events = POLLIN};
    ck_assert_int_eq(poll(&reader, 1, 0), 0);
    ck_assert(rl_cancelled_replays_add(set, 1));
    ck_assert_int_eq(poll(&reader, 1, 0), 1);
}
END_TEST

RL_SUITE("runner/cancelled_replays", an_empty_set_has_nothing,
         generations_are_found_again_in_whatever_order_they_came, asking_twice_is_asking_once,
         past_the_bound_the_lowest_is_forgotten, a_new_generation_wakes_the_reader)
