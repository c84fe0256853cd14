/* Runners that are killed, and what the next one makes of their work and their notes, against a real broker. */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/stream/message.h"
#include "tests/integration/services/runner/intake_fixture.h"
#include "tests/integration/services/runner/intake_runs.h"
#include "tests/support/suite.h"

/* Runs for ever with `waiting` runs at a gate that holds submission `holds` (-1: all). */
static void be_killed(fixture_log *log, int ready_fd, size_t slots, int holds, int waiting) {
    fixture_gate gate;
    fixture_gate_init(&gate, holds);
    (void)fixture_start(log, "killed", slots, fixture_run_gated, &gate);
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
    fixture_runner *second = fixture_start(&log, "second", 2, fixture_run_ok, NULL);
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

START_TEST(what_a_killed_runner_worked_on_holds_nobody_up) {
    fixture_log log;
    fixture_log_open(&log, 1);
    for (int n = 0; n < 20; n++) {
        fixture_submit(&log, 0, n);
    }
    fixture_log bare = without_clients(&log);
    kill_one(&bare, 2, -1, 2);
    fixture_gate gate;
    fixture_gate_init(&gate, 0);
    fixture_runner *next = fixture_start(&bare, "next", 2, fixture_run_gated, &gate);
    fixture_await_ok(next, 19);
    ck_assert_int_ge(rl_metric_value(fixture_runner_metrics(next)->tried_again), 2);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(next)->tried_alone), 0);
    fixture_gate_open(&gate);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&bare, 20);
    fixture_check_one_ok_each(answers);
    fixture_runner_stop(next);
    rl_codec_free(bare.codec);
}
END_TEST

/* ---- suspects of two losses ---- */

/* How many run, and whether one of the first three submissions had company. */
typedef struct {
    atomic_int running;
    atomic_bool in_company;
} company;

static rl_run_status run_in_company(void *context, const rl_submission *submission,
                                    const rl_manifest *manifest, rl_cancel_token *cancel, rl_arena *arena,
                                    rl_finished *ret, rl_error *err) {
    company *c = context;
    bool suspect = fixture_number(submission->id) < 3;
    int others = atomic_fetch_add(&c->running, 1);
    for (int i = 0; i < 1000; i++) { /* long enough to meet others */
        sched_yield();
        others = others > 0 ? others : atomic_load(&c->running) - 1;
    }
    if (suspect && others > 0) {
        atomic_store(&c->in_company, true);
    }
    atomic_fetch_sub(&c->running, 1);
    return fixture_run_ok(NULL, submission, manifest, cancel, arena, ret, err);
}

START_TEST(what_was_under_way_at_two_losses_runs_alone) {
    fixture_log log;
    fixture_log_open(&log, 2);
    for (int n = 0; n < 30; n++) {
        fixture_submit(&log, n < 15 ? 0 : 1, n);
    }
    rl_test_commit(log.group, log.submissions, 0, 0, "runlog/1 0 111");
    company c = {0};
    fixture_runner *runner = fixture_start(&log, "one", 4, run_in_company, &c);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 30);
    fixture_check_one_ok_each(answers);
    ck_assert(!atomic_load(&c.in_company));
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(runner)->tried_alone), 3);
    fixture_await_commit(&log, 0, 15);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(a_lone_suspect_that_waits_for_its_image_holds_nobody_up) {
    fixture_log log;
    fixture_log_open(&log, 2);
    for (int n = 0; n < 6; n++) {
        fixture_submit(&log, n < 3 ? 0 : 1, n);
    }
    rl_test_commit(log.group, log.submissions, 0, 0, "runlog/1 0 1");
    atomic_bool there = false;
    fixture_runner *runner = fixture_start(&log, "one", 2, fixture_run_without_image_of_0, &there);
    fixture_await_ok(runner, 5);
    atomic_store(&there, true);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 6);
    fixture_check_one_ok_each(answers);
    fixture_runner_stop(runner);
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
        (void)fixture_start(&own, "victim", slots, run_poison, NULL);
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
    fixture_runner *last = fixture_start(&bare, "last", 4, run_poison, NULL);
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
    fixture_runner *next = fixture_start(&bare, "next", 4, fixture_run_ok, NULL);
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
    fixture_runner *runner = fixture_start(&log, "one", 2, fixture_run_ok, NULL);
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
    fixture_runner *second = fixture_start(&log, "second", 2, fixture_run_ok, NULL);
    RL_AUTO_FREE fixture_answers *answers = fixture_await(&log, 20);
    fixture_check_one_ok_each(answers);
    ck_assert_int_eq(rl_metric_value(fixture_runner_metrics(second)->tried_alone), 0);
    fixture_runner_stop(second);
    fixture_log_close(&log);
}
END_TEST

/* A group notices after ten seconds that a runner is gone, and one test loses four of them. */
RL_SUITE_WITHIN(240, "services/runner/losses", the_work_of_a_killed_runner_is_done_by_the_next,
                what_a_killed_runner_worked_on_holds_nobody_up, what_was_under_way_at_two_losses_runs_alone,
                a_lone_suspect_that_waits_for_its_image_holds_nobody_up,
                a_record_that_kills_its_runners_is_set_aside_and_its_neighbours_are_answered,
                a_runner_killed_with_50_in_flight_makes_no_system_error,
                a_runner_survives_any_note_beside_the_offset, a_stopped_runner_leaves_no_suspects)
