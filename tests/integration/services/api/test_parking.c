/* Long polls beyond the number of threads: they wait as well, and nobody else notices. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "suite.h"

#define PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\"}"
#define PENDING "{\"message\":\"Code execution is still pending\"}"
/* With the fewest threads that may be set, of which six may wait. */
#define CROWD 100
#define ON_THREADS 6
#define SUBMITTERS 20

static api_process api;
static char id[RL_ID_SIZE];
static int fds[CROWD];
static size_t crowd;

static void set_up(void) {
    static const char *const settings[] = {"RUNLOG_API_THREADS=8", NULL};
    topics_ready();
    api_start_ready(&api, settings);
    submit(&api, PROGRAM, id);
}

static void tear_down(void) {
    api_stop(&api);
}

static void start_crowd(const char *method, const char *wait, size_t size) {
    char request[256];
    crowd = size;
    (void)snprintf(request, sizeof(request), "%s /api/result/%s?wait=%s HTTP/1.1\r\nHost: x\r\n\r\n", method,
                   id, wait);
    for (size_t i = 0; i < crowd; i++) {
        fds[i] = api_connect(&api);
        send_text(fds[i], request);
    }
}

/* Each of the crowd gets 200 with `part` in its body; returns how many connections are closed after it. */
static int expect_all(const char *part) {
    int closed = 0;
    for (size_t i = 0; i < crowd; i++) {
        answer a;
        read_answer(fds[i], &a, false);
        expect_status(&a, 200);
        expect_in_body(&a, part);
        if (strstr(a.head, "\r\nConnection: close\r\n")) {
            ck_assert_msg(at_end(fds[i]), "bytes after the answer");
            closed++;
        }
        answer_free(&a);
        close(fds[i]);
    }
    return closed;
}

static void publish(const char *output) {
    const rl_finished finished = make_finished(id, 0, output);
    publish_finished(&finished);
}

START_TEST(more_clients_than_threads_wait_and_all_are_woken) {
    char other[RL_ID_SIZE];
    answer a;
    start_crowd("GET", "60", CROWD);
    await_waiters(&api, CROWD);
    submit(&api, PROGRAM, other);
    get(&api, "/healthz", &a);
    expect_status(&a, 200);
    answer_free(&a);
    publish("for all");
    ck_assert_int_ge(expect_all("\"stdOutput\":\"for all\""), CROWD - ON_THREADS);
    await_waiters(&api, 0);
}
END_TEST

START_TEST(a_wait_without_a_thread_ends_with_its_time) {
    start_crowd("GET", "0.5", CROWD);
    (void)expect_all(PENDING);
    await_waiters(&api, 0);
    ck_assert_int_eq(metric(&api, "\nrunlog_api_waits_refused_total "), 0);
}
END_TEST

START_TEST(clients_that_leave_are_forgotten) {
    start_crowd("GET", "60", CROWD);
    await_waiters(&api, CROWD);
    for (size_t i = 0; i < crowd; i++) {
        close(fds[i]);
    }
    await_waiters(&api, 0);
    ck_assert_int_ge(metric(&api, "\nrunlog_api_client_gone_total "), CROWD);
    publish("for nobody");
}
END_TEST

START_TEST(a_large_result_comes_whole_to_clients_that_read_late) {
    char *output = malloc((3 << 20) + 1);
    memset(output, 'o', 3 << 20);
    output[3 << 20] = '\0';
    start_crowd("GET", "60", 3 * ON_THREADS);
    await_waiters(&api, 3 * ON_THREADS);
    publish(output);
    await_waiters(&api, 0); /* answers are under way, and nobody has read yet */
    (void)expect_all(output);
    free(output);
}
END_TEST

START_TEST(head_gets_no_body) {
    start_crowd("HEAD", "60", CROWD);
    await_waiters(&api, CROWD);
    publish("x");
    for (size_t i = 0; i < crowd; i++) {
        answer a;
        read_answer(fds[i], &a, true);
        expect_status(&a, 200);
        if (strstr(a.head, "\r\nConnection: close\r\n")) {
            ck_assert_msg(at_end(fds[i]), "a body after HEAD");
        }
        answer_free(&a);
        close(fds[i]);
    }
}
END_TEST

START_TEST(when_the_service_stops_all_are_told_to_ask_again) {
    start_crowd("GET", "60", CROWD);
    await_waiters(&api, CROWD);
    api_signal(&api, SIGTERM);
    for (size_t i = 0; i < crowd; i++) {
        answer a;
        read_answer(fds[i], &a, false);
        expect_body(&a, 200, PENDING);
        expect_in_head(&a, "\r\nRetry-After: 1\r\n");
        answer_free(&a);
        close(fds[i]);
    }
    ck_assert_int_eq(api_await_end(&api), 0);
    api_restart(&api, NULL);
    api_await_ready(&api);
}
END_TEST

START_TEST(beyond_the_bound_clients_are_answered_at_once) {
    static const char *const settings[] = {"RUNLOG_API_THREADS=8", "RUNLOG_API_PARKED=10", NULL};
    api_signal(&api, SIGTERM);
    ck_assert_int_eq(api_await_end(&api), 0);
    api_restart(&api, settings);
    api_await_ready(&api);
    start_crowd("GET", "60", CROWD);
    await_waiters(&api, ON_THREADS + 10);
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    while (metric(&api, "\nrunlog_api_waits_refused_total ") != CROWD - ON_THREADS - 10) {
        ck_assert_int_lt(rl_clock_us(), deadline_us);
        rest_a_beat();
    }
    publish("late");
    for (size_t i = 0; i < crowd; i++) {
        close(fds[i]);
    }
}
END_TEST

static void start_submitters(const char *wait) {
    char request[256];
    crowd = SUBMITTERS;
    (void)snprintf(request, sizeof(request),
                   "POST /api/submit?wait=%s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", wait,
                   strlen(PROGRAM), PROGRAM);
    for (size_t i = 0; i < crowd; i++) {
        fds[i] = api_connect(&api);
        send_text(fds[i], request);
    }
}

/* A result for each submission that the service has logged as queued; the output is the id. */
static void answer_the_queued(void) {
    static const char event[] = "\"submission.queued\"", field[] = "\"id\":\"";
    char queued[RL_ID_SIZE] = "";
    api_take_log(&api);
    const char *at = (const char *)api.logged.data;
    for (at = strstr(at, event); at; at = strstr(at + 1, event)) {
        const char *value = strstr(at, field);
        ck_assert_ptr_nonnull(value);
        memcpy(queued, value + strlen(field), RL_ID_LENGTH);
        const rl_finished finished = make_finished(queued, 0, queued);
        publish_finished(&finished);
    }
}

START_TEST(who_submits_and_waits_without_a_thread_gets_the_own_result) {
    static const char *const settings[] = {"RUNLOG_API_THREADS=8", "RUNLOG_LOG_LEVEL=debug", NULL};
    static const char accepted[] = "\"codeSubmissionId\":\"";
    api_signal(&api, SIGTERM);
    ck_assert_int_eq(api_await_end(&api), 0);
    api_restart(&api, settings);
    api_await_ready(&api);
    start_submitters("60");
    await_waiters(&api, SUBMITTERS);
    answer_the_queued();
    for (size_t i = 0; i < crowd; i++) {
        char output[RL_ID_SIZE + 32];
        answer a;
        read_answer(fds[i], &a, false);
        expect_status(&a, 201);
        const char *own = memmem(a.body.data, a.body.size, accepted, strlen(accepted));
        ck_assert_ptr_nonnull(own);
        (void)snprintf(output, sizeof(output), "\"stdOutput\":\"%.*s\"", RL_ID_LENGTH,
                       own + strlen(accepted));
        expect_in_body(&a, "\"result\":{");
        expect_in_body(&a, output);
        answer_free(&a);
        close(fds[i]);
    }
    await_waiters(&api, 0);
}
END_TEST

START_TEST(a_submission_that_outlasts_the_wait_is_accepted_all_the_same) {
    start_submitters("0.5");
    for (size_t i = 0; i < crowd; i++) {
        answer a;
        read_answer(fds[i], &a, false);
        expect_status(&a, 201);
        ck_assert_ptr_null(memmem(a.body.data, a.body.size, "\"result\"", 8));
        answer_free(&a);
        close(fds[i]);
    }
    await_waiters(&api, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: parking");
    TCase *tests = tcase_create("parking");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, more_clients_than_threads_wait_and_all_are_woken);
    tcase_add_test(tests, a_wait_without_a_thread_ends_with_its_time);
    tcase_add_test(tests, clients_that_leave_are_forgotten);
    tcase_add_test(tests, a_large_result_comes_whole_to_clients_that_read_late);
    tcase_add_test(tests, head_gets_no_body);
    tcase_add_test(tests, when_the_service_stops_all_are_told_to_ask_again);
    tcase_add_test(tests, who_submits_and_waits_without_a_thread_gets_the_own_result);
    tcase_add_test(tests, a_submission_that_outlasts_the_wait_is_accepted_all_the_same);
    tcase_add_test(tests, beyond_the_bound_clients_are_answered_at_once);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
