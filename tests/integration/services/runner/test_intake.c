/* The runner's way from the log to the log, against a real broker. */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/stream/message.h"
#include "tests/integration/services/runner/intake_fixture.h"
#include "tests/integration/services/runner/intake_runs.h"
#include "tests/support/suite.h"

START_TEST(every_submission_gets_one_finished_and_is_committed) {
    fixture_log log;
    fixture_log_open(&log, 3);
    fixture_runner *runner = fixture_start(&log, "one", 4, fixture_run_ok, NULL);
    for (int n = 0; n < 300; n++) {
        fixture_submit(&log, n % 3, n);
    }
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 300);
    fixture_check_one_ok_each(answers);
    /* The same trace, under a span of the runner's. */
    ck_assert_int_eq(strncmp(answers->traceparents[7], FIXTURE_TRACE, sizeof FIXTURE_TRACE - 1), 0);
    ck_assert_str_ne(answers->traceparents[7], FIXTURE_TRACEPARENT);
    ck_assert(rl_trace_is_valid(rl_bytes_of(answers->traceparents[7])));
    ck_assert_str_eq(answers->runners[7], "one");
    ck_assert(answers->has_submission[7]);
    for (int32_t partition = 0; partition < 3; partition++) {
        fixture_await_commit(&log, partition, 100);
    }
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(the_commit_stays_before_what_still_runs) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_gate gate;
    fixture_gate_init(&gate, 2);
    fixture_runner *runner = fixture_start(&log, "one", 3, fixture_run_gated, &gate);
    for (int n = 0; n < 20; n++) {
        fixture_submit(&log, 0, n);
    }
    fixture_gate_await_waiting(&gate, 1);
    fixture_await_commit(&log, 0, 2);
    fixture_await_ok(runner, 19);
    ck_assert_int_eq(rl_test_committed(log.group, log.submissions, 0), 2);
    fixture_gate_open(&gate);
    fixture_await_commit(&log, 0, 20);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(a_runner_whose_producer_failed_for_good_ends_and_the_next_one_answers) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_gate gate;
    fixture_gate_init(&gate, 0);
    fixture_runner *runner = fixture_start(&log, "broken", 2, fixture_run_gated, &gate);
    fixture_submit(&log, 0, 0);
    fixture_gate_await_waiting(&gate, 1);
    fixture_runner_break(runner);
    ck_assert_int_lt(rl_test_committed(log.group, log.submissions, 0), 1);
    fixture_runner *next = fixture_start(&log, "next", 2, fixture_run_ok, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 1);
    fixture_check_one_ok_each(answers);
    ck_assert_str_eq(answers->runners[0], "next");
    fixture_await_commit(&log, 0, 1);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(next)->tried_again), 0); /* it is not suspect */
    fixture_runner_stop(next);
    fixture_log_close(&log);
}
END_TEST

typedef struct {
    int letters;
} dead_letters;

static bool count_letter(void *context, const rd_kafka_message_t *message) {
    dead_letters *d = context;
    rl_bytes service = {0};
    ck_assert(rl_message_header(message, "service", &service));
    ck_assert(rl_bytes_equal(service, rl_bytes_of("runlog-runner")));
    return ++d->letters == 2;
}

START_TEST(what_cannot_be_read_is_set_aside_and_answered_where_the_key_is_an_id) {
    fixture_log log;
    fixture_log_open(&log, 1);
    char id[RL_ID_SIZE];
    fixture_id(id, 0);
    fixture_submit_bytes(&log, 0, id, rl_bytes_of("no Avro at all"), NULL);
    fixture_submit_bytes(&log, 0, "no id", rl_bytes_of("neither this"), NULL);
    fixture_submit(&log, 0, 1);
    fixture_runner *runner = fixture_start(&log, "one", 2, fixture_run_ok, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 2);
    ck_assert_int_eq(answers->verdicts[0], RL_VERDICT_SYSTEM_ERROR);
    ck_assert(!answers->has_submission[0]);
    ck_assert_int_eq(answers->verdicts[1], RL_VERDICT_OK);
    dead_letters d = {0};
    ck_assert(rl_test_read(log.dead_letters, PATIENCE_US, count_letter, &d));
    fixture_await_commit(&log, 0, 3);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(a_record_of_a_newer_api_is_read_by_the_schema_that_it_published) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_submit(&log, 0, 0);
    fixture_runner *runner = fixture_start(&log, "one", 1, fixture_run_ok, NULL);
    fixture_await_commit(&log, 0, 1); /* the runner was there before the schema */
    fixture_submit_newer(&log, 0, 1, true);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 2);
    fixture_check_one_ok_each(answers);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(a_record_whose_schema_nobody_published_is_answered_too) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_submit_newer(&log, 0, 0, false);
    fixture_runner *runner = fixture_start(&log, "one", 1, fixture_run_ok, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 1);
    ck_assert_int_eq(answers->verdicts[0], RL_VERDICT_SYSTEM_ERROR);
    fixture_await_commit(&log, 0, 1);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(runner)->dead_letters), 1);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

#define CHUNK ((size_t)4 * 1024 * 1024)

/* Submission 0 writes 8 MiB, the others 12. */
static rl_run_status run_wordy(void *context, const rl_submission *submission, const rl_manifest *manifest,
                               rl_cancel_token *cancel, rl_arena *arena, rl_finished *ret, rl_error *err) {
    const char *noise = context;
    rl_run_status status = fixture_run_ok(NULL, submission, manifest, cancel, arena, ret, err);
    ret->out.bytes = rl_bytes_make(noise, CHUNK);
    ret->err.bytes = rl_bytes_make(noise, CHUNK);
    ret->compile.bytes = rl_bytes_make(noise, atoi(submission->id) > 0 ? CHUNK : 0);
    return status;
}

START_TEST(a_large_result_is_delivered_and_one_too_large_is_answered) {
    fixture_log log;
    fixture_log_open(&log, 1);
    RL_AUTO_FREE char *noise = malloc(CHUNK);
    ck_assert_ptr_nonnull(noise);
    uint32_t state = 1;
    for (size_t i = 0; i < CHUNK; i++) { /* nothing that lz4 could make smaller */
        state = state * 1664525u + 1013904223u;
        noise[i] = (char)(state >> 24);
    }
    fixture_runner *runner = fixture_start(&log, "one", 1, run_wordy, noise);
    fixture_submit(&log, 0, 0);
    fixture_submit(&log, 0, 1);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 2);
    ck_assert_int_eq(answers->verdicts[0], RL_VERDICT_OK);
    ck_assert_int_eq(answers->verdicts[1], RL_VERDICT_SYSTEM_ERROR);
    ck_assert_str_eq(answers->messages[1], "the result is too large for a record");
    ck_assert(answers->has_submission[1]);
    fixture_await_commit(&log, 0, 2);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

static void expire(rl_submission *submission) {
    submission->deadline_us = rl_wall_clock_us() - 1;
}

static void speak_klingon(rl_submission *submission) {
    submission->lang = "klingon";
}

static void forge_id(rl_submission *submission) {
    submission->id = "someone-else-0000000000000000000000000000";
}

START_TEST(what_may_not_run_is_answered_without_running) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_submit_changed(&log, 0, 0, expire);
    fixture_submit_changed(&log, 0, 1, forge_id);
    fixture_runner *runner = fixture_start(&log, "one", 1, fixture_run_ok, NULL);
    fixture_await_commit(&log, 0, 2);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(runner)->finished[RL_VERDICT_OK]), 0);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 1);
    ck_assert_int_eq(answers->verdicts[0], RL_VERDICT_SYSTEM_ERROR);
    ck_assert_str_eq(answers->messages[0], "expired in queue");
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

/* Runners learn of a new language one after the other: one that is going leaves its records to the next. */
START_TEST(a_language_that_this_runner_does_not_offer_keeps_only_its_own_record_waiting) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_runner *runner = fixture_start(&log, "one", 1, fixture_run_ok, NULL);
    fixture_submit_changed(&log, 0, 0, speak_klingon);
    for (int n = 1; n < 5; n++) {
        fixture_submit(&log, 0, n);
    }
    fixture_await_ok(runner, 4);
    fixture_runner_stop(runner);
    log.patience_us = 1;
    runner = fixture_start(&log, "two", 1, fixture_run_ok, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 5);
    ck_assert_int_eq(answers->verdicts[0], RL_VERDICT_SYSTEM_ERROR);
    ck_assert_str_eq(answers->messages[0], "no runner offers this language");
    ck_assert_int_eq(answers->verdicts[4], RL_VERDICT_OK);
    fixture_await_commit(&log, 0, 5);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

/* Docker is away for the first `left` runs. */
typedef struct {
    atomic_int left;
    rl_run_status status;
} outage;

static rl_run_status run_in_outage(void *context, const rl_submission *submission,
                                   const rl_manifest *manifest, rl_cancel_token *cancel, rl_arena *arena,
                                   rl_finished *ret, rl_error *err) {
    outage *o = context;
    if (atomic_fetch_sub(&o->left, 1) > 0) {
        rl_error_set(err, RL_TRANSIENT, 0, "away");
        return o->status;
    }
    return fixture_run_ok(NULL, submission, manifest, cancel, arena, ret, err);
}

START_TEST(an_outage_of_docker_delays_and_loses_nothing) {
    fixture_log log;
    fixture_log_open(&log, 2);
    outage o = {.left = 8, .status = RL_RUN_TRANSIENT};
    fixture_runner *runner = fixture_start(&log, "one", 2, run_in_outage, &o);
    for (int n = 0; n < 10; n++) {
        fixture_submit(&log, n % 2, n);
    }
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 10);
    fixture_check_one_ok_each(answers);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(runner)->repeated), 8);
    fixture_await_commit(&log, 0, 5);
    fixture_await_commit(&log, 1, 5);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(a_missing_image_keeps_only_its_own_record_waiting) {
    fixture_log log;
    fixture_log_open(&log, 1);
    atomic_bool there = false;
    fixture_runner *runner = fixture_start(&log, "one", 1, fixture_run_without_image_of_0, &there);
    for (int n = 0; n < 5; n++) {
        fixture_submit(&log, 0, n);
    }
    fixture_await_ok(runner, 4);
    atomic_store(&there, true);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 5);
    fixture_check_one_ok_each(answers);
    fixture_await_commit(&log, 0, 5);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

/* Submission 0 always ends in the status that the context is. */
static rl_run_status run_lacking(void *context, const rl_submission *submission, const rl_manifest *manifest,
                                 rl_cancel_token *cancel, rl_arena *arena, rl_finished *ret, rl_error *err) {
    if (fixture_number(submission->id) == 0) {
        rl_error_set(err, RL_TRANSIENT, 0, "not there");
        return *(const rl_run_status *)context;
    }
    return fixture_run_ok(NULL, submission, manifest, cancel, arena, ret, err);
}

START_TEST(what_a_runner_lacks_for_too_long_is_answered) {
    static const struct {
        rl_run_status status;
        const char *answer;
    } cases[] = {
        {RL_RUN_UNFAIR, "something outside its sandbox ended it each time it was tried"},
        {RL_RUN_NO_IMAGE, "the language's image is missing or does not start on the runner"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture_log log;
        fixture_log_open(&log, 1);
        log.patience_us = 1;
        rl_run_status status = cases[i].status;
        fixture_runner *runner = fixture_start(&log, "one", 1, run_lacking, &status);
        fixture_submit(&log, 0, 0);
        fixture_submit(&log, 0, 1);
        RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 2);
        ck_assert_int_eq(answers->verdicts[0], RL_VERDICT_SYSTEM_ERROR);
        ck_assert_str_eq(answers->messages[0], cases[i].answer);
        ck_assert_int_eq(answers->verdicts[1], RL_VERDICT_OK);
        fixture_await_commit(&log, 0, 2);
        fixture_runner_stop(runner);
        fixture_log_close(&log);
    }
}
END_TEST

static void expire_soon(rl_submission *submission) {
    submission->deadline_us = rl_wall_clock_us() + RL_US_PER_S;
}

START_TEST(a_record_whose_time_is_over_while_it_waits_here_is_answered) {
    fixture_log log;
    fixture_log_open(&log, 1);
    rl_run_status status = RL_RUN_TRANSIENT;
    fixture_runner *runner = fixture_start(&log, "one", 2, run_lacking, &status);
    fixture_submit_changed(&log, 0, 0, expire_soon);
    fixture_submit(&log, 0, 1);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 2);
    ck_assert_int_eq(answers->verdicts[0], RL_VERDICT_SYSTEM_ERROR);
    ck_assert_str_eq(answers->messages[0], "expired in queue");
    ck_assert_int_eq(answers->verdicts[1], RL_VERDICT_OK);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(what_is_tried_again_while_the_host_recovers_gets_its_own_verdict) {
    fixture_log log;
    fixture_log_open(&log, 1);
    outage o = {.left = 2, .status = RL_RUN_UNFAIR};
    fixture_runner *runner = fixture_start(&log, "one", 1, run_in_outage, &o);
    fixture_submit(&log, 0, 0);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 1);
    fixture_check_one_ok_each(answers);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(a_stopping_runner_finishes_what_runs_and_takes_nothing_more) {
    fixture_log log;
    fixture_log_open(&log, 1);
    for (int n = 0; n < 50; n++) {
        fixture_submit(&log, 0, n);
    }
    fixture_runner *first = fixture_start(&log, "first", 1, fixture_run_ok, NULL);
    rl_metric *consumed = fixture_runner_metrics(first)->consumed;
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    while (rl_metric_value(consumed) == 0 && rl_clock_us() < deadline_us) {
        sched_yield();
    }
    fixture_runner_stop(first);
    fixture_runner *second = fixture_start(&log, "second", 1, fixture_run_ok, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 50);
    fixture_check_one_ok_each(answers); /* none twice: the first had committed all it did */
    fixture_await_commit(&log, 0, 50);
    fixture_runner_stop(second);
    fixture_log_close(&log);
}
END_TEST

START_TEST(what_does_not_end_within_the_grace_period_is_handed_back) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_submit(&log, 0, 0);
    fixture_gate gate;
    fixture_gate_init(&gate, -1);
    fixture_runner *first = fixture_runner_start(&log, "first", 1, 0, 0, fixture_run_gated, &gate);
    fixture_gate_await_waiting(&gate, 1);
    fixture_runner_stop(first);
    fixture_runner *second = fixture_start(&log, "second", 1, fixture_run_ok, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 1);
    fixture_check_one_ok_each(answers);
    ck_assert_str_eq(answers->runners[0], "second");
    fixture_runner_stop(second);
    fixture_log_close(&log);
}
END_TEST

RL_SUITE_WITHIN(240, "services/runner/intake", every_submission_gets_one_finished_and_is_committed,
                the_commit_stays_before_what_still_runs,
                a_runner_whose_producer_failed_for_good_ends_and_the_next_one_answers,
                what_cannot_be_read_is_set_aside_and_answered_where_the_key_is_an_id,
                a_record_of_a_newer_api_is_read_by_the_schema_that_it_published,
                a_record_whose_schema_nobody_published_is_answered_too,
                a_large_result_is_delivered_and_one_too_large_is_answered,
                what_may_not_run_is_answered_without_running,
                a_language_that_this_runner_does_not_offer_keeps_only_its_own_record_waiting,
                an_outage_of_docker_delays_and_loses_nothing,
                a_missing_image_keeps_only_its_own_record_waiting,
                what_a_runner_lacks_for_too_long_is_answered,
                a_record_whose_time_is_over_while_it_waits_here_is_answered,
                what_is_tried_again_while_the_host_recovers_gets_its_own_verdict,
                a_stopping_runner_finishes_what_runs_and_takes_nothing_more,
                what_does_not_end_within_the_grace_period_is_handed_back)
