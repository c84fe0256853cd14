/* Submissions that nobody would execute in time are refused, and taken again as soon as somebody would. */
#include <stdio.h>

#include "lib/base/clock.h"
#include "suite.h"

#define PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\"}"
#define BATCH_PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\",\"lane\":\"batch\"}"
#define BUSY 3
/* Of unknown runners ten a second are expected: with the settings below, 100 within the longest wait. */
#define TOO_MANY 130

static api_process api;

static int retry_after(const answer *a) {
    int seconds = 0;
    const char *at = strstr(a->head, "\r\nRetry-After: ");
    ck_assert_msg(at && sscanf(at, "\r\nRetry-After: %d\r\n", &seconds) == 1, "no Retry-After: %s", a->head);
    return seconds;
}

/* Submits until the answer has this status: the API looks once a second. */
static void await_submit(int status, const char *part) {
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    answer a = {.status = 0};
    do {
        answer_free(&a);
        rest_a_beat();
        ask(&api, "POST", "/api/submit", rl_bytes_of(PROGRAM), &a);
        ck_assert_msg(a.status == 201 || a.status == 503, "%s%s", a.head, a.body.data);
        ck_assert_msg(rl_clock_us() < deadline_us, "expected %d: %s%s", status, a.head, a.body.data);
    } while (a.status != status);
    expect_in_body(&a, part);
    if (status == 503) {
        ck_assert_int_ge(retry_after(&a), 1);
        ck_assert_int_le(retry_after(&a), 60);
        expect_in_head(&a, "\r\nContent-Type: application/json; charset=utf-8\r\n");
    }
    answer_free(&a);
}

static void expect_at(const char *target, int status, const char *part) {
    answer a;
    get(&api, target, &a);
    expect_status(&a, status);
    expect_in_body(&a, part);
    answer_free(&a);
}

START_TEST(without_a_runner_submissions_are_refused_until_one_joins) {
    static const char *const settings[] = {"RUNLOG_API_ADMISSION_WAIT=1h", "RUNLOG_API_ADMISSION_ABSENCE=2s",
                                           NULL};
    topics_ready();
    commit_submissions_but(0, 0);
    api_start_ready(&api, settings);
    await_submit(503, "there is no runner");
    expect_at("/readyz", 200, "\"status\":\"degraded\"");
    expect_at("/readyz", 200, "no runner in the group for ");
    expect_at("/metrics", 200, "\nrunlog_api_runner_members 0\n");
    expect_at("/api/languages", 200, "python");
    rd_kafka_t *member = join_runners();
    await_submit(201, "codeSubmissionId");
    expect_at("/readyz", 200, "\"status\":\"ready\"");
    expect_at("/metrics", 200, "\nrunlog_api_runner_members 1\n");
    leave_runners(member);
    await_submit(503, "there is no runner");
    api_stop(&api);
}
END_TEST

START_TEST(a_backlog_that_takes_too_long_is_refused_until_it_has_fallen) {
    static const char *const settings[] = {"RUNLOG_API_ADMISSION_WAIT=10s", NULL};
    topics_ready();
    add_submissions(BUSY, TOO_MANY);
    commit_submissions_but(BUSY, TOO_MANY);
    api_start_ready(&api, settings);
    await_submit(503, "the wait would be 1");
    expect_at("/metrics", 200, "\nrunlog_api_admission_wait_seconds{lane=\"interactive\"} 1");
    expect_at("/readyz", 200, "\"status\":\"ready\"");
    commit_submissions_but(BUSY, 0);
    await_submit(201, "codeSubmissionId");
    api_stop(&api);
}
END_TEST

START_TEST(what_this_instance_adds_counts_at_once) {
    static const char *const settings[] = {"RUNLOG_API_ADMISSION_WAIT=1s", NULL};
    char id[RL_ID_SIZE];
    answer a;
    topics_ready();
    commit_submissions_but(0, 0);
    api_start_ready(&api, settings);
    submit(&api, PROGRAM, id);
    int accepted = 1;
    int status = 201;
    while (status == 201) { /* ten a second, or so many before the first measurement */
        ask(&api, "POST", "/api/submit", rl_bytes_of(PROGRAM), &a);
        status = a.status;
        accepted += status == 201;
        ck_assert_msg(accepted < 5000, "%d were accepted", accepted);
        answer_free(&a);
    }
    ck_assert_int_eq(status, 503);
    commit_submissions_but(0, 0);
    await_submit(201, "codeSubmissionId");
    api_stop(&api);
}
END_TEST

START_TEST(each_of_a_batch_counts_for_those_behind_it) {
    static const char *const settings[] = {"RUNLOG_API_ADMISSION_WAIT=1s", NULL};
    RL_AUTO_BUFFER rl_buffer body;
    answer a;
    topics_ready();
    commit_submissions_but(0, 0);
    api_start_ready(&api, settings);
    await_submit(201, "codeSubmissionId"); /* the first measurement has been made */
    rl_buffer_init(&body, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        ck_assert(rl_buffer_append_text(&body, i ? "," : "[") && rl_buffer_append_text(&body, PROGRAM));
    }
    ck_assert(rl_buffer_append_text(&body, "]"));
    ask(&api, "POST", "/api/submissions/batch", rl_buffer_bytes(&body), &a);
    expect_status(&a, 201);
    expect_in_body(&a, "\"statusCode\":201");
    expect_in_body(&a, "\"statusCode\":503,\"error\":\"Submissions cannot be queued now: the wait would be");
    answer_free(&a);
    commit_submissions_but(0, 0);
    await_submit(201, "codeSubmissionId");
    api_stop(&api);
}
END_TEST

START_TEST(a_full_lane_refuses_nothing_of_the_other) {
    static const char *const settings[] = {"RUNLOG_API_ADMISSION_WAIT=10s",
                                           "RUNLOG_API_ADMISSION_BATCH_WAIT=1s", NULL};
    char id[RL_ID_SIZE];
    answer a;
    topics_ready();
    add_submissions(BUSY, TOO_MANY);
    commit_submissions_but(BUSY, TOO_MANY);
    commit_batch();
    api_start_ready(&api, settings);
    await_submit(503, "the wait would be 1");
    submit(&api, BATCH_PROGRAM, id);
    commit_submissions_but(BUSY, 0);
    await_submit(201, "codeSubmissionId");
    do { /* ten a second, or so many before the first measurement */
        ask(&api, "POST", "/api/submit", rl_bytes_of(BATCH_PROGRAM), &a);
        const bool accepted = a.status == 201;
        if (!accepted) {
            break;
        }
        answer_free(&a);
    } while (true);
    expect_status(&a, 503);
    expect_in_body(&a, "the wait in the batch lane would be ");
    answer_free(&a);
    submit(&api, PROGRAM, id);
    expect_at("/metrics", 200, "\nrunlog_api_admission_total{decision=\"long_wait\",lane=\"batch\"} 1\n");
    commit_submissions_but(0, 0);
    commit_batch();
    api_stop(&api);
}
END_TEST

START_TEST(when_it_is_off_neither_matters) {
    static const char *const settings[] = {"RUNLOG_API_ADMISSION_WAIT=off", "RUNLOG_API_ADMISSION_ABSENCE=1s",
                                           NULL};
    topics_ready();
    add_submissions(BUSY, TOO_MANY);
    commit_submissions_but(BUSY, TOO_MANY);
    api_start_ready(&api, settings);
    const int64_t until_us = rl_clock_us() + 3 * RL_US_PER_S;
    int accepted = 0;
    while (rl_clock_us() < until_us) {
        char id[RL_ID_SIZE];
        submit(&api, PROGRAM, id);
        accepted++;
    }
    ck_assert_int_gt(accepted, 0);
    commit_submissions_but(0, 0);
    api_stop(&api);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: admission");
    TCase *tests = tcase_create("admission");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, without_a_runner_submissions_are_refused_until_one_joins);
    tcase_add_test(tests, a_backlog_that_takes_too_long_is_refused_until_it_has_fallen);
    tcase_add_test(tests, what_this_instance_adds_counts_at_once);
    tcase_add_test(tests, each_of_a_batch_counts_for_those_behind_it);
    tcase_add_test(tests, a_full_lane_refuses_nothing_of_the_other);
    tcase_add_test(tests, when_it_is_off_neither_matters);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
