/* How demand becomes a number of warm containers. */
#include "services/runner/pool_policy.h"
#include "tests/support/suite.h"

#define SECOND INT64_C(1000000)

static void assert_targets(rl_pool_wish *wishes, size_t count, size_t each_max, size_t all_max,
                           const size_t *expected) {
    rl_pool_share(wishes, count, each_max, all_max, INT64_MAX);
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(wishes[i].target == expected[i], "language %zu: %zu instead of %zu", i,
                      wishes[i].target, expected[i]);
    }
}

START_TEST(a_steady_rate_is_learned_and_forgotten) {
    rl_demand demand = {.per_s = 0};
    int64_t now_us = 1000 * SECOND;
    ck_assert(rl_demand_rate(&demand, now_us) < 0.001);
    for (int i = 0; i < 400; i++) {
        now_us += SECOND / 4;
        rl_demand_note(&demand, now_us);
    }
    double rate = rl_demand_rate(&demand, now_us);
    ck_assert_msg(rate > 3.8 && rate < 4.2, "%f", rate);
    ck_assert(rl_demand_rate(&demand, now_us + 20 * SECOND) < rate / 2);
    ck_assert(rl_demand_rate(&demand, now_us + 200 * SECOND) < 0.01);
}
END_TEST

START_TEST(a_clock_that_stands_still_does_no_harm) {
    rl_demand demand = {.per_s = 1, .at_us = 5 * SECOND};
    rl_demand_note(&demand, 4 * SECOND);
    ck_assert(rl_demand_rate(&demand, 4 * SECOND) >= 1);
}
END_TEST

START_TEST(without_demand_everyone_gets_what_its_manifest_asks_for) {
    rl_pool_wish wishes[] = {{0, 1, 0, 0}, {0, 2, 0, 0}, {0, 0, 0, 0}};
    assert_targets(wishes, 3, 4, 16, (const size_t[]){1, 2, 0, 0});
}
END_TEST

START_TEST(demand_adds_what_it_would_use_up) {
    rl_pool_wish wishes[] = {{0.05, 1, 0, 0}, {2.5, 1, 0, 0}, {100, 1, 0, 0}};
    assert_targets(wishes, 3, 6, 100, (const size_t[]){1, 4, 6});
}
END_TEST

START_TEST(what_is_short_goes_to_the_most_asked_for_first) {
    rl_pool_wish wishes[] = {{0, 1, 0, 0}, {3, 1, 0, 0}, {0.5, 1, 0, 0}};
    assert_targets(wishes, 3, 8, 2, (const size_t[]){0, 1, 1});
    assert_targets(wishes, 3, 8, 0, (const size_t[]){0, 0, 0, 0});
}
END_TEST

START_TEST(what_takes_more_memory_than_is_left_gives_way_to_what_does_not) {
    rl_pool_wish wishes[] = {{3, 1, 0, 8}, {3, 1, 0, 48}, {0, 1, 0, 8}};
    rl_pool_share(wishes, 3, 8, 16, 48 + 8 + 8);
    ck_assert_uint_eq(wishes[0].target, 1);
    ck_assert_uint_eq(wishes[1].target, 1);
    ck_assert_uint_eq(wishes[2].target, 1);
    rl_pool_share(wishes, 3, 8, 16, 47);
    ck_assert_uint_eq(wishes[0].target, 4);
    ck_assert_uint_eq(wishes[1].target, 0);
    ck_assert_uint_eq(wishes[2].target, 1);
}
END_TEST

START_TEST(everybody_has_one_before_anybody_has_two) {
    rl_pool_wish wishes[] = {{50, 1, 0, 0}, {0, 1, 0, 0}, {0, 1, 0, 0}};
    assert_targets(wishes, 3, 8, 4, (const size_t[]){2, 1, 1});
}
END_TEST

START_TEST(the_rest_is_shared_in_proportion_to_the_wishes) {
    rl_pool_wish wishes[] = {{7, 1, 0, 0}, {3, 1, 0, 0}};
    assert_targets(wishes, 2, 8, 6, (const size_t[]){4, 2});
}
END_TEST

RL_SUITE("runner/pool_policy", a_steady_rate_is_learned_and_forgotten, a_clock_that_stands_still_does_no_harm,
         without_demand_everyone_gets_what_its_manifest_asks_for, demand_adds_what_it_would_use_up,
         what_is_short_goes_to_the_most_asked_for_first, everybody_has_one_before_anybody_has_two,
         what_takes_more_memory_than_is_left_gives_way_to_what_does_not,
         the_rest_is_shared_in_proportion_to_the_wishes)
