/* What the API answers while submissions are executed again: results at once, results held back, decisions about them. */
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "suite.h"

#define PENDING "{\"message\":\"Code execution is still pending\"}"
#define PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\",\"stdInput\":\"in\"}"
#define NOBODY_MONGO "RUNLOG_MONGO_URI=mongodb://127.0.0.1:9/none"
#define REPLAY "r-api-test"

static api_process api;

static void set_up(void) {
    topics_ready();
    commit_results(); /* decisions that earlier tests have left are none of its business */
    api_start_ready(&api, NULL);
}

static void tear_down(void) {
    api_stop(&api);
}

/* Higher than that of any test before. */
static int64_t next_generation(void) {
    return rl_wall_clock_us();
}

/* What a runner makes of a record of a replay. `submission` holds what `ret` points to. */
static rl_finished replayed(const char *id, int64_t generation, bool held, const char *output,
                            rl_submission *submission) {
    rl_finished finished = make_finished(id, generation, output);
    *submission = *finished.submission;
    submission->generation = generation;
    submission->held = held;
    submission->deadline_us = 0;
    finished.submission = submission;
    return finished;
}

static void publish_replayed(const char *id, int64_t generation, bool held, const char *output) {
    rl_submission submission;
    const rl_finished finished = replayed(id, generation, held, output, &submission);
    publish_finished(&finished);
}

static void store_replayed(const char *id, int64_t generation, const char *output) {
    rl_submission submission;
    const rl_finished finished = replayed(id, generation, true, output, &submission);
    store_finished(&finished);
}

static void publish_original(const char *id, const char *output) {
    const rl_finished finished = make_finished(id, 0, output);
    publish_finished(&finished);
}

static void store_original(const char *id, const char *output) {
    const rl_finished finished = make_finished(id, 0, output);
    store_finished(&finished);
}

static void look(const char *id, const char *query, answer *ret) {
    char target[256];
    (void)snprintf(target, sizeof(target), "/api/result/%s%s", id, query);
    get(&api, target, ret);
}

static void expect_output(const char *id, const char *query, const char *output) {
    char part[128];
    answer a;
    (void)snprintf(part, sizeof(part), "\"stdOutput\":\"%s\"", output);
    look(id, query, &a);
    expect_status(&a, 200);
    expect_in_body(&a, part);
    answer_free(&a);
}

/* The answer is never pending on the way there. */
static void await_status(const char *id, int status) {
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    answer a = {.status = 0};
    while (a.status != status) {
        answer_free(&a);
        look(id, "", &a);
        ck_assert_msg(a.status != 200 || !strstr(a.body.data, "pending"), "pending again");
        ck_assert_msg(rl_clock_us() < deadline_us, "never %d: %s", status, a.body.data);
        rest_a_beat();
    }
    answer_free(&a);
}

static int64_t records_read(void) {
    return metric(&api, "\nrunlog_api_tail_records_total ");
}

/* Until so many records have been read since there were `before`. */
static void await_read(int64_t before, int64_t count) {
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    while (records_read() < before + count) {
        ck_assert_int_lt(rl_clock_us(), deadline_us);
        rest_a_beat();
    }
}

/* The sink has everything, and the API knows. */
static void commit_and_await(void) {
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    commit_results();
    while (metric(&api, "\nrunlog_api_cache_uncommitted ") > 0) {
        ck_assert_int_lt(rl_clock_us(), deadline_us);
        rest_a_beat();
    }
}

static void restart(const char *const *settings) {
    api_signal(&api, 9);
    ck_assert_int_eq(api_await_end(&api), -1);
    api_restart(&api, settings);
    api_await_ready(&api);
}

START_TEST(a_replay_that_is_not_held_is_answered_at_once) {
    char id[RL_ID_SIZE];
    char part[64];
    answer a;
    const int64_t generation = next_generation();
    submit(&api, PROGRAM, id);
    publish_original(id, "zero");
    expect_output(id, "?wait=20", "zero");
    const int64_t before = records_read();
    publish_replayed(id, generation, false, "again");
    await_read(before, 1);
    look(id, "", &a);
    (void)snprintf(part, sizeof(part), "\"generation\":%lld", (long long)generation);
    expect_in_body(&a, "\"stdOutput\":\"again\"");
    expect_in_body(&a, part);
    answer_free(&a);
}
END_TEST

START_TEST(a_held_result_changes_no_answer) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    publish_original(id, "zero");
    expect_output(id, "?wait=20", "zero");
    const int64_t before = records_read();
    publish_replayed(id, next_generation(), true, "held");
    await_read(before, 1);
    expect_output(id, "", "zero");
}
END_TEST

START_TEST(a_held_result_wakes_nobody) {
    char id[RL_ID_SIZE];
    char request[256];
    answer a;
    submit(&api, PROGRAM, id);
    const int fd = api_connect(&api);
    (void)snprintf(request, sizeof(request), "GET /api/result/%s?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n", id);
    send_text(fd, request);
    await_waiters(&api, 1);
    const int64_t before = records_read();
    publish_replayed(id, next_generation(), true, "held");
    await_read(before, 1);
    look(id, "", &a);
    expect_body(&a, 200, PENDING);
    answer_free(&a);
    publish_original(id, "zero");
    read_answer(fd, &a, false);
    expect_in_body(&a, "\"stdOutput\":\"zero\"");
    answer_free(&a);
    close(fd);
}
END_TEST

START_TEST(once_applied_the_higher_generation_is_answered_as_soon_as_mongodb_has_it) {
    char stored[RL_ID_SIZE];
    char fresh[RL_ID_SIZE];
    const int64_t generation = next_generation();
    submit(&api, PROGRAM, stored);
    submit(&api, PROGRAM, fresh);
    publish_original(stored, "zero");
    expect_output(stored, "?wait=20", "zero");
    store_original(stored, "zero");
    commit_and_await();
    publish_original(fresh, "zero");
    expect_output(fresh, "?wait=20", "zero");
    const int64_t before = records_read();
    publish_replayed(stored, generation, true, "higher");
    publish_replayed(fresh, generation, true, "higher");
    publish_decision(RL_RECORD_APPLIED, REPLAY, generation);
    await_read(before, 3);
    expect_output(stored, "", "zero"); /* the sink has not come so far */
    expect_output(fresh, "", "zero");
    store_replayed(stored, generation, "higher");
    store_replayed(fresh, generation, "higher");
    expect_output(stored, "", "higher");
    expect_output(fresh, "", "higher");
}
END_TEST

START_TEST(applied_may_come_first) {
    char id[RL_ID_SIZE];
    const int64_t generation = next_generation();
    submit(&api, PROGRAM, id);
    publish_original(id, "zero");
    expect_output(id, "?wait=20", "zero");
    const int64_t before = records_read();
    publish_decision(RL_RECORD_APPLIED, REPLAY, generation);
    await_read(before, 1);
    publish_replayed(id, generation, true, "higher");
    await_read(before, 2);
    store_replayed(id, generation, "higher");
    expect_output(id, "", "higher");
}
END_TEST

START_TEST(an_instance_that_starts_in_between_answers_the_same) {
    char early[RL_ID_SIZE];
    char late[RL_ID_SIZE];
    const int64_t generation = next_generation();
    submit(&api, PROGRAM, early);
    submit(&api, PROGRAM, late);
    publish_original(early, "zero");
    publish_original(late, "zero");
    store_original(early, "zero");
    store_original(late, "zero");
    publish_replayed(early, generation, true, "higher");
    commit_results();
    restart(NULL); /* behind what was held for `early`, before that for `late` */
    publish_original(late, "zero, delivered again");
    publish_replayed(late, generation, true, "higher");
    expect_output(early, "", "zero");
    expect_output(late, "", "zero");
    publish_decision(RL_RECORD_APPLIED, REPLAY, generation);
    restart(NULL); /* reads the Applied, and not for the first time */
    expect_output(early, "", "zero");
    expect_output(late, "", "zero");
    store_replayed(early, generation, "higher");
    store_replayed(late, generation, "higher");
    expect_output(early, "", "higher");
    expect_output(late, "", "higher");
}
END_TEST

START_TEST(what_is_discarded_leaves_no_trace) {
    char id[RL_ID_SIZE];
    const int64_t generation = next_generation();
    const int64_t undecodable = metric(&api, "\nrunlog_api_tail_undecodable_total ");
    submit(&api, PROGRAM, id);
    publish_original(id, "zero");
    expect_output(id, "?wait=20", "zero");
    const int64_t before = records_read();
    publish_replayed(id, generation, true, "held");
    publish_decision(RL_RECORD_DISCARDED, REPLAY, generation);
    await_read(before, 2);
    store_replayed(id, generation, "nobody asks for it");
    expect_output(id, "", "zero");
    ck_assert_int_eq(metric(&api, "\nrunlog_api_tail_undecodable_total "), undecodable);
}
END_TEST

START_TEST(a_replay_that_could_not_be_executed_replaces_nothing) {
    static const rl_verdict verdicts[] = {RL_VERDICT_SYSTEM_ERROR, RL_VERDICT_CANCELLED};
    char id[RL_ID_SIZE];
    char pending[RL_ID_SIZE];
    answer a;
    submit(&api, PROGRAM, id);
    submit(&api, PROGRAM, pending);
    publish_original(id, "zero");
    expect_output(id, "?wait=20", "zero");
    const int64_t before = records_read();
    for (size_t i = 0; i < 2; i++) {
        rl_submission submission;
        rl_finished failed = replayed(id, next_generation(), false, "failed", &submission);
        failed.verdict = verdicts[i];
        publish_finished(&failed);
        failed = replayed(pending, next_generation(), false, "failed", &submission);
        failed.verdict = verdicts[i];
        publish_finished(&failed);
    }
    rl_finished unreadable = make_finished(id, next_generation(), "unreadable");
    unreadable.submission = NULL;
    publish_finished(&unreadable);
    await_read(before, 5);
    expect_output(id, "", "zero");
    look(pending, "", &a);
    expect_body(&a, 200, PENDING);
    answer_free(&a);
}
END_TEST

START_TEST(without_mongodb_it_is_the_old_answer_or_503) {
    static const char *const settings[] = {NOBODY_MONGO, NULL};
    char id[RL_ID_SIZE];
    char other[RL_ID_SIZE];
    answer a;
    const int64_t generation = next_generation();
    commit_results();
    restart(settings);
    /* Ids of its first minute it would not vouch for. */
    issue_id(api.secret, -INT64_C(61) * RL_US_PER_S, id);
    issue_id(api.secret, -INT64_C(61) * RL_US_PER_S, other);
    publish_original(id, "zero");
    publish_original(other, "zero");
    expect_output(id, "?wait=20", "zero");
    expect_output(other, "?wait=20", "zero");
    const int64_t before = records_read();
    publish_replayed(id, generation, true, "held");
    await_read(before, 1);
    expect_output(id, "", "zero"); /* holding alone costs nothing */
    publish_decision(RL_RECORD_APPLIED, REPLAY, generation);
    await_status(id, 503);
    look(id, "", &a);
    expect_in_head(&a, "\r\nRetry-After: ");
    answer_free(&a);
    expect_output(other, "", "zero"); /* nobody else is touched */
}
END_TEST

START_TEST(a_decision_that_cannot_be_read_counts_as_applied) {
    char id[RL_ID_SIZE];
    const int64_t generation = next_generation();
    submit(&api, PROGRAM, id);
    publish_original(id, "zero");
    expect_output(id, "?wait=20", "zero");
    const int64_t before = records_read();
    publish_replayed(id, generation, true, "higher");
    publish_result_bytes(rl_bytes_of(REPLAY), rl_bytes_of("no record at all"));
    await_read(before, 2);
    store_replayed(id, generation, "higher");
    expect_output(id, "", "higher");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: replay");
    TCase *tests = tcase_create("replays");
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_replay_that_is_not_held_is_answered_at_once);
    tcase_add_test(tests, a_held_result_changes_no_answer);
    tcase_add_test(tests, a_held_result_wakes_nobody);
    tcase_add_test(tests, what_is_discarded_leaves_no_trace);
    tcase_add_test(tests, once_applied_the_higher_generation_is_answered_as_soon_as_mongodb_has_it);
    tcase_add_test(tests, applied_may_come_first);
    tcase_add_test(tests, a_replay_that_could_not_be_executed_replaces_nothing);
    tcase_add_test(tests, an_instance_that_starts_in_between_answers_the_same);
    tcase_add_test(tests, a_decision_that_cannot_be_read_counts_as_applied);
    tcase_add_test(tests, without_mongodb_it_is_the_old_answer_or_503);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
