/* The runner's way from the log to the log, against a real broker. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/stream/message.h"
#include "tests/integration/services/runner/intake_fixture.h"
#include "tests/support/suite.h"

#define GRACE_US (10 * RL_US_PER_S)

static fixture_runner *start(fixture_log *log, const char *name, size_t slots, rl_run_function run,
                             void *context) {
    return fixture_runner_start(log, name, slots, GRACE_US, GRACE_US, run, context);
}

static void check_one_ok_each(const fixture_answers *answers) {
    for (int n = 0; n < answers->count; n++) {
        ck_assert_msg(answers->answers[n] == 1, "submission %d has %d results", n, answers->answers[n]);
        ck_assert_msg(answers->verdicts[n] == RL_VERDICT_OK, "submission %d: %s %s", n,
                      rl_verdict_name(answers->verdicts[n]), answers->messages[n]);
    }
}

START_TEST(every_submission_gets_one_finished_and_is_committed) {
    fixture_log log;
    fixture_log_open(&log, 3);
    fixture_runner *runner = start(&log, "one", 4, fixture_run_ok, NULL);
    for (int n = 0; n < 300; n++) {
        fixture_submit(&log, n % 3, n);
    }
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 300);
    check_one_ok_each(answers);
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
    fixture_runner *runner = start(&log, "one", 3, fixture_run_gated, &gate);
    for (int n = 0; n < 20; n++) {
        fixture_submit(&log, 0, n);
    }
    fixture_gate_await_waiting(&gate, 1);
    fixture_await_commit(&log, 0, 2);
    rl_metric *ok = fixture_runner_metrics(runner)->finished[RL_VERDICT_OK];
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    while (rl_metric_value(ok) < 19 && rl_clock_us() < deadline_us) {
        sched_yield();
    }
    ck_assert_int_eq(rl_metric_value(ok), 19);
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
    fixture_runner *runner = start(&log, "broken", 2, fixture_run_gated, &gate);
    fixture_submit(&log, 0, 0);
    fixture_gate_await_waiting(&gate, 1);
    fixture_runner_break(runner);
    ck_assert_int_lt(rl_test_committed(log.group, log.submissions, 0), 1);
    fixture_runner *next = start(&log, "next", 2, fixture_run_ok, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 1);
    check_one_ok_each(answers);
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
    fixture_runner *runner = start(&log, "one", 2, fixture_run_ok, NULL);
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
    fixture_runner *runner = start(&log, "one", 1, fixture_run_ok, NULL);
    fixture_await_commit(&log, 0, 1); /* the runner was there before the schema */
    fixture_submit_newer(&log, 0, 1, true);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 2);
    check_one_ok_each(answers);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(a_record_whose_schema_nobody_published_is_answered_too) {
    fixture_log log;
    fixture_log_open(&log, 1);
    fixture_submit_newer(&log, 0, 0, false);
    fixture_runner *runner = start(&log, "one", 1, fixture_run_ok, NULL);
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
    fixture_runner *runner = start(&log, "one", 1, run_wordy, noise);
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
    fixture_submit_changed(&log, 0, 1, speak_klingon);
    fixture_submit_changed(&log, 0, 2, forge_id);
    fixture_runner *runner = start(&log, "one", 1, fixture_run_ok, NULL);
    fixture_await_commit(&log, 0, 3);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(runner)->finished[RL_VERDICT_OK]), 0);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 2);
    ck_assert_int_eq(answers->verdicts[0], RL_VERDICT_SYSTEM_ERROR);
    ck_assert_str_eq(answers->messages[0], "expired in queue");
    ck_assert_int_eq(answers->verdicts[1], RL_VERDICT_SYSTEM_ERROR);
    ck_assert_str_eq(answers->messages[1], "no runner offers this language");
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
    fixture_runner *runner = start(&log, "one", 2, run_in_outage, &o);
    for (int n = 0; n < 10; n++) {
        fixture_submit(&log, n % 2, n);
    }
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 10);
    check_one_ok_each(answers);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(runner)->repeated), 8);
    fixture_await_commit(&log, 0, 5);
    fixture_await_commit(&log, 1, 5);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

static rl_run_status run_without_image_of_0(void *context, const rl_submission *submission,
                                            const rl_manifest *manifest, rl_cancel_token *cancel,
                                            rl_arena *arena, rl_finished *ret, rl_error *err) {
    atomic_bool *there = context;
    if (atoi(submission->id) == 0 && !atomic_load(there)) {
        rl_error_set(err, RL_TRANSIENT, 0, "no such image");
        return RL_RUN_NO_IMAGE;
    }
    return fixture_run_ok(NULL, submission, manifest, cancel, arena, ret, err);
}

START_TEST(a_missing_image_keeps_only_its_own_record_waiting) {
    fixture_log log;
    fixture_log_open(&log, 1);
    atomic_bool there = false;
    fixture_runner *runner = start(&log, "one", 1, run_without_image_of_0, &there);
    for (int n = 0; n < 5; n++) {
        fixture_submit(&log, 0, n);
    }
    rl_metric *ok = fixture_runner_metrics(runner)->finished[RL_VERDICT_OK];
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    while (rl_metric_value(ok) < 4 && rl_clock_us() < deadline_us) {
        sched_yield();
    }
    ck_assert_int_eq(rl_metric_value(ok), 4);
    atomic_store(&there, true);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 5);
    check_one_ok_each(answers);
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
        {RL_RUN_UNFAIR, "the runner's host was out of memory each time it was tried"},
        {RL_RUN_NO_IMAGE, "the language's image is missing or does not start on the runner"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture_log log;
        fixture_log_open(&log, 1);
        log.patience_us = 1;
        rl_run_status status = cases[i].status;
        fixture_runner *runner = start(&log, "one", 1, run_lacking, &status);
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

START_TEST(what_is_tried_again_while_the_host_recovers_gets_its_own_verdict) {
    fixture_log log;
    fixture_log_open(&log, 1);
    outage o = {.left = 2, .status = RL_RUN_UNFAIR};
    fixture_runner *runner = start(&log, "one", 1, run_in_outage, &o);
    fixture_submit(&log, 0, 0);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 1);
    check_one_ok_each(answers);
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
    fixture_runner *first = start(&log, "first", 1, fixture_run_ok, NULL);
    rl_metric *consumed = fixture_runner_metrics(first)->consumed;
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    while (rl_metric_value(consumed) == 0 && rl_clock_us() < deadline_us) {
        sched_yield();
    }
    fixture_runner_stop(first);
    fixture_runner *second = start(&log, "second", 1, fixture_run_ok, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 50);
    check_one_ok_each(answers); /* none twice: the first had committed all it did */
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
    fixture_runner *second = start(&log, "second", 1, fixture_run_ok, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 1);
    check_one_ok_each(answers);
    ck_assert_str_eq(answers->runners[0], "second");
    fixture_runner_stop(second);
    fixture_log_close(&log);
}
END_TEST

START_TEST(a_second_runner_takes_half_and_nothing_runs_twice) {
    fixture_log log;
    fixture_log_open(&log, 4);
    fixture_runner *first = start(&log, "first", 2, fixture_run_ok, NULL);
    fixture_runner_await_partitions(first, 4);
    for (int n = 0; n < 200; n++) {
        fixture_submit(&log, n % 4, n);
    }
    fixture_runner *second = start(&log, "second", 2, fixture_run_ok, NULL);
    for (int n = 200; n < 600; n++) {
        fixture_submit(&log, n % 4, n);
    }
    fixture_runner_await_partitions(second, 2);
    fixture_runner_await_partitions(first, 2);
    for (int n = 600; n < 800; n++) {
        fixture_submit(&log, n % 4, n);
    }
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 800);
    check_one_ok_each(answers);
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
    fixture_runner *first = start(&log, "first", 2, fixture_run_gated, &gate);
    fixture_submit(&log, 0, 0);
    fixture_submit(&log, 1, 1);
    fixture_gate_await_waiting(&gate, 2);
    fixture_runner *second = start(&log, "second", 2, fixture_run_ok, NULL);
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    rl_metric *rebalances = fixture_runner_metrics(first)->rebalances;
    while (rl_metric_value(rebalances) < 2 && rl_clock_us() < deadline_us) {
        sched_yield();
    }
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(first)->partitions), 2);
    fixture_gate_open(&gate);
    fixture_runner_await_partitions(second, 1);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 2);
    check_one_ok_each(answers);
    ck_assert_str_eq(answers->runners[0], "first");
    ck_assert_str_eq(answers->runners[1], "first");
    fixture_runner_stop(second);
    fixture_runner_stop(first);
    fixture_log_close(&log);
}
END_TEST

/* Runs for ever with `waiting` runs at a gate that holds submission `holds` (-1: all). */
static void be_killed(fixture_log *log, int ready_fd, size_t slots, int holds, int waiting) {
    fixture_gate gate;
    fixture_gate_init(&gate, holds);
    (void)start(log, "killed", slots, fixture_run_gated, &gate);
    fixture_gate_await_waiting(&gate, waiting);
    ck_assert_int_eq(write(ready_fd, "r", 1), 1);
    for (;;) {
        pause();
    }
}

/* Has such a runner in a process of its own, and kills that. No librdkafka threads may be there to fork. */
static void kill_one(const fixture_log *log, size_t slots, int holds, int waiting) {
    int ready[2];
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        fixture_log own = *log;
        be_killed(&own, ready[1], slots, holds, waiting);
    }
    char byte;
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

/* The log without the test's own clients. */
static fixture_log without_clients(fixture_log *log) {
    fixture_log_close(log);
    fixture_log bare = *log;
    bare.codec = rl_codec_new(NULL);
    bare.producer = NULL;
    return bare;
}

START_TEST(the_work_of_a_killed_runner_is_done_by_the_next) {
    fixture_log log;
    fixture_log_open(&log, 1);
    for (int n = 0; n < 20; n++) {
        fixture_submit(&log, 0, n);
    }
    log = without_clients(&log);
    kill_one(&log, 2, 3, 1);
    fixture_runner *second = start(&log, "second", 2, fixture_run_ok, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 20);
    for (int n = 0; n < 20; n++) {
        ck_assert_msg(answers->verdicts[n] == RL_VERDICT_OK, "submission %d: %s", n,
                      rl_verdict_name(answers->verdicts[n]));
    }
    ck_assert_str_eq(answers->runners[3], "second");
    fixture_await_commit(&log, 0, 20);
    fixture_runner_stop(second);
    fixture_log_close(&log);
}
END_TEST

/* ---- records that bring runners down ---- */

#define POISON 3

/* Submission 3 kills the process that runs it; the others answer. */
static rl_run_status run_poison(void *context, const rl_submission *submission, const rl_manifest *manifest,
                                rl_cancel_token *cancel, rl_arena *arena, rl_finished *ret, rl_error *err) {
    if (atoi(submission->id) == POISON) {
        (void)raise(SIGKILL);
    }
    return fixture_run_ok(context, submission, manifest, cancel, arena, ret, err);
}

/* Runs a runner in a process of its own until that is killed by what it runs. */
static void let_one_die(const fixture_log *log, size_t slots) {
    pid_t child = fork();
    if (child == 0) {
        fixture_log own = *log;
        (void)start(&own, "victim", slots, run_poison, NULL);
        for (;;) {
            pause();
        }
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static bool check_letter(void *context, const rd_kafka_message_t *message) {
    rl_bytes attempt = {0};
    rl_bytes offset = {0};
    ck_assert(rl_message_header(message, "attempt", &attempt));
    ck_assert(rl_message_header(message, "origin.offset", &offset));
    ck_assert(rl_bytes_equal(attempt, rl_bytes_of("4")));
    ck_assert(rl_bytes_equal(offset, rl_bytes_of("3")));
    *(bool *)context = true;
    return true;
}

START_TEST(a_record_that_kills_its_runners_is_set_aside_and_its_neighbours_are_answered) {
    fixture_log log;
    fixture_log_open(&log, 1);
    for (int n = 0; n < 12; n++) {
        fixture_submit(&log, 0, n);
    }
    fixture_log bare = without_clients(&log);
    let_one_die(&bare, 4); /* among its neighbours */
    for (int attempt = 0; attempt < RL_SUSPECT_TRIES; attempt++) {
        let_one_die(&bare, 4); /* beside others once more, then alone */
    }
    fixture_runner *last = start(&bare, "last", 4, run_poison, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&bare, 12);
    for (int n = 0; n < 12; n++) {
        ck_assert_msg(answers->verdicts[n] == (n == POISON ? RL_VERDICT_SYSTEM_ERROR : RL_VERDICT_OK),
                      "submission %d: %s %s", n, rl_verdict_name(answers->verdicts[n]), answers->messages[n]);
    }
    ck_assert_str_eq(answers->messages[POISON],
                     "the submission brought its runner down each time it was tried");
    bool seen = false;
    ck_assert(rl_test_read(bare.dead_letters, PATIENCE_US, check_letter, &seen));
    ck_assert(seen);
    fixture_await_commit(&bare, 0, 12);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(last)->condemned), 1);
    fixture_runner_stop(last);
    rl_codec_free(bare.codec);
}
END_TEST

START_TEST(a_runner_killed_with_50_in_flight_makes_no_system_error) {
    fixture_log log;
    fixture_log_open(&log, 2);
    for (int n = 0; n < 80; n++) {
        fixture_submit(&log, n % 2, n);
    }
    fixture_log bare = without_clients(&log);
    kill_one(&bare, 50, -1, 50);
    kill_one(&bare, 50, -1, 50); /* all of them suspects; what runs in the next one runs alone */
    fixture_runner *next = start(&bare, "next", 4, fixture_run_ok, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&bare, 80);
    for (int n = 0; n < 80; n++) {
        ck_assert_msg(answers->verdicts[n] == RL_VERDICT_OK, "submission %d: %s %s", n,
                      rl_verdict_name(answers->verdicts[n]), answers->messages[n]);
    }
    ck_assert_int_ge(rl_metric_value(fixture_runner_metrics(next)->tried_alone), 50);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(next)->condemned), 0);
    fixture_await_commit(&bare, 0, 40);
    fixture_await_commit(&bare, 1, 40);
    fixture_runner_stop(next);
    rl_codec_free(bare.codec);
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
    fixture_runner *stays = start(&log, "stays", 2, fixture_run_ok, NULL);
    fixture_runner_await_partitions(stays, 4);
    int n = 0;
    for (int cycle = 0; cycle < cycles; cycle++) {
        fixture_runner *guest = start(&log, "guest", 2, fixture_run_ok, NULL);
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
    check_one_ok_each(answers);
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
    fixture_runner *runner = start(&log, "one", 1, run_journalled, &j);
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

/* ---- notes from elsewhere ---- */

START_TEST(a_runner_survives_any_note_beside_the_offset) {
    static const char *const notes[] = {
        "", "somebody else's", "runlog/1 1 ..\x01", "runlog/1 99 ...", "runlog/9 1 .", "runlog/1 1 9"};
    const int count = (int)(sizeof notes / sizeof notes[0]);
    fixture_log log;
    fixture_log_open(&log, count);
    for (int n = 0; n < 2 * count; n++) {
        fixture_submit(&log, n / 2, n);
    }
    for (int32_t partition = 0; partition < count; partition++) {
        rl_test_commit(log.group, log.submissions, partition, 1, notes[partition]);
    }
    fixture_runner *runner = start(&log, "one", 2, fixture_run_ok, NULL);
    for (int32_t partition = 0; partition < count; partition++) {
        fixture_await_commit(&log, partition, 2);
    }
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(runner)->tried_alone), 0);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(runner)->condemned), 0);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(a_stopped_runner_leaves_no_suspects) {
    fixture_log log;
    fixture_log_open(&log, 1);
    for (int n = 0; n < 20; n++) {
        fixture_submit(&log, 0, n);
    }
    fixture_gate gate;
    fixture_gate_init(&gate, -1);
    fixture_runner *first = fixture_runner_start(&log, "first", 2, 0, 0, fixture_run_gated, &gate);
    fixture_gate_await_waiting(&gate, 2);
    fixture_runner_stop(first);
    fixture_runner *second = start(&log, "second", 2, fixture_run_ok, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 20);
    check_one_ok_each(answers);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(second)->tried_alone), 0);
    fixture_runner_stop(second);
    fixture_log_close(&log);
}
END_TEST

/* A group notices after ten seconds that a runner is gone, and one test loses four of them; the long run of another
 * takes half an hour. */
RL_SUITE_WITHIN(getenv("RUNLOG_TEST_CYCLES") ? 3600 : 240, "services/runner/intake",
                every_submission_gets_one_finished_and_is_committed,
                a_runner_whose_producer_failed_for_good_ends_and_the_next_one_answers,
                a_large_result_is_delivered_and_one_too_large_is_answered,
                the_commit_stays_before_what_still_runs,
                what_cannot_be_read_is_set_aside_and_answered_where_the_key_is_an_id,
                a_record_of_a_newer_api_is_read_by_the_schema_that_it_published,
                a_record_whose_schema_nobody_published_is_answered_too,
                what_may_not_run_is_answered_without_running, an_outage_of_docker_delays_and_loses_nothing,
                a_missing_image_keeps_only_its_own_record_waiting,
                what_a_runner_lacks_for_too_long_is_answered,
                what_is_tried_again_while_the_host_recovers_gets_its_own_verdict,
                a_stopping_runner_finishes_what_runs_and_takes_nothing_more,
                what_does_not_end_within_the_grace_period_is_handed_back,
                a_second_runner_takes_half_and_nothing_runs_twice,
                a_partition_moves_only_after_what_runs_in_it_has_ended,
                the_work_of_a_killed_runner_is_done_by_the_next,
                a_record_that_kills_its_runners_is_set_aside_and_its_neighbours_are_answered,
                a_runner_killed_with_50_in_flight_makes_no_system_error,
                runners_that_come_and_go_lose_nothing_and_repeat_nothing,
                a_tenant_with_little_work_does_not_wait_behind_one_with_much,
                a_runner_survives_any_note_beside_the_offset, a_stopped_runner_leaves_no_suspects)
