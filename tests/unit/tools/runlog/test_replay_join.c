/* Which answer a client sees, worked out from what stands on results. */
#include <string.h>

#include "lib/base/clock.h"
#include "tests/support/suite.h"
#include "tools/runlog/replay_join.h"
#include "tools/runlog/replay_tally.h"

#define ID "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

typedef struct {
    rl_replay_table *table;
    rl_replay_join *join;
} fixture;

static void set_up(fixture *f, int64_t generation) {
    rl_error err = RL_ERROR_INIT;
    bool is_new = false;
    f->table = rl_replay_table_new(&err);
    f->join = rl_replay_join_new(f->table, generation, &err);
    rl_replay_entry *entry = rl_replay_table_add(f->table, rl_bytes_of(ID), &is_new, &err);
    ck_assert(entry && is_new);
    entry->chosen = true;
}

static void tear_down(fixture *f) {
    rl_replay_join_free(f->join);
    rl_replay_table_free(f->table);
}

static const rl_replay_entry *entry_of(const fixture *f) {
    return rl_replay_table_find(f->table, rl_bytes_of(ID));
}

static void finish(fixture *f, int64_t generation, rl_verdict verdict, bool held, const char *out) {
    const rl_submission submission = {.id = ID, .generation = generation, .held = held};
    const rl_finished finished = {
        .id = ID,
        .generation = generation,
        .verdict = verdict,
        .submission = &submission,
        .out = {.bytes = rl_bytes_of(out)},
        .started_us = 1000,
        .finished_us = 3500,
    };
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_replay_join_finished(f->join, &finished, &err), "%s", err.message);
}

static void decide(fixture *f, rl_record_kind kind, int64_t generation) {
    const rl_replay_decision decision = {.replay = "r", .generation = generation, .decided_us = 9};
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_replay_join_decision(f->join, kind, &decision, &err), "%s", err.message);
}

START_TEST(the_highest_generation_is_the_answer_in_any_order) {
    fixture f;
    set_up(&f, RL_REPLAY_NO_GENERATION);
    ck_assert_int_lt(entry_of(&f)->before.generation, 0);
    finish(&f, 0, RL_VERDICT_OK, false, "a");
    ck_assert_int_eq(entry_of(&f)->before.busy_us, 2500);
    finish(&f, 9, RL_VERDICT_TIME_LIMIT, false, "b");
    finish(&f, 4, RL_VERDICT_RUNTIME_ERROR, false, "c");
    rl_replay_join_end(f.join);
    ck_assert_int_eq(entry_of(&f)->before.generation, 9);
    ck_assert_int_eq(entry_of(&f)->before.verdict, RL_VERDICT_TIME_LIMIT);
    tear_down(&f);
}
END_TEST

START_TEST(the_first_result_of_a_generation_counts) {
    fixture f;
    set_up(&f, 7);
    finish(&f, 0, RL_VERDICT_OK, false, "");
    finish(&f, 0, RL_VERDICT_SYSTEM_ERROR, false, "");
    finish(&f, 7, RL_VERDICT_OK, false, "");
    finish(&f, 7, RL_VERDICT_TIME_LIMIT, false, "");
    ck_assert_int_eq(entry_of(&f)->before.verdict, RL_VERDICT_OK);
    ck_assert_int_eq(entry_of(&f)->after.verdict, RL_VERDICT_OK);
    tear_down(&f);
}
END_TEST

START_TEST(a_held_result_is_an_answer_when_its_replay_is_applied) {
    for (int decision_first = 0; decision_first < 2; decision_first++) {
        fixture f;
        set_up(&f, RL_REPLAY_NO_GENERATION);
        finish(&f, 0, RL_VERDICT_OK, false, "");
        if (decision_first) {
            decide(&f, RL_RECORD_APPLIED, 3);
        }
        finish(&f, 3, RL_VERDICT_WRONG_ANSWER, true, "");
        if (!decision_first) {
            decide(&f, RL_RECORD_APPLIED, 3);
        }
        rl_replay_join_end(f.join);
        ck_assert_int_eq(entry_of(&f)->before.generation, 3);
        tear_down(&f);
    }
}
END_TEST

START_TEST(undecided_and_discarded_ones_are_none_and_the_first_decision_counts) {
    fixture f;
    set_up(&f, RL_REPLAY_NO_GENERATION);
    finish(&f, 0, RL_VERDICT_OK, false, "");
    finish(&f, 3, RL_VERDICT_WRONG_ANSWER, true, "");
    finish(&f, 4, RL_VERDICT_TIME_LIMIT, true, "");
    decide(&f, RL_RECORD_DISCARDED, 4);
    decide(&f, RL_RECORD_APPLIED, 4);
    rl_replay_join_end(f.join);
    ck_assert_int_eq(entry_of(&f)->before.generation, 0);
    int64_t when_us = 0;
    ck_assert_int_eq(rl_replay_join_decided(f.join, 4, &when_us), RL_REPLAY_DISCARDED);
    ck_assert_int_eq(when_us, 9);
    ck_assert_int_eq(rl_replay_join_decided(f.join, 3, NULL), RL_REPLAY_UNDECIDED);
    tear_down(&f);
}
END_TEST

START_TEST(a_replay_is_compared_with_what_was_there_before_it) {
    fixture f;
    set_up(&f, 5);
    finish(&f, 0, RL_VERDICT_OK, false, "a");
    finish(&f, 8, RL_VERDICT_TIME_LIMIT, false, "b"); /* a later replay */
    finish(&f, 5, RL_VERDICT_RUNTIME_ERROR, true, "c");
    rl_replay_join_end(f.join);
    ck_assert_int_eq(entry_of(&f)->before.generation, 0);
    ck_assert_int_eq(entry_of(&f)->after.verdict, RL_VERDICT_RUNTIME_ERROR);
    ck_assert_int_eq(rl_replay_change_of(entry_of(&f)), RL_REPLAY_OTHER_VERDICT);
    tear_down(&f);
}
END_TEST

START_TEST(other_output_of_the_same_verdict_is_a_change_of_its_own) {
    fixture f;
    set_up(&f, 5);
    finish(&f, 0, RL_VERDICT_OK, false, "a");
    finish(&f, 5, RL_VERDICT_OK, false, "b");
    ck_assert_int_eq(rl_replay_change_of(entry_of(&f)), RL_REPLAY_OTHER_OUTPUT);
    tear_down(&f);
    set_up(&f, 5);
    finish(&f, 0, RL_VERDICT_OK, false, "a");
    finish(&f, 5, RL_VERDICT_OK, false, "a");
    ck_assert_int_eq(rl_replay_change_of(entry_of(&f)), RL_REPLAY_SAME);
    tear_down(&f);
}
END_TEST

START_TEST(a_replay_that_failed_is_counted_and_changes_nothing) {
    fixture f;
    set_up(&f, 5);
    finish(&f, 0, RL_VERDICT_OK, false, "a");
    finish(&f, 5, RL_VERDICT_SYSTEM_ERROR, false, "");
    rl_replay_tally tally;
    rl_replay_tally_count(f.table, &tally);
    ck_assert_int_eq(tally.finished, 1);
    ck_assert_int_eq(tally.failed, 1);
    ck_assert_int_eq(tally.changed_verdicts + tally.changed_outputs, 0);
    tear_down(&f);
    set_up(&f, RL_REPLAY_NO_GENERATION);
    finish(&f, 0, RL_VERDICT_OK, false, "a");
    finish(&f, 5, RL_VERDICT_SYSTEM_ERROR, false, "");
    ck_assert_int_eq(entry_of(&f)->before.generation, 0);
    tear_down(&f);
}
END_TEST

START_TEST(a_failure_leaves_its_generation_to_a_result_that_counts) {
    for (int failure_first = 0; failure_first < 2; failure_first++) {
        fixture f;
        rl_replay_tally tally;
        set_up(&f, 5);
        finish(&f, 0, RL_VERDICT_WRONG_ANSWER, false, "a");
        if (failure_first) {
            finish(&f, 5, RL_VERDICT_SYSTEM_ERROR, true, "");
        }
        finish(&f, 5, RL_VERDICT_OK, true, "b");
        if (!failure_first) {
            finish(&f, 5, RL_VERDICT_SYSTEM_ERROR, true, "");
        }
        finish(&f, 5, RL_VERDICT_TIME_LIMIT, true, "c");
        rl_replay_tally_count(f.table, &tally);
        ck_assert_int_eq(entry_of(&f)->after.verdict, RL_VERDICT_OK);
        ck_assert_int_eq(tally.finished, 1);
        ck_assert_int_eq(tally.failed, 0);
        ck_assert_int_eq(tally.changed_verdicts, 1);
        tear_down(&f);
    }
}
END_TEST

START_TEST(a_result_without_its_submission_replaces_nothing) {
    fixture f;
    rl_replay_tally tally;
    rl_error err = RL_ERROR_INIT;
    set_up(&f, 5);
    finish(&f, 0, RL_VERDICT_WRONG_ANSWER, false, "a");
    const rl_finished finished = {.id = ID, .generation = 5, .verdict = RL_VERDICT_OK};
    ck_assert(rl_replay_join_finished(f.join, &finished, &err));
    rl_replay_tally_count(f.table, &tally);
    ck_assert_int_eq(tally.failed, 1);
    ck_assert_int_eq(tally.changed_verdicts, 0);
    tear_down(&f);
}
END_TEST

START_TEST(what_has_a_result_was_published_whether_the_lane_has_it_or_not) {
    fixture f;
    set_up(&f, 5);
    finish(&f, 0, RL_VERDICT_OK, false, "a");
    ck_assert(!entry_of(&f)->published);
    finish(&f, 5, RL_VERDICT_OK, false, "a");
    ck_assert(entry_of(&f)->published);
    tear_down(&f);
}
END_TEST

START_TEST(what_another_replay_holds_waits_for_a_decision_that_comes_later) {
    fixture f;
    set_up(&f, 5);
    finish(&f, 0, RL_VERDICT_OK, false, "a");
    finish(&f, 3, RL_VERDICT_WRONG_ANSWER, true, "b");
    finish(&f, 4, RL_VERDICT_TIME_LIMIT, true, "c");
    rl_replay_join_end(f.join);
    ck_assert_int_eq(entry_of(&f)->before.generation, 0);
    decide(&f, RL_RECORD_DISCARDED, 4);
    decide(&f, RL_RECORD_APPLIED, 3);
    rl_replay_join_end(f.join);
    ck_assert_int_eq(entry_of(&f)->before.generation, 3);
    tear_down(&f);
}
END_TEST

START_TEST(deleted_ones_are_marked_and_strangers_passed_over) {
    fixture f;
    set_up(&f, RL_REPLAY_NO_GENERATION);
    rl_replay_join_deleted(f.join, "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    ck_assert(!entry_of(&f)->deleted);
    rl_replay_join_deleted(f.join, ID);
    ck_assert(entry_of(&f)->deleted);
    ck_assert_uint_eq(rl_replay_table_count(f.table), 1);
    tear_down(&f);
}
END_TEST

RL_SUITE("tools/runlog/replay_join", the_highest_generation_is_the_answer_in_any_order,
         the_first_result_of_a_generation_counts, a_held_result_is_an_answer_when_its_replay_is_applied,
         undecided_and_discarded_ones_are_none_and_the_first_decision_counts,
         a_replay_is_compared_with_what_was_there_before_it,
         other_output_of_the_same_verdict_is_a_change_of_its_own,
         a_replay_that_failed_is_counted_and_changes_nothing,
         a_failure_leaves_its_generation_to_a_result_that_counts,
         a_result_without_its_submission_replaces_nothing,
         what_has_a_result_was_published_whether_the_lane_has_it_or_not,
         what_another_replay_holds_waits_for_a_decision_that_comes_later,
         deleted_ones_are_marked_and_strangers_passed_over)
