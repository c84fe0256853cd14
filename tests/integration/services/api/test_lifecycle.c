/* Starting, neighbours that are away, stopping. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "suite.h"

#define PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\"}"
#define NOBODY_KAFKA "RUNLOG_KAFKA_BROKERS=127.0.0.1:1"
#define NOBODY_MONGO "RUNLOG_MONGO_URI=mongodb://127.0.0.1:1/runlog"

static api_process api;

static void expect_refused_start(const char *const *settings, const char *part) {
    ck_assert_int_ne(api_run(&api, settings), 0);
    ck_assert_msg(api.logged.data && strstr(api.logged.data, part), "expected \"%s\" in: %s", part,
                  api.logged.data);
    rl_buffer_free(&api.logged);
    close(api.log);
}

START_TEST(without_keys_it_starts_only_when_told_to_be_open) {
    static const char *const settings[] = {"RUNLOG_API_LISTEN=127.0.0.1:0", NULL};
    expect_refused_start(settings, "set RUNLOG_API_OPEN=1");
}
END_TEST

START_TEST(a_misspelt_variable_is_refused_with_the_nearest_name) {
    static const char *const settings[] = {"RUNLOG_API_OPEN=1", "RUNLOG_API_THREDS=3", NULL};
    expect_refused_start(settings, "RUNLOG_API_THREADS");
}
END_TEST

START_TEST(a_maximum_of_elapsed_time_that_changes_verdicts_is_refused) {
    static const char *const settings[] = {"RUNLOG_API_OPEN=1", "RUNLOG_SANDBOX_MAX_WALL=60s", NULL};
    expect_refused_start(settings, "RUNLOG_SANDBOX_MAX_WALL must be 122s at least");
}
END_TEST

START_TEST(missing_languages_end_the_start) {
    static const char *const settings[] = {"RUNLOG_API_OPEN=1", "RUNLOG_LANGUAGES_DIR=/nowhere", NULL};
    expect_refused_start(settings, "/nowhere");
}
END_TEST

START_TEST(an_address_that_cannot_be_had_ends_the_start) {
    char languages[512];
    char secret[] = "RUNLOG_ID_SECRET_FILE=/tmp/runlog-api-test-key";
    (void)snprintf(languages, sizeof(languages), "RUNLOG_LANGUAGES_DIR=%s/languages", RL_SOURCE_DIR);
    const char *const settings[] = {"RUNLOG_API_OPEN=1",
                                    "RUNLOG_API_LISTEN=203.0.113.1:1",
                                    languages,
                                    secret,
                                    NOBODY_KAFKA,
                                    NOBODY_MONGO,
                                    NULL};
    expect_refused_start(settings, "cannot listen on 203.0.113.1:1");
    (void)unlink("/tmp/runlog-api-test-key");
}
END_TEST

START_TEST(without_kafka_it_is_healthy_but_not_ready) {
    static const char *const settings[] = {NOBODY_KAFKA, NULL};
    answer a;
    api_start(&api, settings);
    get(&api, "/healthz", &a);
    expect_body(&a, 200, "{\"status\":\"ok\"}");
    answer_free(&a);
    get(&api, "/readyz", &a);
    expect_status(&a, 503);
    expect_in_body(&a, "\"status\":\"not ready\"");
    answer_free(&a);
    ask(&api, "POST", "/api/submit", rl_bytes_of(PROGRAM), &a);
    expect_status(&a, 503);
    expect_in_head(&a, "\r\nRetry-After: ");
    expect_in_body(&a, "{\"error\":\"");
    answer_free(&a);
    get(&api, "/api/result/x", &a);
    expect_status(&a, 503);
    answer_free(&a);
    get(&api, "/api/languages", &a);
    expect_status(&a, 200);
    answer_free(&a);
    get(&api, "/metrics", &a);
    expect_status(&a, 200);
    answer_free(&a);
    api_stop(&api);
}
END_TEST

START_TEST(without_mongodb_it_is_degraded_but_ready) {
    static const char *const settings[] = {NOBODY_MONGO, NULL};
    answer a;
    char id[RL_ID_SIZE];
    char target[128];
    topics_ready();
    api_start_ready(&api, settings);
    get(&api, "/readyz", &a);
    expect_in_body(&a, "\"status\":\"degraded\"");
    answer_free(&a);
    submit(&api, PROGRAM, id);
    const rl_finished finished = make_finished(id, 0, "from the log");
    publish_finished(&finished);
    (void)snprintf(target, sizeof(target), "/api/result/%s", id);
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    do { /* until the tail has it, the database would have to be asked: 503, never "pending" */
        get(&api, target, &a);
        ck_assert_int_lt(rl_clock_us(), deadline_us);
        ck_assert_ptr_null(strstr(a.body.data, "pending"));
        const int status = a.status;
        if (status == 200) {
            expect_in_body(&a, "from the log");
        } else {
            expect_status(&a, 503);
            expect_in_head(&a, "\r\nRetry-After: ");
        }
        answer_free(&a);
        if (status == 200) {
            break;
        }
    } while (true);
    issue_id(api.secret, 600 * RL_US_PER_S, id);
    (void)snprintf(target, sizeof(target), "/api/result/%s", id);
    get(&api, target, &a);
    expect_status(&a, 503);
    answer_free(&a);
    api_stop(&api);
}
END_TEST

/* Results whose records were dropped from memory before the sink had them are read from the log again. */
START_TEST(results_beyond_the_memory_bound_are_read_back_from_the_log) {
    static const char *const settings[] = {"RUNLOG_API_CACHE_BYTES=1MiB", NULL};
    enum { COUNT = 24, SIZE = 200000 };
    static char ids[COUNT][RL_ID_SIZE];
    char *output = malloc(SIZE + 1);
    answer a;
    topics_ready();
    api_start_ready(&api, settings);
    memset(output, 'r', SIZE);
    output[SIZE] = '\0';
    for (int i = 0; i < COUNT; i++) {
        submit(&api, PROGRAM, ids[i]);
        const int digits = snprintf(output, 16, "%06d", i);
        output[digits] = 'r';
        const rl_finished finished = make_finished(ids[i], 0, output);
        publish_finished(&finished);
    }
    for (int i = 0; i < COUNT; i++) {
        char target[128];
        char expected[64];
        (void)snprintf(target, sizeof(target), "/api/result/%s?wait=20", ids[i]);
        (void)snprintf(expected, sizeof(expected), "\"stdOutput\":\"%06drrr", i);
        get(&api, target, &a);
        expect_status(&a, 200);
        expect_in_body(&a, expected);
        answer_free(&a);
    }
    get(&api, "/metrics", &a);
    ck_assert_ptr_null(strstr(a.body.data, "\nrunlog_api_cache_stripped 0\n"));
    answer_free(&a);
    free(output);
    api_stop(&api);
}
END_TEST

static long undecodable(void) {
    static const char name[] = "\nrunlog_api_tail_undecodable_total ";
    answer a;
    get(&api, "/metrics", &a);
    const char *at = strstr(a.body.data, name);
    ck_assert_ptr_nonnull(at);
    const long value = strtol(at + sizeof(name) - 1, NULL, 10);
    answer_free(&a);
    return value;
}

START_TEST(records_that_nobody_can_read_do_not_fill_the_log) {
    enum { COUNT = 300 };
    topics_ready();
    api_start_ready(&api, NULL);
    const long before = undecodable();
    (void)publish_result_copies(rl_bytes_of("no id"), rl_bytes_of("no record"), COUNT);
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    long seen = 0;
    while ((seen = undecodable()) < before + COUNT) {
        ck_assert_int_lt(rl_clock_us(), deadline_us);
    }
    api_take_log(&api);
    long lines = 0;
    for (const char *at = api.logged.data; (at = strstr(at, "\"event\":\"result.undecodable\"")); at++) {
        lines++;
    }
    ck_assert_msg(lines > 0 && lines < COUNT / 2, "%ld lines about %ld records", lines, seen);
    api_stop(&api);
}
END_TEST

START_TEST(sigterm_answers_who_waits_and_ends_with_0) {
    answer a;
    char id[RL_ID_SIZE];
    char request[256];
    topics_ready();
    api_start_ready(&api, NULL);
    submit(&api, PROGRAM, id);
    const int fd = api_connect(&api);
    (void)snprintf(request, sizeof(request), "GET /api/result/%s?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n", id);
    send_text(fd, request);
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    for (bool waiting = false; !waiting;) {
        ck_assert_int_lt(rl_clock_us(), deadline_us);
        get(&api, "/metrics", &a);
        waiting = strstr(a.body.data, "\nrunlog_api_waiters 1\n") != NULL;
        answer_free(&a);
    }
    api_signal(&api, SIGTERM);
    read_answer(fd, &a, false);
    expect_body(&a, 200, "{\"message\":\"Code execution is still pending\"}");
    expect_in_head(&a, "\r\nConnection: close\r\n");
    expect_in_head(&a, "\r\nRetry-After: 1\r\n");
    answer_free(&a);
    close(fd);
    ck_assert_int_eq(api_await_end(&api), 0);
    api_stop(&api);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: lifecycle");
    TCase *tests = tcase_create("start and end");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, without_keys_it_starts_only_when_told_to_be_open);
    tcase_add_test(tests, a_misspelt_variable_is_refused_with_the_nearest_name);
    tcase_add_test(tests, a_maximum_of_elapsed_time_that_changes_verdicts_is_refused);
    tcase_add_test(tests, missing_languages_end_the_start);
    tcase_add_test(tests, an_address_that_cannot_be_had_ends_the_start);
    tcase_add_test(tests, without_kafka_it_is_healthy_but_not_ready);
    tcase_add_test(tests, without_mongodb_it_is_degraded_but_ready);
    tcase_add_test(tests, results_beyond_the_memory_bound_are_read_back_from_the_log);
    tcase_add_test(tests, records_that_nobody_can_read_do_not_fill_the_log);
    tcase_add_test(tests, sigterm_answers_who_waits_and_ends_with_0);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
