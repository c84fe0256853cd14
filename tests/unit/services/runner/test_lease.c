/* Which records a runner may work on, which are suspects, and how that is written down. */
#include <stdio.h>

#include "services/runner/lease.h"
#include "tests/support/suite.h"

static rl_lease *lease_of(size_t capacity) {
    rl_error err = RL_ERROR_INIT;
    rl_lease *lease = rl_lease_new(capacity, &err);
    ck_assert_msg(lease != NULL, "%s", err.message);
    return lease;
}

static void check_note(rl_lease *lease, int64_t base, int64_t next, size_t ahead, const char *expected) {
    rl_lease_note note;
    char text[RL_LEASE_NOTE_SIZE];
    rl_lease_note_of(lease, base, next, ahead, &note);
    rl_lease_note_write(&note, text);
    ck_assert_str_eq(text, expected);
}

static void recall(rl_lease *lease, const char *text, int64_t base, int64_t log_end) {
    rl_lease_note note;
    ck_assert(rl_lease_note_read(rl_bytes_of(text), base, &note));
    ck_assert(rl_lease_recall(lease, &note, log_end, NULL));
}

START_TEST(a_note_tells_what_is_leased_and_what_will_be) {
    RL_AUTO_LEASE rl_lease *lease = lease_of(8);
    rl_lease_hold(lease, 100, true);
    rl_lease_hold(lease, 102, true);
    check_note(lease, 100, 104, 0, "runlog/1 100 .-.");
    check_note(lease, 100, 104, 2, "runlog/1 100 .-.-..");
    rl_lease_settle(lease, 100);
    check_note(lease, 101, 104, 0, "runlog/1 101 -.");
}
END_TEST

START_TEST(a_runner_that_holds_nothing_leaves_an_empty_note) {
    RL_AUTO_LEASE rl_lease *lease = lease_of(8);
    check_note(lease, 100, 104, 0, "");
    rl_lease_hold(lease, 103, true);
    rl_lease_drop_all(lease);
    check_note(lease, 100, 104, 0, "");
}
END_TEST

START_TEST(what_was_leased_at_a_loss_is_suspect_and_nothing_else) {
    RL_AUTO_LEASE rl_lease *lease = lease_of(8);
    recall(lease, "runlog/1 50 .-.2", 50, INT64_MAX);
    ck_assert_uint_eq(rl_lease_suspects(lease), 3);
    ck_assert_int_eq(rl_lease_attempts(lease, 50), 0);
    ck_assert_int_eq(rl_lease_attempts(lease, 51), -1);
    ck_assert_int_eq(rl_lease_attempts(lease, 52), 0);
    ck_assert_int_eq(rl_lease_attempts(lease, 53), 2);
    ck_assert_int_eq(rl_lease_attempts(lease, 54), -1);
}
END_TEST

START_TEST(a_record_that_came_after_the_loss_is_no_suspect) {
    RL_AUTO_LEASE rl_lease *lease = lease_of(8);
    recall(lease, "runlog/1 50 ....", 50, 51);
    ck_assert_uint_eq(rl_lease_suspects(lease), 1);
    ck_assert_int_eq(rl_lease_attempts(lease, 51), -1);
}
END_TEST

START_TEST(suspects_stay_in_the_note_until_they_are_answered) {
    RL_AUTO_LEASE rl_lease *lease = lease_of(8);
    recall(lease, "runlog/1 50 .-.", 50, INT64_MAX);
    check_note(lease, 50, 50, 0, "runlog/1 50 0-0");
    rl_lease_count(lease, 52, 1);
    check_note(lease, 50, 53, 0, "runlog/1 50 0-1");
    rl_lease_settle(lease, 52);
    check_note(lease, 50, 53, 0, "runlog/1 50 0");
    check_note(lease, 51, 53, 0, "");
    ck_assert_uint_eq(rl_lease_suspects(lease), 0);
}
END_TEST

START_TEST(a_suspect_is_tried_beside_others_for_as_long_as_it_is_leased) {
    RL_AUTO_LEASE rl_lease *lease = lease_of(8);
    recall(lease, "runlog/1 50 ..21", 50, INT64_MAX);
    rl_lease_hold(lease, 51, true);
    check_note(lease, 50, 54, 0, "runlog/1 50 0121");
    ck_assert_int_eq(rl_lease_attempts(lease, 51), 0);
    rl_lease_hold(lease, 51, false); /* handed back */
    check_note(lease, 50, 54, 0, "runlog/1 50 0021");
    rl_lease_hold(lease, 58, true); /* shares a place in the ring with 50 */
    check_note(lease, 51, 59, 0, "runlog/1 51 021----.");
}
END_TEST

START_TEST(a_lease_ahead_is_a_try_of_the_suspects_in_it) {
    RL_AUTO_LEASE rl_lease *lease = lease_of(8);
    recall(lease, "runlog/1 50 .-...", 50, INT64_MAX);
    check_note(lease, 50, 50, 3, "runlog/1 50 1.100");
    check_note(lease, 50, 50, 0, "runlog/1 50 0-000");
}
END_TEST

START_TEST(attempts_are_counted_and_taken_back_within_bounds) {
    RL_AUTO_LEASE rl_lease *lease = lease_of(8);
    recall(lease, "runlog/1 9 .", 9, INT64_MAX);
    rl_lease_count(lease, 9, -1);
    ck_assert_int_eq(rl_lease_attempts(lease, 9), 0);
    for (int i = 0; i < 5; i++) {
        rl_lease_count(lease, 9, 1);
    }
    ck_assert_int_eq(rl_lease_attempts(lease, 9), RL_SUSPECT_TRIES);
    rl_lease_count(lease, 9, -1);
    ck_assert_int_eq(rl_lease_attempts(lease, 9), RL_SUSPECT_TRIES - 1);
    rl_lease_count(lease, 10, 1);
    ck_assert_int_eq(rl_lease_attempts(lease, 10), -1);
}
END_TEST

START_TEST(the_longest_note_fits_the_broker_and_comes_back) {
    RL_AUTO_LEASE rl_lease *lease = lease_of(RL_LEASE_MAX_CAPACITY);
    const int64_t base = INT64_MAX - 2 * RL_LEASE_NOTE_MARKS - 5000;
    for (int64_t i = 0; i < RL_LEASE_MAX_CAPACITY; i++) {
        rl_lease_hold(lease, base + i, true);
    }
    rl_lease_note note;
    rl_lease_note back;
    char text[RL_LEASE_NOTE_SIZE];
    rl_lease_note_of(lease, base, base + RL_LEASE_MAX_CAPACITY, 5000, &note);
    ck_assert_uint_eq(note.count, RL_LEASE_NOTE_MARKS);
    rl_lease_note_write(&note, text);
    ck_assert_uint_lt(strlen(text), 4096);
    ck_assert(rl_lease_note_read(rl_bytes_of(text), base, &back));
    ck_assert_uint_eq(back.count, note.count);
    ck_assert_mem_eq(back.marks, note.marks, note.count);
}
END_TEST

START_TEST(a_note_of_another_offset_or_form_says_nothing) {
    static const char *const foreign[] = {
        "runlog/1 101 .",
        "runlog/2 100 .",
        "runlog/1 100 ",
        "runlog/1 100",
        "runlog/1  100 .",
        "runlog/1 0100 .",
        "runlog/1 100 .4",
        "runlog/1 100 .,",
        "{\"json\": 1}",
        "100",
        "runlog/1 -1 .",
        "runlog/1 100 . ",
        " runlog/1 100 .",
        "\n",
        "r",
        "runlog/1 100 ..\xff",
        "RUNLOG/1 100 .",
    };
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        rl_lease_note note;
        ck_assert_msg(!rl_lease_note_read(rl_bytes_of(foreign[i]), 100, &note), "took '%s'", foreign[i]);
        ck_assert_uint_eq(note.count, 0);
        ck_assert_int_eq(note.base, 100);
    }
}
END_TEST

START_TEST(any_bytes_are_survived) {
    uint32_t state = 7;
    char text[5000];
    for (int round = 0; round < 20000; round++) {
        int head = snprintf(text, sizeof text, "runlog/1 %d ", round % 7);
        state = state * 1664525u + 1013904223u;
        size_t size = state >> 8 & 0xfff;
        size = round % 3 == 0 ? size % 40 : size;
        for (size_t i = round % 2 ? 0 : (size_t)head; i < size; i++) {
            state = state * 1664525u + 1013904223u;
            text[i] = round % 5 ? (char)(state >> 24) : "-.0123"[(state >> 24) % 6];
        }
        RL_AUTO_FREE char *exact = malloc(size + 1); /* so that a read past the end is seen */
        memcpy(exact, text, size);
        exact = realloc(exact, size > 0 ? size : 1);
        rl_lease_note note;
        bool ok = rl_lease_note_read(rl_bytes_make(exact, size), round % 7, &note);
        ck_assert(ok || note.count == 0);
        RL_AUTO_LEASE rl_lease *lease = lease_of(4);
        ck_assert(rl_lease_recall(lease, &note, INT64_MAX, NULL));
        ck_assert_uint_le(rl_lease_suspects(lease), note.count);
    }
}
END_TEST

START_TEST(what_lies_beyond_a_note_is_left_out) {
    rl_lease_note note;
    rl_lease_note_clear(&note, 10);
    rl_lease_note_mark(&note, 9, RL_MARK_LEASED);
    rl_lease_note_mark(&note, 10 + RL_LEASE_NOTE_MARKS, RL_MARK_LEASED);
    rl_lease_note_mark(&note, 12, RL_MARK_NONE);
    ck_assert_uint_eq(note.count, 0);
}
END_TEST

RL_SUITE("runner/lease", a_note_tells_what_is_leased_and_what_will_be,
         a_runner_that_holds_nothing_leaves_an_empty_note,
         what_was_leased_at_a_loss_is_suspect_and_nothing_else,
         a_record_that_came_after_the_loss_is_no_suspect, suspects_stay_in_the_note_until_they_are_answered,
         a_suspect_is_tried_beside_others_for_as_long_as_it_is_leased,
         a_lease_ahead_is_a_try_of_the_suspects_in_it, attempts_are_counted_and_taken_back_within_bounds,
         the_longest_note_fits_the_broker_and_comes_back, a_note_of_another_offset_or_form_says_nothing,
         any_bytes_are_survived, what_lies_beyond_a_note_is_left_out)
