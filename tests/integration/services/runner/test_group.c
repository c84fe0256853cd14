/* Runners that join and leave, and tenants that share one, against a real broker. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "tests/integration/services/runner/intake_fixture.h"
#include "tests/integration/services/runner/intake_runs.h"
#include "tests/support/suite.h"

START_TEST(a_second_runner_takes_half_and_nothing_runs_twice) {
    fixture_log log;
    fixture_log_open(&log, 4);
    fixture_runner *first = fixture_start(&log, "first", 2, fixture_run_ok, NULL);
    fixture_runner_await_partitions(first, 4);
    for (int n = 0; n < 200; n++) {
        fixture_submit(&log, n % 4, n);
    }
    fixture_runner *second = fixture_start(&log, "second", 2, fixture_run_ok, NULL);
    for (int n = 200; n < 600; n++) {
        fixture_submit(&log, n % 4, n);
    }
    fixture_runner_await_partitions(second, 2);
    fixture_runner_await_partitions(first, 2);
    for (int n = 600; n < 800; n++) {
        fixture_submit(&log, n % 4, n);
    }
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 800);
    fixture_check_one_ok_each(answers);
    ck_assert_int_gt(rl_metric_value(fixture_runner_metrics(second)->consumed), 0);
    fixture_runner_stop(first);
    fixture_runner_await_partitions(second, 4);
    fixture_runner_stop(second);
    fixture_log_close(&log);
}
END_TEST

START_TEST(a_partition_moves_only_after_what_runs_in_it_has_ended) {
    fixture_log log;
    fixture_log_open(&log, 2);
    fixture_gate gate;
    fixture_gate_init(&gate, -1);
    fixture_runner *first = fixture_start(&log, "first", 2, fixture_run_gated, &gate);
    fixture_submit(&log, 0, 0);
    fixture_submit(&log, 1, 1);
    fixture_gate_await_waiting(&gate, 2);
    fixture_runner *second = fixture_start(&log, "second", 2, fixture_run_ok, NULL);
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    rl_metric *rebalances = fixture_runner_metrics(first)->rebalances;
    while (rl_metric_value(rebalances) < 2 && rl_clock_us() < deadline_us) {
        sched_yield();
    }
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(first)->partitions), 2);
    fixture_gate_open(&gate);
    fixture_runner_await_partitions(second, 1);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 2);
    fixture_check_one_ok_each(answers);
    ck_assert_str_eq(answers->runners[0], "first");
    ck_assert_str_eq(answers->runners[1], "first");
    fixture_runner_stop(second);
    fixture_runner_stop(first);
    fixture_log_close(&log);
}
END_TEST

START_TEST(what_does_not_end_while_its_partition_moves_is_handed_back_without_suspicion) {
    fixture_log log;
    fixture_log_open(&log, 2);
    fixture_gate gate;
    fixture_gate_init(&gate, -1);
    fixture_runner *first = fixture_runner_start(&log, "first", 2, 0, 0, fixture_run_gated, &gate);
    fixture_submit(&log, 0, 0);
    fixture_submit(&log, 1, 1);
    fixture_gate_await_waiting(&gate, 2);
    fixture_runner *second = fixture_start(&log, "second", 2, fixture_run_ok, NULL);
    fixture_await_ok(second, 1);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(second)->tried_again), 0);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(first)->abandoned), 1);
    fixture_gate_open(&gate);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 2);
    fixture_check_one_ok_each(answers);
    fixture_runner_stop(second);
    fixture_runner_stop(first);
    fixture_log_close(&log);
}
END_TEST

START_TEST(a_group_that_has_committed_nothing_begins_where_the_log_does) {
    fixture_log log;
    fixture_log_open(&log, 2);
    for (int n = 0; n < 5; n++) {
        fixture_submit(&log, 0, n);
    }
    for (int n = 5; n < 8; n++) {
        fixture_submit(&log, 1, n);
    }
    rl_test_delete_records(log.submissions, 0, 3);
    rl_test_delete_records(log.submissions, 1, 3);
    fixture_runner *runner = fixture_start(&log, "one", 2, fixture_run_ok, NULL);
    fixture_await_commit(&log, 0, 5);
    fixture_await_commit(&log, 1, 3); /* though there is nothing to do */
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(runner)->finished[RL_VERDICT_OK]), 2);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

/* ---- joining and leaving ---- */

/* 20, or what RUNLOG_TEST_CYCLES says for a long run. */
static int cycles_wanted(void) {
    const char *wanted = getenv("RUNLOG_TEST_CYCLES");
    int cycles = wanted ? atoi(wanted) : 20;
    return cycles >= 1 && cycles <= 500 ? cycles : 20;
}

START_TEST(runners_that_come_and_go_lose_nothing_and_repeat_nothing) {
    const int cycles = cycles_wanted();
    const int batch = cycles <= 20 ? 40 : 1800 / cycles;
    fixture_log log;
    fixture_log_open(&log, 4);
    fixture_runner *stays = fixture_start(&log, "stays", 2, fixture_run_ok, NULL);
    fixture_runner_await_partitions(stays, 4);
    int n = 0;
    for (int cycle = 0; cycle < cycles; cycle++) {
        fixture_runner *guest = fixture_start(&log, "guest", 2, fixture_run_ok, NULL);
        for (int i = 0; i < batch; i++, n++) {
            fixture_submit(&log, n % 4, n);
        }
        fixture_runner_await_partitions(guest, 2);
        for (int i = 0; i < batch; i++, n++) {
            fixture_submit(&log, n % 4, n);
        }
        ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(guest)->tried_alone), 0);
        fixture_runner_stop(guest);
    }
    fixture_runner_await_partitions(stays, 4);
    for (int i = 0; i < 4; i++, n++) {
        fixture_submit(&log, n % 4, n); /* the last results: what was repeated lies before them */
    }
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, n);
    fixture_check_one_ok_each(answers);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(stays)->tried_alone), 0);
    fixture_runner_stop(stays);
    fixture_log_close(&log);
}
END_TEST

/* ---- tenants ---- */

typedef struct {
    pthread_mutex_t lock;
    int order[128]; /* submission numbers as they were executed */
    int count;
} journal;

static rl_run_status run_journalled(void *context, const rl_submission *submission,
                                    const rl_manifest *manifest, rl_cancel_token *cancel, rl_arena *arena,
                                    rl_finished *ret, rl_error *err) {
    journal *j = context;
    pthread_mutex_lock(&j->lock);
    j->order[j->count++] = fixture_number(submission->id);
    pthread_mutex_unlock(&j->lock);
    return fixture_run_ok(NULL, submission, manifest, cancel, arena, ret, err);
}

START_TEST(a_tenant_with_little_work_does_not_wait_behind_one_with_much) {
    fixture_log log;
    fixture_log_open(&log, 1);
    for (int n = 0; n < 60; n++) {
        fixture_submit_of_tenant(&log, 0, n, 1);
    }
    for (int n = 60; n < 63; n++) {
        fixture_submit_of_tenant(&log, 0, n, 2);
    }
    journal j = {.lock = PTHREAD_MUTEX_INITIALIZER};
    fixture_runner *runner = fixture_start(&log, "one", 1, run_journalled, &j);
    fixture_await_commit(&log, 0, 63);
    fixture_runner_stop(runner);
    ck_assert_int_eq(j.count, 63);
    int last_of_little = 0;
    int last_of_much = -1;
    for (int i = 0; i < j.count; i++) {
        if (j.order[i] >= 60) {
            last_of_little = i;
        } else {
            ck_assert_int_gt(j.order[i], last_of_much);
            last_of_much = j.order[i];
        }
    }
    ck_assert_msg(last_of_little < 30, "the last of three records was number %d of 63", last_of_little);
    fixture_log_close(&log);
}
END_TEST

/* The long run of one test takes half an hour. */
RL_SUITE_WITHIN(getenv("RUNLOG_TEST_CYCLES") ? 3600 : 240, "services/runner/group",
                a_second_runner_takes_half_and_nothing_runs_twice,
                a_partition_moves_only_after_what_runs_in_it_has_ended,
                what_does_not_end_while_its_partition_moves_is_handed_back_without_suspicion,
                a_group_that_has_committed_nothing_begins_where_the_log_does,
                runners_that_come_and_go_lose_nothing_and_repeat_nothing,
                a_tenant_with_little_work_does_not_wait_behind_one_with_much)
