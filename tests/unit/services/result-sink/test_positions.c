#include "services/result-sink/positions.h"

#include "tests/support/suite.h"

START_TEST(a_new_partition_has_nothing_to_commit) {
    rl_positions positions = {0};
    ck_assert(rl_positions_add(&positions, 3, RL_OFFSET_UNKNOWN));
    ck_assert(rl_positions_add(&positions, 4, 17));
    ck_assert(!rl_position_is_dirty(&positions.items[0]));
    ck_assert(!rl_position_is_dirty(&positions.items[1]));
    rl_positions_free(&positions);
}
END_TEST

START_TEST(what_is_done_is_dirty_until_it_is_committed) {
    rl_positions positions = {0};
    ck_assert(rl_positions_add(&positions, 0, RL_OFFSET_UNKNOWN));
    rl_positions_done(&positions, 0, 0);
    ck_assert_int_eq(positions.items[0].next, 1);
    ck_assert(rl_position_is_dirty(&positions.items[0]));
    rl_positions_committed(&positions, 0, 1);
    ck_assert(!rl_position_is_dirty(&positions.items[0]));
    rl_positions_free(&positions);
}
END_TEST

START_TEST(nothing_goes_back) {
    rl_positions positions = {0};
    ck_assert(rl_positions_add(&positions, 0, 10));
    rl_positions_done(&positions, 0, 20);
    rl_positions_done(&positions, 0, 5);
    ck_assert_int_eq(positions.items[0].next, 21);
    rl_positions_committed(&positions, 0, 21);
    rl_positions_committed(&positions, 0, 15);
    ck_assert_int_eq(positions.items[0].committed, 21);
    rl_positions_free(&positions);
}
END_TEST

START_TEST(partitions_that_are_not_ours_are_passed_over) {
    rl_positions positions = {0};
    ck_assert(rl_positions_add(&positions, 1, RL_OFFSET_UNKNOWN));
    ck_assert(rl_positions_add(&positions, 2, RL_OFFSET_UNKNOWN));
    rl_positions_remove(&positions, 1);
    rl_positions_remove(&positions, 9);
    rl_positions_done(&positions, 1, 100);
    ck_assert_uint_eq(positions.count, 1);
    ck_assert_int_eq(positions.items[0].partition, 2);
    ck_assert_int_eq(positions.items[0].next, RL_OFFSET_UNKNOWN);
    rl_positions_free(&positions);
}
END_TEST

START_TEST(the_lag_counts_what_is_on_the_log_and_not_done) {
    const rl_position unknown = {.next = RL_OFFSET_UNKNOWN}, at = {.next = 30}, before = {.next = 3};
    ck_assert_int_eq(rl_position_lag(&unknown, 10, 50), 40);
    ck_assert_int_eq(rl_position_lag(&at, 10, 50), 20);
    ck_assert_int_eq(rl_position_lag(&before, 10, 50), 40); /* 3..9 are past the log's retention */
    ck_assert_int_eq(rl_position_lag(&at, 10, 30), 0);
    ck_assert_int_eq(rl_position_lag(&at, 10, 20), 0);
}
END_TEST

RL_SUITE("sink/positions", a_new_partition_has_nothing_to_commit, what_is_done_is_dirty_until_it_is_committed,
         nothing_goes_back, partitions_that_are_not_ours_are_passed_over,
         the_lag_counts_what_is_on_the_log_and_not_done)
