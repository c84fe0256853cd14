/* How far a partition may be committed. */
#include "services/runner/watermark.h"
#include "tests/support/suite.h"

static rl_watermark *window_at(int64_t start, size_t capacity) {
    rl_error err = RL_ERROR_INIT;
    rl_watermark *window = rl_watermark_new(start, capacity, &err);
    ck_assert_msg(window != NULL, "%s", err.message);
    return window;
}

static void take(rl_watermark *window, int64_t from, int64_t to) {
    for (int64_t offset = from; offset <= to; offset++) {
        ck_assert_msg(rl_watermark_take(window, offset), "no room for %ld", (long)offset);
    }
}

START_TEST(watermark_stays_at_the_gap) {
    RL_AUTO_WATERMARK rl_watermark *w = window_at(100, 8);
    take(w, 100, 103);
    ck_assert_int_eq(rl_watermark_done(w, 101), 100);
    ck_assert_int_eq(rl_watermark_done(w, 103), 100);
}
END_TEST

START_TEST(watermark_jumps_when_the_gap_closes) {
    RL_AUTO_WATERMARK rl_watermark *w = window_at(100, 8);
    take(w, 100, 103);
    rl_watermark_done(w, 101);
    rl_watermark_done(w, 102);
    ck_assert_int_eq(rl_watermark_done(w, 100), 103);
    ck_assert_int_eq(rl_watermark_done(w, 103), 104);
    ck_assert_uint_eq(rl_watermark_span(w), 0);
}
END_TEST

START_TEST(done_twice_changes_nothing) {
    RL_AUTO_WATERMARK rl_watermark *w = window_at(0, 4);
    take(w, 0, 1);
    ck_assert_int_eq(rl_watermark_done(w, 0), 1);
    ck_assert_int_eq(rl_watermark_done(w, 0), 1);
}
END_TEST

START_TEST(done_without_having_been_taken_changes_nothing) {
    RL_AUTO_WATERMARK rl_watermark *w = window_at(0, 4);
    take(w, 0, 0);
    ck_assert_int_eq(rl_watermark_done(w, 3), 0);
    ck_assert_int_eq(rl_watermark_done(w, 0), 1);
    ck_assert_int_eq(rl_watermark_next(w), 1);
}
END_TEST

START_TEST(a_full_window_has_no_room_until_its_first_offset_is_done) {
    RL_AUTO_WATERMARK rl_watermark *w = window_at(10, 4);
    take(w, 10, 13);
    rl_watermark_done(w, 12);
    ck_assert(!rl_watermark_has_room(w, 14));
    ck_assert(!rl_watermark_take(w, 14));
    rl_watermark_done(w, 10);
    ck_assert(rl_watermark_has_room(w, 14));
    ck_assert(!rl_watermark_has_room(w, 15));
}
END_TEST

START_TEST(the_ring_goes_round_many_times) {
    RL_AUTO_WATERMARK rl_watermark *w = window_at(7, 3);
    for (int64_t offset = 7; offset < 10000; offset += 3) {
        take(w, offset, offset + 2);
        rl_watermark_done(w, offset + 1);
        rl_watermark_done(w, offset + 2);
        ck_assert_int_eq(rl_watermark_offset(w), offset);
        ck_assert_int_eq(rl_watermark_done(w, offset), offset + 3);
    }
}
END_TEST

START_TEST(offsets_that_do_not_exist_count_as_done) {
    RL_AUTO_WATERMARK rl_watermark *w = window_at(0, 16);
    take(w, 0, 0);
    take(w, 5, 5);
    ck_assert_int_eq(rl_watermark_done(w, 5), 0);
    ck_assert_int_eq(rl_watermark_done(w, 0), 6);
}
END_TEST

START_TEST(an_empty_window_jumps_over_any_gap) {
    RL_AUTO_WATERMARK rl_watermark *w = window_at(0, 4);
    take(w, 0, 0);
    rl_watermark_done(w, 0);
    ck_assert(rl_watermark_has_room(w, 1000000));
    take(w, 1000000, 1000000);
    ck_assert_int_eq(rl_watermark_done(w, 1000000), 1000001);
}
END_TEST

START_TEST(a_gap_wider_than_the_window_waits_for_it_to_empty) {
    RL_AUTO_WATERMARK rl_watermark *w = window_at(0, 4);
    take(w, 0, 0);
    ck_assert(!rl_watermark_has_room(w, 50));
    rl_watermark_done(w, 0);
    ck_assert(rl_watermark_take(w, 50));
    ck_assert_int_eq(rl_watermark_offset(w), 50);
}
END_TEST

START_TEST(an_offset_taken_before_is_not_taken_again) {
    RL_AUTO_WATERMARK rl_watermark *w = window_at(5, 4);
    take(w, 5, 6);
    ck_assert(!rl_watermark_take(w, 5));
    ck_assert(!rl_watermark_take(w, 2));
    ck_assert_int_eq(rl_watermark_next(w), 7);
}
END_TEST

START_TEST(impossible_windows_are_refused) {
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(rl_watermark_new(0, 0, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
    ck_assert_ptr_null(rl_watermark_new(0, RL_WATERMARK_MAX_CAPACITY + 1, NULL));
    ck_assert_ptr_null(rl_watermark_new(-1, 4, NULL));
}
END_TEST

RL_SUITE("services/runner/watermark", watermark_stays_at_the_gap, watermark_jumps_when_the_gap_closes,
         done_twice_changes_nothing, done_without_having_been_taken_changes_nothing,
         a_full_window_has_no_room_until_its_first_offset_is_done, the_ring_goes_round_many_times,
         offsets_that_do_not_exist_count_as_done, an_empty_window_jumps_over_any_gap,
         a_gap_wider_than_the_window_waits_for_it_to_empty, an_offset_taken_before_is_not_taken_again,
         impossible_windows_are_refused)
