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

RL_SUITE_WITHIN(240, "services/runner/cancel", what_was_cancelled_before_the_runner_came_never_starts,
                a_running_one_is_stopped, one_that_waits_for_a_slot_is_answered_when_its_turn_comes,
                one_that_waits_for_its_image_waits_no_longer, a_replay_of_what_was_cancelled_runs,
                a_cancel_outlives_the_runner_that_read_it)
