/* Cancelling: what the topic of controls does to what runs, waits, and has not come yet. */
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/integration/services/runner/intake_fixture.h"
#include "tests/integration/services/runner/intake_runs.h"
#include "tests/support/suite.h"

#define POLL_PAUSE_MS 20

static void await_metric(const rl_metric *metric, int64_t value) {
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    while (rl_metric_value(metric) != value && rl_clock_us() < deadline_us) {
        (void)poll(NULL, 0, POLL_PAUSE_MS);
    }
    ck_assert_int_eq(rl_metric_value(metric), value);
}

static void expect_one(const fixture_answers *answers, int n, rl_verdict verdict) {
    ck_assert_int_eq(answers->answers[n], 1);
    ck_assert_str_eq(rl_verdict_name(answers->verdicts[n]), rl_verdict_name(verdict));
    ck_assert(answers->has_submission[n]);
}

START_TEST(what_was_cancelled_before_the_runner_came_never_starts) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_gate gate;
    fixture_gate_init(&gate, 1);
    for (int n = 0; n < 3; n++) {
        fixture_submit(&log, 0, n);
    }
    fixture_cancel(&log, 1);
    fixture_cancel(&log, 1);
    fixture_runner *runner = fixture_start(&log, "one", 2, fixture_run_gated, &gate);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 3);
    expect_one(answers, 0, RL_VERDICT_OK);
    expect_one(answers, 1, RL_VERDICT_CANCELLED);
    expect_one(answers, 2, RL_VERDICT_OK);
    ck_assert_int_eq(gate.waiting, 0);
    fixture_await_commit(&log, 0, 3);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(a_running_one_is_stopped) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_gate gate;
    fixture_gate_init(&gate, 0);
    fixture_runner *runner = fixture_start(&log, "one", 1, fixture_run_gated, &gate);
    fixture_submit(&log, 0, 0);
    fixture_gate_await_waiting(&gate, 1);
    fixture_cancel(&log, 0);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 1);
    expect_one(answers, 0, RL_VERDICT_CANCELLED);
    fixture_await_commit(&log, 0, 1);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(one_that_waits_for_a_slot_is_answered_when_its_turn_comes) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_gate gate;
    fixture_gate_init(&gate, 0);
    fixture_runner *runner = fixture_start(&log, "one", 1, fixture_run_gated, &gate);
    fixture_submit(&log, 0, 0);
    fixture_gate_await_waiting(&gate, 1);
    fixture_submit(&log, 0, 1);
    fixture_submit(&log, 0, 2);
    fixture_cancel(&log, 1);
    await_metric(fixture_runner_metrics(runner)->cancels, 1);
    fixture_gate_open(&gate);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 3);
    expect_one(answers, 0, RL_VERDICT_OK);
    expect_one(answers, 1, RL_VERDICT_CANCELLED);
    expect_one(answers, 2, RL_VERDICT_OK);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(one_that_waits_for_its_image_waits_no_longer) {
    fixture_log log;
    fixture_log_open(&log, 1);
    atomic_bool there = false;
    fixture_runner *runner = fixture_start(&log, "one", 1, fixture_run_without_image_of_0, &there);
    fixture_submit(&log, 0, 0);
    await_metric(fixture_runner_metrics(runner)->parked, 1);
    fixture_cancel(&log, 0);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 1);
    expect_one(answers, 0, RL_VERDICT_CANCELLED);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

static void as_replay(rl_submission *submission) {
    submission->generation = 5;
}

START_TEST(a_replay_of_what_was_cancelled_runs) {
    fixture_log log;
    fixture_log_open(&log, 1);
    log.replays = true;
    fixture_submit_changed(&log, 0, 0, as_replay);
    fixture_cancel(&log, 0);
    fixture_runner *runner = fixture_start(&log, "one", 1, fixture_run_ok, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 1);
    fixture_check_one_ok_each(answers);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

/* A runner that is gone has answered nothing: the next one reads the same controls before it takes the record. */
START_TEST(a_cancel_outlives_the_runner_that_read_it) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_gate gate;
    fixture_gate_init(&gate, 0);
    fixture_runner *runner = fixture_start(&log, "broken", 1, fixture_run_gated, &gate);
    fixture_submit(&log, 0, 0);
    fixture_gate_await_waiting(&gate, 1);
    fixture_submit(&log, 0, 1);
    fixture_cancel(&log, 1);
    await_metric(fixture_runner_metrics(runner)->cancels, 1);
    fixture_runner_break(runner);
    fixture_gate_open(&gate);
    fixture_runner *next = fixture_start(&log, "next", 1, fixture_run_gated, &gate);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 2);
    expect_one(answers, 0, RL_VERDICT_OK);
    expect_one(answers, 1, RL_VERDICT_CANCELLED);
    ck_assert_str_eq(answers->runners[1], "next");
    fixture_runner_stop(next);
    fixture_log_close(&log);
}
END_TEST

/* ---- replays ---- */

#define CANCELLED 5 /* the generation of the replay that is cancelled, and of one that is not: */
#define OTHER 6

static void of_cancelled(rl_submission *submission) {
    submission->generation = CANCELLED;
    submission->deadline_us = 0;
}

static void of_other(rl_submission *submission) {
    submission->generation = OTHER;
    submission->deadline_us = 0;
}

/* Submission `last` comes when all others are done: nothing of them can follow its result. */
static fixture_answers *await_around(fixture_log *log, int last, int expected) {
    fixture_submit(log, 0, last);
    fixture_answers *answers = fixture_await_some(log, last + 1, expected);
    fixture_await_commit(log, 0, last + 1);
    return answers;
}

START_TEST(what_is_queued_of_a_cancelled_replay_never_runs_and_has_no_result) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_gate gate;
    fixture_gate_init(&gate, 0);
    fixture_runner *runner = fixture_start(&log, "one", 1, fixture_run_gated, &gate);
    fixture_submit(&log, 0, 0);
    fixture_gate_await_waiting(&gate, 1);
    fixture_submit_changed(&log, 0, 1, of_cancelled);
    fixture_submit_changed(&log, 0, 2, of_other);
    fixture_submit_changed(&log, 0, 3, of_cancelled);
    fixture_submit(&log, 0, 4);
    fixture_cancel_replay(&log, CANCELLED);
    await_metric(fixture_runner_metrics(runner)->cancels, 1);
    fixture_gate_open(&gate);
    await_metric(fixture_runner_metrics(runner)->replays_dropped, 2);
    RL_AUTO_FREE fixture_answers *answers = await_around(&log, 5, 4);
    for (int n = 0; n < 6; n++) {
        ck_assert_int_eq(answers->answers[n], n == 1 || n == 3 ? 0 : 1);
    }
    expect_one(answers, 2, RL_VERDICT_OK);
    ck_assert_int_eq(answers->generations[2], OTHER);
    expect_one(answers, 4, RL_VERDICT_OK);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(what_runs_of_a_cancelled_replay_is_stopped_and_has_no_result) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_gate gate;
    fixture_gate_init(&gate, -1);
    fixture_runner *runner = fixture_start(&log, "one", 3, fixture_run_gated, &gate);
    fixture_submit_changed(&log, 0, 0, of_cancelled);
    fixture_submit_changed(&log, 0, 1, of_other);
    fixture_submit(&log, 0, 2);
    fixture_gate_await_waiting(&gate, 3);
    fixture_cancel_replay(&log, CANCELLED);
    await_metric(fixture_runner_metrics(runner)->replays_dropped, 1); /* while the gate is closed */
    fixture_gate_open(&gate);
    RL_AUTO_FREE fixture_answers *answers = await_around(&log, 3, 3);
    ck_assert_int_eq(answers->answers[0], 0);
    expect_one(answers, 1, RL_VERDICT_OK);
    expect_one(answers, 2, RL_VERDICT_OK);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(what_waits_for_its_image_of_a_cancelled_replay_waits_no_longer) {
    fixture_log log;
    fixture_log_open(&log, 1);
    atomic_bool there = false;
    fixture_runner *runner = fixture_start(&log, "one", 1, fixture_run_without_image_of_0, &there);
    fixture_submit_changed(&log, 0, 0, of_cancelled);
    await_metric(fixture_runner_metrics(runner)->parked, 1);
    fixture_cancel_replay(&log, CANCELLED);
    await_metric(fixture_runner_metrics(runner)->replays_dropped, 1);
    RL_AUTO_FREE fixture_answers *answers = await_around(&log, 1, 1);
    ck_assert_int_eq(answers->answers[0], 0);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(a_cancelled_replay_stays_cancelled_when_its_runner_is_lost_in_the_middle) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_gate gate;
    fixture_gate_init(&gate, 0);
    fixture_runner *runner = fixture_start(&log, "broken", 1, fixture_run_gated, &gate);
    fixture_submit(&log, 0, 0);
    fixture_gate_await_waiting(&gate, 1);
    for (int n = 1; n < 4; n++) {
        fixture_submit_changed(&log, 0, n, of_cancelled);
    }
    fixture_cancel_replay(&log, CANCELLED);
    await_metric(fixture_runner_metrics(runner)->cancels, 1);
    fixture_runner_break(runner);
    fixture_gate_open(&gate);
    runner = fixture_start(&log, "next", 1, fixture_run_gated, &gate);
    await_metric(fixture_runner_metrics(runner)->replays_dropped, 3);
    RL_AUTO_FREE fixture_answers *answers = await_around(&log, 4, 2);
    expect_one(answers, 0, RL_VERDICT_OK);
    for (int n = 1; n < 4; n++) {
        ck_assert_int_eq(answers->answers[n], 0);
    }
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(a_replayed_record_that_cannot_be_read_is_answered_in_its_own_generation_or_not_at_all) {
    fixture_log log;
    fixture_log_open(&log, 1);
    log.replays = true;
    fixture_submit_garbage_of_replay(&log, 0, 0, "no number");
    fixture_submit_garbage_of_replay(&log, 0, 1, "6");
    fixture_runner *runner = fixture_start(&log, "one", 1, fixture_run_ok, NULL);
    await_metric(fixture_runner_metrics(runner)->dead_letters, 2);
    RL_AUTO_FREE fixture_answers *answers = await_around(&log, 2, 2);
    ck_assert_int_eq(answers->answers[0], 0);
    ck_assert_int_eq(answers->answers[1], 1);
    ck_assert_int_eq(answers->generations[1], OTHER);
    ck_assert_str_eq(rl_verdict_name(answers->verdicts[1]), rl_verdict_name(RL_VERDICT_SYSTEM_ERROR));
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

RL_SUITE_WITHIN(400, "services/runner/cancel", what_was_cancelled_before_the_runner_came_never_starts,
                a_running_one_is_stopped, one_that_waits_for_a_slot_is_answered_when_its_turn_comes,
                one_that_waits_for_its_image_waits_no_longer, a_replay_of_what_was_cancelled_runs,
                a_cancel_outlives_the_runner_that_read_it,
                what_is_queued_of_a_cancelled_replay_never_runs_and_has_no_result,
                what_runs_of_a_cancelled_replay_is_stopped_and_has_no_result,
                what_waits_for_its_image_of_a_cancelled_replay_waits_no_longer,
                a_cancelled_replay_stays_cancelled_when_its_runner_is_lost_in_the_middle,
                a_replayed_record_that_cannot_be_read_is_answered_in_its_own_generation_or_not_at_all)
