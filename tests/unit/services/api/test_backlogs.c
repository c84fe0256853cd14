#include "services/api/backlogs.h"

#include "lib/base/clock.h"
#include "suite.h"

#define PARTITIONS 4
#define NOW (1000 * RL_US_PER_S)

static rl_backlogs *backlogs;

static void set_up(void) {
    backlogs = rl_backlogs_new(PARTITIONS, NULL);
    ck_assert_ptr_nonnull(backlogs);
}

static void tear_down(void) {
    rl_backlogs_free(backlogs);
}

/* Draws that go evenly over all pairs of partitions. */
enum { DRAWS = 64 * 64 };
static uint64_t draw_of(int n) {
    const uint64_t step = UINT64_C(0x100000000) / 64;
    return (uint64_t)(n / 64) * step << 32 | (uint64_t)(n % 64) * step;
}

static void count(int64_t now_us, int ret_chosen[PARTITIONS]) {
    for (int i = 0; i < PARTITIONS; i++) {
        ret_chosen[i] = 0;
    }
    for (int n = 0; n < DRAWS; n++) {
        const int32_t partition = rl_backlogs_choose(backlogs, draw_of(n), now_us);
        ck_assert_int_ge(partition, 0);
        ck_assert_int_lt(partition, PARTITIONS);
        ret_chosen[partition]++;
    }
}

static void expect_even(int64_t now_us) {
    int chosen[PARTITIONS];
    count(now_us, chosen);
    for (int i = 0; i < PARTITIONS; i++) {
        ck_assert_msg(chosen[i] == DRAWS / PARTITIONS, "partition %d: %d of %d", i, chosen[i], DRAWS);
    }
}

START_TEST(before_anything_is_measured_each_is_as_likely) {
    expect_even(NOW);
    expect_even(0);
}
END_TEST

START_TEST(equal_backlogs_are_as_likely) {
    const int64_t lengths[PARTITIONS] = {7, 7, 7, 7};
    rl_backlogs_measured(backlogs, lengths, NOW);
    int chosen[PARTITIONS];
    count(NOW, chosen);
    for (int i = 0; i < PARTITIONS; i++) {
        ck_assert_int_eq(chosen[i], DRAWS / PARTITIONS);
    }
}
END_TEST

START_TEST(the_longest_is_never_chosen_and_the_shortest_most_often) {
    const int64_t lengths[PARTITIONS] = {5, 0, 900, 6};
    rl_backlogs_measured(backlogs, lengths, NOW);
    int chosen[PARTITIONS];
    count(NOW, chosen);
    ck_assert_int_eq(chosen[2], 0);
    ck_assert_int_gt(chosen[1], chosen[0]);
    ck_assert_int_gt(chosen[0], chosen[3]);
    ck_assert_int_gt(chosen[3], 0);
}
END_TEST

START_TEST(what_was_added_counts_until_the_next_measurement) {
    const int64_t lengths[PARTITIONS] = {3, 3, 3, 3};
    int chosen[PARTITIONS];
    rl_backlogs_measured(backlogs, lengths, NOW);
    rl_backlogs_added(backlogs, 1);
    count(NOW, chosen);
    ck_assert_int_eq(chosen[1], 0);
    ck_assert_int_eq(rl_backlogs_total(backlogs, NOW), 13);
    rl_backlogs_measured(backlogs, lengths, NOW + RL_US_PER_S);
    ck_assert_int_eq(rl_backlogs_total(backlogs, NOW + RL_US_PER_S), 12);
    count(NOW + RL_US_PER_S, chosen);
    ck_assert_int_eq(chosen[1], DRAWS / PARTITIONS);
}
END_TEST

START_TEST(what_was_measured_long_ago_is_no_backlog_whatever_is_added) {
    const int64_t lengths[PARTITIONS] = {3, 3, 3, 3};
    rl_backlogs_added(backlogs, 0);
    ck_assert_int_eq(rl_backlogs_total(backlogs, NOW), 0);
    rl_backlogs_measured(backlogs, lengths, NOW);
    for (int i = 0; i < 10000; i++) {
        rl_backlogs_added(backlogs, 1);
    }
    ck_assert_int_eq(rl_backlogs_total(backlogs, NOW + RL_BACKLOGS_BELIEVED_US - 1), 10012);
    ck_assert_int_eq(rl_backlogs_total(backlogs, NOW + RL_BACKLOGS_BELIEVED_US), 0);
}
END_TEST

START_TEST(beside_a_long_backlog_a_choice_holds_for_a_moment) {
    const int64_t lengths[PARTITIONS] = {320, 320, 320, 320};
    rl_backlogs_measured(backlogs, lengths, NOW);
    const int32_t chosen = rl_backlogs_choose(backlogs, draw_of(0), NOW);
    ck_assert_int_eq(chosen, 0);
    for (int i = 0; i < 320 / RL_BACKLOGS_HOLD_SHARE; i++) {
        ck_assert_int_eq(rl_backlogs_choose(backlogs, draw_of(63), NOW + i), chosen);
    }
    ck_assert_int_eq(rl_backlogs_choose(backlogs, draw_of(63), NOW + 20), 3); /* enough is enough */
    ck_assert_int_eq(rl_backlogs_choose(backlogs, draw_of(0), NOW + 21), 3);
    ck_assert_int_eq(rl_backlogs_choose(backlogs, draw_of(0), NOW + 20 + RL_BACKLOGS_HOLD_US), 0);
}
END_TEST

START_TEST(beside_a_short_backlog_each_record_has_a_choice_of_its_own) {
    const int64_t lengths[PARTITIONS] = {15, 15, 15, 15};
    rl_backlogs_measured(backlogs, lengths, NOW);
    ck_assert_int_eq(rl_backlogs_choose(backlogs, draw_of(0), NOW), 0);
    ck_assert_int_eq(rl_backlogs_choose(backlogs, draw_of(63), NOW), 3);
    ck_assert_int_eq(rl_backlogs_choose(backlogs, draw_of(0), NOW), 0);
}
END_TEST

START_TEST(old_figures_are_not_believed) {
    const int64_t lengths[PARTITIONS] = {0, 0, 900, 0};
    int chosen[PARTITIONS];
    rl_backlogs_measured(backlogs, lengths, NOW);
    count(NOW + 4 * RL_US_PER_S, chosen);
    ck_assert_int_eq(chosen[2], 0);
    expect_even(NOW + 5 * RL_US_PER_S);
}
END_TEST

START_TEST(a_single_partition_is_always_chosen) {
    rl_backlogs *one = rl_backlogs_new(1, NULL);
    const int64_t length = 12;
    rl_backlogs_measured(one, &length, NOW);
    ck_assert_int_eq(rl_backlogs_choose(one, UINT64_MAX, NOW), 0);
    ck_assert_int_eq(rl_backlogs_choose(one, 0, NOW), 0);
    rl_backlogs_free(one);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: backlogs");
    TCase *tests = tcase_create("two choices");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, before_anything_is_measured_each_is_as_likely);
    tcase_add_test(tests, equal_backlogs_are_as_likely);
    tcase_add_test(tests, the_longest_is_never_chosen_and_the_shortest_most_often);
    tcase_add_test(tests, what_was_added_counts_until_the_next_measurement);
    tcase_add_test(tests, what_was_measured_long_ago_is_no_backlog_whatever_is_added);
    tcase_add_test(tests, beside_a_long_backlog_a_choice_holds_for_a_moment);
    tcase_add_test(tests, beside_a_short_backlog_each_record_has_a_choice_of_its_own);
    tcase_add_test(tests, old_figures_are_not_believed);
    tcase_add_test(tests, a_single_partition_is_always_chosen);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
