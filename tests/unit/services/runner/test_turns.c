/* Which lane is next, and how lanes share the time of the slots. */
#include "services/runner/turns.h"
#include "tests/support/suite.h"

#define MS INT64_C(1000)
#define S (1000 * MS)
#define SLOTS_MAX 4
#define BEAT (50 * MS)
#define FOREVER INT64_MAX

enum { INTERACTIVE, BATCH, REPLAY };

/* A runner: what waits, what is in its slots, and how much time each lane has had. */
typedef struct {
    rl_turns turns;
    int64_t now;
    int64_t expected; /* of every piece that begins; 0: what it will take */
    int64_t length[RL_TURNS_MAX];
    int64_t waiting[RL_TURNS_MAX];
    int64_t started[RL_TURNS_MAX], time[RL_TURNS_MAX];
    size_t slots;
    struct {
        size_t lane;
        int64_t end, left; /* left of the expectation; end 0: free */
    } slot[SLOTS_MAX];
} simulation;

static simulation simulation_of(size_t slots) {
    return (simulation){.turns = {.count = 3, .weights = {14, 5, 1}, .spread = 3600 * S * RL_TURNS_UNIT},
                        .slots = slots,
                        .length = {S, S, S}};
}

static rl_turn take(void *context, size_t lane) {
    simulation *r = context;
    if (r->waiting[lane] == 0) {
        return RL_TURN_NONE;
    }
    r->waiting[lane]--;
    return RL_TURN_TAKEN;
}

/* Fills a slot; the lane it went to, or RL_TURNS_MAX. */
static size_t fill(simulation *r, size_t slot) {
    size_t lane;
    if (!rl_turns_next(&r->turns, take, r, &lane)) {
        return RL_TURNS_MAX;
    }
    const int64_t expected = r->expected > 0 ? r->expected : r->length[lane];
    rl_turns_charge(&r->turns, lane, 0, expected);
    r->slot[slot].lane = lane;
    r->slot[slot].end = r->now + r->length[lane];
    r->slot[slot].left = expected;
    r->started[lane]++;
    return lane;
}

/* Some time of what is in a slot. */
static void use(simulation *r, size_t slot, int64_t us) {
    const int64_t as_expected = us < r->slot[slot].left ? us : r->slot[slot].left;
    r->slot[slot].left -= as_expected;
    r->time[r->slot[slot].lane] += us;
    rl_turns_charge(&r->turns, r->slot[slot].lane, us, -as_expected);
}

/* Goes on by a beat at most; what has ended by then makes room. */
static void go_on(simulation *r) {
    int64_t next = r->now + BEAT;
    for (size_t i = 0; i < r->slots; i++) {
        next = r->slot[i].end > r->now && r->slot[i].end < next ? r->slot[i].end : next;
    }
    for (size_t i = 0; i < r->slots; i++) {
        if (r->slot[i].end > r->now) {
            use(r, i, next - r->now);
        }
    }
    r->now = next;
    for (size_t i = 0; i < r->slots; i++) {
        if (r->slot[i].end == r->now) {
            rl_turns_charge(&r->turns, r->slot[i].lane, 0, -r->slot[i].left);
        }
    }
}

static bool is_free(const simulation *r, size_t slot) {
    return r->slot[slot].end <= r->now;
}

static void work_until(simulation *r, int64_t end) {
    while (r->now < end) {
        for (size_t i = 0; i < r->slots; i++) {
            if (is_free(r, i)) {
                (void)fill(r, i);
            }
        }
        go_on(r);
    }
}

/* Of the time that lanes have had, in thousandths. */
static int share(const simulation *r, size_t lane) {
    return (int)(1000 * r->time[lane] / (r->time[INTERACTIVE] + r->time[BATCH] + r->time[REPLAY]));
}

static void expect_share(const simulation *r, size_t lane, int expected) {
    const int off = share(r, lane) - expected;
    ck_assert_msg(off >= -20 && off <= 20, "lane %zu has had %d thousandths", lane, share(r, lane));
}

START_TEST(lanes_that_all_have_work_share_by_weight) {
    simulation r = simulation_of(1);
    for (size_t i = 0; i < 3; i++) {
        r.waiting[i] = FOREVER;
    }
    work_until(&r, 200 * S);
    ck_assert_int_eq(r.started[INTERACTIVE], 140);
    ck_assert_int_eq(r.started[BATCH], 50);
    ck_assert_int_eq(r.started[REPLAY], 10);
}
END_TEST

START_TEST(pieces_of_unequal_length_share_time_and_not_number) {
    for (size_t slots = 1; slots <= SLOTS_MAX; slots++) {
        simulation r = simulation_of(slots);
        for (size_t i = 0; i < 3; i++) {
            r.waiting[i] = FOREVER;
        }
        r.length[INTERACTIVE] = 100 * MS;
        r.length[BATCH] = 60 * S;
        r.length[REPLAY] = 7 * S;
        work_until(&r, 5 * 3600 * S);
        expect_share(&r, INTERACTIVE, 700);
        expect_share(&r, BATCH, 250);
        expect_share(&r, REPLAY, 50);
    }
}
END_TEST

START_TEST(wrong_expectations_change_no_share) {
    const int64_t expectations[] = {1 * MS, 60 * S};
    for (size_t i = 0; i < 2; i++) {
        simulation r = simulation_of(SLOTS_MAX);
        r.waiting[INTERACTIVE] = FOREVER;
        r.waiting[BATCH] = FOREVER;
        r.expected = expectations[i];
        r.length[INTERACTIVE] = 200 * MS;
        r.length[BATCH] = 3 * S;
        work_until(&r, 3600 * S);
        expect_share(&r, INTERACTIVE, 1000 * 14 / 19);
    }
}
END_TEST

START_TEST(a_short_interactive_piece_is_always_next_beside_endless_long_batches) {
    const int64_t lengths[] = {2 * S, 60 * S};
    for (size_t i = 0; i < 4; i++) { /* in one slot, and in many */
        simulation r = simulation_of(i < 2 ? 1 : SLOTS_MAX);
        r.waiting[BATCH] = FOREVER;
        r.length[INTERACTIVE] = 100 * MS;
        r.length[BATCH] = lengths[i % 2];
        for (int64_t second = 1; second <= 3600; second++) {
            r.waiting[INTERACTIVE]++;
            while (r.now < second * S) {
                for (size_t slot = 0; slot < r.slots; slot++) {
                    const bool one_waits = r.waiting[INTERACTIVE] > 0;
                    const size_t lane = is_free(&r, slot) ? fill(&r, slot) : INTERACTIVE;
                    ck_assert_msg(lane == INTERACTIVE || !one_waits, "a batch went first after %d s",
                                  (int)second);
                }
                go_on(&r);
            }
        }
        ck_assert_int_gt(r.started[BATCH], 0);
    }
}
END_TEST

START_TEST(what_runs_is_charged_before_it_ends) {
    simulation r = simulation_of(2);
    r.length[BATCH] = 1000 * S;
    r.waiting[BATCH] = 1;
    r.waiting[INTERACTIVE] = 1;
    (void)fill(&r, 0);
    (void)fill(&r, 1);
    while (!is_free(&r, 0)) {
        go_on(&r);
    }
    for (int i = 0; i < 1000; i++) { /* 5 / 19 of the time, if it were free */
        go_on(&r);
        r.waiting[BATCH] = 1;
        r.waiting[INTERACTIVE] = 1;
        if (is_free(&r, 0)) {
            ck_assert_uint_eq(fill(&r, 0), INTERACTIVE);
        }
    }
}
END_TEST

START_TEST(a_lane_alone_gets_everything) {
    simulation r = simulation_of(1);
    r.waiting[REPLAY] = 100;
    work_until(&r, 100 * S);
    ck_assert_int_eq(r.started[REPLAY], 100);
    ck_assert_uint_eq(fill(&r, 0), RL_TURNS_MAX);
}
END_TEST

START_TEST(what_one_lane_leaves_goes_to_the_others_by_weight) {
    simulation r = simulation_of(1);
    r.waiting[BATCH] = FOREVER;
    r.waiting[REPLAY] = FOREVER;
    work_until(&r, 60 * S);
    ck_assert_int_eq(r.started[BATCH], 50);
    ck_assert_int_eq(r.started[REPLAY], 10);
}
END_TEST

START_TEST(a_lane_that_wakes_up_is_next) {
    for (int64_t alone = 1; alone < 50; alone++) {
        simulation r = simulation_of(1);
        r.waiting[INTERACTIVE] = FOREVER;
        work_until(&r, alone * S);
        r.waiting[REPLAY] = 1;
        ck_assert_uint_eq(fill(&r, 0), REPLAY);
    }
}
END_TEST

START_TEST(an_interactive_piece_is_next_however_long_a_batch_was_alone) {
    for (int64_t alone = 1; alone < 50; alone++) {
        simulation r = simulation_of(SLOTS_MAX);
        r.waiting[BATCH] = FOREVER;
        r.expected = 60 * S; /* and however wrong one was about it */
        work_until(&r, alone * S);
        r.waiting[INTERACTIVE] = 1;
        ck_assert_uint_eq(fill(&r, 0), INTERACTIVE);
    }
}
END_TEST

START_TEST(a_lane_without_work_saves_nothing_up) {
    simulation r = simulation_of(1);
    r.waiting[BATCH] = FOREVER;
    work_until(&r, 3600 * S);
    r.waiting[INTERACTIVE] = FOREVER;
    r.time[BATCH] = 0;
    work_until(&r, 3600 * S + 190 * S);
    expect_share(&r, BATCH, 1000 * 5 / 19);
}
END_TEST

START_TEST(a_lane_with_work_that_cannot_begin_yet_keeps_its_place) {
    simulation r = simulation_of(1);
    r.waiting[INTERACTIVE] = FOREVER;
    r.waiting[BATCH] = FOREVER;
    r.length[BATCH] = 10 * S;
    work_until(&r, 10 * S);
    ck_assert(r.turns.waiting[INTERACTIVE]);
    const int64_t used = r.turns.used[INTERACTIVE];
    const int64_t now = r.turns.now;
    ck_assert_int_le(now, used);
}
END_TEST

START_TEST(where_nothing_waits_all_are_even) {
    simulation r = simulation_of(1);
    r.length[BATCH] = 600 * S;
    r.waiting[BATCH] = 1;
    r.waiting[INTERACTIVE] = 1;
    work_until(&r, 700 * S);
    ck_assert_uint_eq(fill(&r, 0), RL_TURNS_MAX);
    r.waiting[BATCH] = FOREVER;
    r.waiting[INTERACTIVE] = FOREVER;
    r.length[BATCH] = S;
    r.time[BATCH] = 0;
    r.time[INTERACTIVE] = 0;
    work_until(&r, 900 * S);
    expect_share(&r, BATCH, 1000 * 5 / 19);
}
END_TEST

START_TEST(nobody_owes_more_than_the_spread) {
    simulation r = simulation_of(1);
    r.turns.spread = 60 * S * RL_TURNS_UNIT;
    r.length[BATCH] = 36000 * S;
    r.waiting[INTERACTIVE] = FOREVER;
    r.waiting[BATCH] = 1;
    r.length[INTERACTIVE] = 100 * MS;
    while (r.started[BATCH] == 0) {
        work_until(&r, r.now + 1);
    }
    work_until(&r, 36001 * S);
    r.length[BATCH] = S;
    r.waiting[BATCH] = 1;
    work_until(&r, 36001 * S + 60 * 14 * S + 15 * S); /* what the others may have meanwhile */
    ck_assert_int_eq(r.started[BATCH], 2);
}
END_TEST

START_TEST(pieces_of_a_batch_do_not_come_in_a_row_while_interactive_ones_wait) {
    simulation r = simulation_of(1);
    r.waiting[INTERACTIVE] = FOREVER;
    r.waiting[BATCH] = FOREVER;
    size_t before = INTERACTIVE;
    for (int i = 0; i < 500; i++) {
        const size_t lane = fill(&r, 0);
        ck_assert(lane != BATCH || before != BATCH);
        before = lane;
        while (!is_free(&r, 0)) {
            go_on(&r);
        }
    }
}
END_TEST

RL_SUITE("runner/turns", lanes_that_all_have_work_share_by_weight,
         pieces_of_unequal_length_share_time_and_not_number, wrong_expectations_change_no_share,
         a_short_interactive_piece_is_always_next_beside_endless_long_batches,
         what_runs_is_charged_before_it_ends, a_lane_alone_gets_everything,
         what_one_lane_leaves_goes_to_the_others_by_weight, a_lane_that_wakes_up_is_next,
         an_interactive_piece_is_next_however_long_a_batch_was_alone, a_lane_without_work_saves_nothing_up,
         a_lane_with_work_that_cannot_begin_yet_keeps_its_place, where_nothing_waits_all_are_even,
         nobody_owes_more_than_the_spread, pieces_of_a_batch_do_not_come_in_a_row_while_interactive_ones_wait)
