/* Which lane is next. */
#include "services/runner/turns.h"
#include "tests/support/suite.h"

typedef struct {
    int work[RL_TURNS_MAX]; /* waiting */
    int taken[RL_TURNS_MAX];
} lanes;

static bool take(void *context, size_t lane) {
    lanes *l = context;
    if (l->work[lane] == 0) {
        return false;
    }
    l->work[lane]--;
    l->taken[lane]++;
    return true;
}

static const rl_turns fresh = {.count = 3, .weights = {14, 5, 1}};

static void take_some(rl_turns *turns, lanes *l, int count) {
    for (int i = 0; i < count; i++) {
        ck_assert_msg(rl_turns_next(turns, take, l), "nothing more after %d", i);
    }
}

START_TEST(lanes_that_all_have_work_share_by_weight) {
    rl_turns turns = fresh;
    lanes l = {.work = {1000, 1000, 1000}};
    take_some(&turns, &l, 200);
    ck_assert_int_eq(l.taken[0], 140);
    ck_assert_int_eq(l.taken[1], 50);
    ck_assert_int_eq(l.taken[2], 10);
}
END_TEST

START_TEST(a_lane_alone_gets_everything) {
    rl_turns turns = fresh;
    lanes l = {.work = {0, 0, 100}};
    take_some(&turns, &l, 100);
    ck_assert(!rl_turns_next(&turns, take, &l));
}
END_TEST

START_TEST(what_one_lane_leaves_goes_to_the_others_by_weight) {
    rl_turns turns = fresh;
    lanes l = {.work = {0, 1000, 1000}};
    take_some(&turns, &l, 60);
    ck_assert_int_eq(l.taken[1], 50);
    ck_assert_int_eq(l.taken[2], 10);
}
END_TEST

START_TEST(a_lane_that_wakes_up_is_next) {
    rl_turns turns = fresh;
    lanes l = {.work = {1000, 0, 0}};
    take_some(&turns, &l, 500);
    l.work[2] = 1;
    take_some(&turns, &l, 1);
    ck_assert_int_eq(l.taken[2], 1);
}
END_TEST

START_TEST(an_interactive_piece_is_next_however_long_a_batch_was_alone) {
    for (int alone = 1; alone < 50; alone++) {
        rl_turns turns = fresh;
        lanes l = {.work = {0, 1000, 0}};
        take_some(&turns, &l, alone);
        l.work[0] = 1;
        take_some(&turns, &l, 1);
        ck_assert_int_eq(l.taken[0], 1);
    }
}
END_TEST

START_TEST(pieces_of_a_batch_do_not_come_in_a_row_while_interactive_ones_wait) {
    rl_turns turns = fresh;
    lanes l = {.work = {1000, 1000, 0}};
    int row = 0;
    for (int i = 0; i < 500; i++) {
        const int batch = l.taken[1];
        take_some(&turns, &l, 1);
        row = l.taken[1] > batch ? row + 1 : 0;
        ck_assert_int_le(row, 1);
    }
}
END_TEST

RL_SUITE("runner/turns", lanes_that_all_have_work_share_by_weight, a_lane_alone_gets_everything,
         what_one_lane_leaves_goes_to_the_others_by_weight, a_lane_that_wakes_up_is_next,
         an_interactive_piece_is_next_however_long_a_batch_was_alone,
         pieces_of_a_batch_do_not_come_in_a_row_while_interactive_ones_wait)
