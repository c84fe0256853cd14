#include "services/runner/cancelled_ids.h"

#include <poll.h>
#include <stdio.h>

#include "tests/support/suite.h"

static const char *id_of(int n) {
    static char id[64];
    snprintf(id, sizeof id, "%040d", n);
    return id;
}

static rl_cancelled_ids *new_set(size_t max) {
    rl_error err = RL_ERROR_INIT;
    rl_cancelled_ids *set = rl_cancelled_ids_new(max, &err);
    ck_assert_msg(set != NULL, "%s", err.message);
    return set;
}

START_TEST(an_empty_set_has_nothing) {
    RL_AUTO_CANCELLED_IDS rl_cancelled_ids *set = new_set(4);
    ck_assert(!rl_cancelled_ids_have(set, id_of(1)));
    rl_cancelled_ids_expire(set, INT64_MAX);
    ck_assert_uint_eq(rl_cancelled_ids_count(set), 0);
}
END_TEST

START_TEST(many_ids_are_found_again_and_no_others) {
    RL_AUTO_CANCELLED_IDS rl_cancelled_ids *set = new_set(10000);
    for (int i = 0; i < 5000; i++) {
        ck_assert_int_eq(rl_cancelled_ids_add(set, id_of(2 * i), 100), RL_CANCELLED_ADDED);
    }
    for (int i = 0; i < 10000; i++) {
        ck_assert_msg(rl_cancelled_ids_have(set, id_of(i)) == (i % 2 == 0), "%d", i);
    }
}
END_TEST

START_TEST(asking_twice_is_asking_once) {
    RL_AUTO_CANCELLED_IDS rl_cancelled_ids *set = new_set(4);
    ck_assert_int_eq(rl_cancelled_ids_add(set, id_of(1), 100), RL_CANCELLED_ADDED);
    uint64_t version = rl_cancelled_ids_version(set);
    ck_assert_int_eq(rl_cancelled_ids_add(set, id_of(1), 200), RL_CANCELLED_KNOWN);
    ck_assert_uint_eq(rl_cancelled_ids_count(set), 1);
    ck_assert_uint_eq(rl_cancelled_ids_version(set), version);
}
END_TEST

START_TEST(past_the_bound_the_first_is_forgotten) {
    RL_AUTO_CANCELLED_IDS rl_cancelled_ids *set = new_set(3);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(rl_cancelled_ids_add(set, id_of(i), 100), RL_CANCELLED_ADDED);
    }
    ck_assert_int_eq(rl_cancelled_ids_add(set, id_of(3), 100), RL_CANCELLED_DISPLACED);
    ck_assert_uint_eq(rl_cancelled_ids_count(set), 3);
    ck_assert(!rl_cancelled_ids_have(set, id_of(0)));
    ck_assert(rl_cancelled_ids_have(set, id_of(1)));
    ck_assert(rl_cancelled_ids_have(set, id_of(3)));
}
END_TEST

START_TEST(what_is_over_leaves_and_the_rest_stays) {
    RL_AUTO_CANCELLED_IDS rl_cancelled_ids *set = new_set(200);
    for (int i = 0; i < 100; i++) {
        rl_cancelled_ids_add(set, id_of(i), i);
    }
    rl_cancelled_ids_expire(set, 60);
    ck_assert_uint_eq(rl_cancelled_ids_count(set), 40);
    ck_assert(!rl_cancelled_ids_have(set, id_of(59)));
    ck_assert(rl_cancelled_ids_have(set, id_of(60)));
    rl_cancelled_ids_expire(set, 1000);
    ck_assert_uint_eq(rl_cancelled_ids_count(set), 0);
    ck_assert_int_eq(rl_cancelled_ids_add(set, id_of(7), 2000), RL_CANCELLED_ADDED);
    ck_assert(rl_cancelled_ids_have(set, id_of(7)));
}
END_TEST

START_TEST(whoever_polls_is_woken_by_each_addition) {
    RL_AUTO_CANCELLED_IDS rl_cancelled_ids *set = new_set(4);
    struct pollfd fd = {.fd = rl_cancelled_ids_fd(set), .events = POLLIN};
    ck_assert_int_eq(poll(&fd, 1, 0), 0);
    rl_cancelled_ids_add(set, id_of(1), 100);
    ck_assert_int_eq(poll(&fd, 1, 0), 1);
}
END_TEST

RL_SUITE("runner/cancelled_ids", an_empty_set_has_nothing, many_ids_are_found_again_and_no_others,
         asking_twice_is_asking_once, past_the_bound_the_first_is_forgotten,
         what_is_over_leaves_and_the_rest_stays, whoever_polls_is_woken_by_each_addition)
