/* GET /api/result/:id: pending, completed, unknown; from the log and from MongoDB; waiting. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "suite.h"

#define PENDING "{\"message\":\"Code execution is still pending\"}"
#define NOT_FOUND "{\"error\":\"Code submission not found\"}"
#define PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\",\"stdInput\":\"in\"}"

static api_process api;

static void set_up(void) {
    topics_ready();
    static const char *const settings[] = {"RUNLOG_API_PARKED=0", NULL}; /* test_parking.c has the others */
    api_start_ready(&api, settings);
}

static void tear_down(void) {
    api_stop(&api);
}

static void ask_for(const api_process *whom, const char *id, const char *query, answer *ret) {
    char target[256];
    (void)snprintf(target, sizeof(target), "/api/result/%s%s", id, query);
    get(whom, target, ret);
}

/* Waits for the result and expects `part` in it. */
static void expect_result(const char *id, const char *part) {
    answer a;
    ask_for(&api, id, "?wait=20", &a);
    expect_status(&a, 200);
    expect_in_body(&a, part);
    answer_free(&a);
}

static void expect_answer(const char *id, int status, const char *body) {
    answer a;
    ask_for(&api, id, "", &a);
    expect_body(&a, status, body);
    answer_free(&a);
}

START_TEST(a_submission_is_pending_then_completed) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    expect_answer(id, 200, PENDING);
    const rl_finished finished = make_finished(id, 0, "1\n");
    publish_finished(&finished);
    expect_result(id, "{\"code\":\"print(1)\",\"lang\":\"python\",\"stdInput\":\"in\",\"stdOutput\":\"1\\n\","
                      "\"stdError\":\"\",\"status\":\"completed\",\"verdict\":\"OK\",\"exitCode\":0,");
}
END_TEST

START_TEST(ids_that_were_never_issued_are_404) {
    static const char *const ids[] = {
        "x",
        "%00",
        "%zz",
        "%E0%A4%A",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%00",
        "%ff%fe",
        "..%2f..%2fetc%2fpasswd",
    };
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        expect_answer(ids[i], 404, NOT_FOUND);
    }
}
END_TEST

START_TEST(a_forged_id_is_404) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    id[20] = id[20] == 'A' ? 'B' : 'A';
    expect_answer(id, 404, NOT_FOUND);
}
END_TEST

START_TEST(an_escaped_id_is_the_same_id) {
    char id[RL_ID_SIZE];
    char escaped[64];
    submit(&api, PROGRAM, id);
    (void)snprintf(escaped, sizeof(escaped), "%%%02x%s", (unsigned)id[0], id + 1);
    expect_answer(escaped, 200, PENDING);
}
END_TEST

START_TEST(an_id_past_retention_is_404) {
    char id[RL_ID_SIZE];
    issue_id(api.secret, 31 * 86400 * RL_US_PER_S, id);
    expect_answer(id, 404, NOT_FOUND);
}
END_TEST

START_TEST(what_no_runner_read_in_time_has_expired) {
    char id[RL_ID_SIZE];
    issue_id(api.secret, 3600 * RL_US_PER_S + 601 * RL_US_PER_S, id);
    expect_result(id, "\"status\":\"completed\",\"verdict\":\"SYSTEM_ERROR\"");
    expect_result(id, "\"message\":\"expired in queue\"");
    issue_id(api.secret, 3600 * RL_US_PER_S + 500 * RL_US_PER_S, id);
    expect_answer(id, 200, PENDING);
}
END_TEST

START_TEST(the_first_of_a_generation_wins_and_a_higher_one_replaces) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    rl_finished finished = make_finished(id, 0, "first");
    publish_finished(&finished);
    finished = make_finished(id, 0, "second");
    publish_finished(&finished);
    expect_result(id, "\"stdOutput\":\"first\"");
    finished = make_finished(id, 7, "replayed");
    publish_finished(&finished);
    answer a = {.status = 0};
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    do {
        answer_free(&a);
        ask_for(&api, id, "", &a);
        ck_assert_int_lt(rl_clock_us(), deadline_us);
        ck_assert_ptr_null(strstr(a.body.data, "second"));
    } while (!strstr(a.body.data, "\"stdOutput\":\"replayed\""));
    expect_in_body(&a, "\"generation\":7");
    answer_free(&a);
}
END_TEST

START_TEST(output_that_is_no_text_comes_flagged_or_in_base64) {
    char id[RL_ID_SIZE];
    answer a;
    submit(&api, PROGRAM, id);
    const rl_finished finished = make_finished(id, 0, "\xff\xfe");
    publish_finished(&finished);
    expect_result(id, "\"stdOutput\":\"\xef\xbf\xbd\xef\xbf\xbd\"");
    expect_result(id, "\"outputEncodingReplaced\":true");
    ask_for(&api, id, "?encoding=base64", &a);
    expect_in_body(&a, "\"stdOutput\":\"//4=\"");
    expect_in_body(&a, "{\"code\":\"cHJpbnQoMSk=\",");
    answer_free(&a);
    ask_for(&api, id, "?encoding=hex", &a);
    expect_status(&a, 400);
    answer_free(&a);
}
END_TEST

/* A result on the log whose submission carries `trace`; its id. */
static void publish_traced(const char *trace, char ret_id[RL_ID_SIZE]) {
    submit(&api, PROGRAM, ret_id);
    rl_finished finished = make_finished(ret_id, 0, "traced");
    rl_submission submission = *finished.submission;
    submission.traceparent = trace;
    finished.submission = &submission;
    publish_finished(&finished);
    expect_result(ret_id, "\"stdOutput\":\"traced\"");
}

START_TEST(a_result_tells_the_trace_of_its_submission) {
    char id[RL_ID_SIZE];
    answer a;
    publish_traced("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", id);
    ask_for(&api, id, "", &a);
    expect_in_head(&a, "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n");
    ck_assert_ptr_null(strstr(a.body.data, "4bf92f3577b34da6a3ce929d0e0e4736")); /* the body is frozen */
    answer_free(&a);
}
END_TEST

START_TEST(a_result_from_mongodb_tells_it_too) {
    char id[RL_ID_SIZE];
    answer a;
    issue_id(api.secret, 7200 * RL_US_PER_S, id);
    rl_finished finished = make_finished(id, 0, "stored");
    rl_submission submission = *finished.submission;
    submission.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    finished.submission = &submission;
    store_finished(&finished);
    ask_for(&api, id, "", &a);
    expect_in_body(&a, "\"stdOutput\":\"stored\"");
    expect_in_head(&a, "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\r\n");
    answer_free(&a);
}
END_TEST

START_TEST(what_is_no_trace_in_a_record_is_no_header) {
    static const char *const traces[] = {
        "", "00-\r\nSet-Cookie: a=b",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nSet-Cookie: a=b"};
    for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
        char id[RL_ID_SIZE];
        answer a;
        publish_traced(traces[i], id);
        ask_for(&api, id, "", &a);
        expect_status(&a, 200);
        ck_assert_ptr_null(strstr(a.head, "traceparent"));
        ck_assert_ptr_null(strstr(a.head, "Set-Cookie"));
        answer_free(&a);
    }
}
END_TEST

START_TEST(a_bad_wait_is_400) {
    static const char *const bad[] = {"?wait=",    "?wait=x",   "?wait=-1",    "?wait=61",
                                      "?wait=1e3", "?wait=%00", "?x=1&wait=1s"};
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        answer a;
        ask_for(&api, id, bad[i], &a);
        expect_body(&a, 400,
                    "{\"error\":\"Parameter \\\"wait\\\" must be a number of seconds from 0 to 60\"}");
        answer_free(&a);
    }
}
END_TEST

START_TEST(a_wait_ends_with_its_time) {
    char id[RL_ID_SIZE];
    answer a;
    submit(&api, PROGRAM, id);
    const int64_t began_us = rl_clock_us();
    ask_for(&api, id, "?wait=0.3", &a);
    expect_body(&a, 200, PENDING);
    ck_assert_int_ge(rl_clock_us() - began_us, 300000);
    answer_free(&a);
}
END_TEST

static int start_waiting(const char *id) {
    char request[256];
    const int fd = api_connect(&api);
    (void)snprintf(request, sizeof(request), "GET /api/result/%s?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n", id);
    send_text(fd, request);
    return fd;
}

START_TEST(all_who_wait_are_woken_by_the_result) {
    char id[RL_ID_SIZE];
    int fds[5];
    submit(&api, PROGRAM, id);
    for (size_t i = 0; i < 5; i++) {
        fds[i] = start_waiting(id);
    }
    await_waiters(&api, 5);
    const rl_finished finished = make_finished(id, 0, "woken");
    publish_finished(&finished);
    for (size_t i = 0; i < 5; i++) {
        answer a;
        read_answer(fds[i], &a, false);
        expect_in_body(&a, "\"stdOutput\":\"woken\"");
        answer_free(&a);
        close(fds[i]);
    }
    await_waiters(&api, 0);
}
END_TEST

START_TEST(a_client_that_leaves_frees_its_thread) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    const int fd = start_waiting(id);
    await_waiters(&api, 1);
    close(fd);
    await_waiters(&api, 0);
    ck_assert_int_ge(metric(&api, "\nrunlog_api_client_gone_total "), 1);
}
END_TEST

START_TEST(waiting_never_takes_all_threads) {
    char id[RL_ID_SIZE];
    int fds[20];
    submit(&api, PROGRAM, id);
    for (size_t i = 0; i < 20; i++) {
        fds[i] = start_waiting(id);
    }
    await_waiters(&api, 18); /* three quarters of 24 */
    answer a;
    ask_for(&api, id, "?wait=60", &a);
    expect_body(&a, 200, PENDING);
    expect_in_head(&a, "\r\nRetry-After: 1\r\n");
    answer_free(&a);
    char other[RL_ID_SIZE];
    submit(&api, PROGRAM, other);
    const rl_finished finished = make_finished(id, 0, "x");
    publish_finished(&finished);
    for (size_t i = 0; i < 20; i++) {
        read_answer(fds[i], &a, false);
        expect_status(&a, 200);
        answer_free(&a);
        close(fds[i]);
    }
}
END_TEST

START_TEST(a_large_result_comes_whole) {
    char id[RL_ID_SIZE];
    answer a;
    char *output = malloc((3 << 20) + 1);
    memset(output, 'o', 3 << 20);
    output[3 << 20] = '\0';
    submit(&api, PROGRAM, id);
    const rl_finished finished = make_finished(id, 0, output);
    publish_finished(&finished);
    ask_for(&api, id, "?wait=20", &a);
    expect_status(&a, 200);
    ck_assert_uint_gt(a.body.size, 3 << 20);
    ck_assert_ptr_nonnull(strstr(a.body.data, output));
    answer_free(&a);
    free(output);
}
END_TEST

START_TEST(records_that_cannot_be_read_are_skipped) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    publish_result_bytes(rl_bytes_of(id), rl_bytes_of("garbage"));
    publish_result_bytes(rl_bytes_of("no id"), rl_bytes_of(""));
    publish_result_bytes(rl_bytes_of(id), rl_bytes_make("\xc3\x01"
                                                        "12345678\xff\xff\xff\xff\xff\xff\xff\x7f",
                                                        18));
    const rl_finished finished = make_finished(id, 0, "readable");
    publish_finished(&finished);
    expect_result(id, "\"stdOutput\":\"readable\"");
    ck_assert_int_ge(metric(&api, "\nrunlog_api_tail_undecodable_total "), 3);
}
END_TEST

START_TEST(old_results_come_from_mongodb) {
    char id[RL_ID_SIZE];
    issue_id(api.secret, 600 * RL_US_PER_S, id);
    const rl_finished finished = make_finished(id, 2, "stored");
    store_finished(&finished);
    expect_result(id, "\"stdOutput\":\"stored\"");
    expect_result(id, "{\"code\":\"print(1)\",\"lang\":\"python\",\"stdInput\":\"in\"");
}
END_TEST

START_TEST(tests_and_files_come_from_mongodb_too) {
    static const rl_test_result results[] = {{.verdict = RL_VERDICT_OK, .out = {{"1\n", 2}, false}},
                                             {.skipped = RL_TEST_SKIP_TIME_BUDGET}};
    static const rl_file fetched[] = {{.path = "out", .content = {"\xff", 1}},
                                      {.path = "gone", .problem = "not found"}};
    char id[RL_ID_SIZE];
    issue_id(api.secret, 600 * RL_US_PER_S, id);
    rl_finished finished = make_finished(id, 2, "stored");
    finished.tests = results;
    finished.test_count = 2;
    finished.fetched = fetched;
    finished.fetched_count = 2;
    store_finished(&finished);
    expect_result(id, "\"tests\":[{\"verdict\":\"OK\",");
    expect_result(
        id,
        "\"skipped\":\"TIME_BUDGET\"}],\"testsPassed\":1,\"files\":[{\"path\":\"out\",\"content\":\"/w==\"},"
        "{\"path\":\"gone\",\"content\":\"\",\"problem\":\"not found\"}],");
}
END_TEST

START_TEST(a_deleted_submission_is_404) {
    char id[RL_ID_SIZE];
    issue_id(api.secret, 600 * RL_US_PER_S, id);
    store_deleted(id);
    expect_answer(id, 404, NOT_FOUND);
}
END_TEST

START_TEST(a_restart_forgets_nothing) {
    char id[RL_ID_SIZE];
    char pending[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    submit(&api, PROGRAM, pending);
    const rl_finished finished = make_finished(id, 0, "before");
    publish_finished(&finished);
    expect_result(id, "\"stdOutput\":\"before\"");
    api_signal(&api, 9);
    ck_assert_int_eq(api_await_end(&api), -1);
    api_restart(&api, NULL);
    api_await_ready(&api);
    expect_result(id, "\"stdOutput\":\"before\"");
    expect_answer(pending, 200, PENDING);
}
END_TEST

/* As after the loss of a runner whose result was stored already: its successor's result comes second. */
START_TEST(a_second_result_that_is_read_after_a_restart_is_not_the_answer) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    rl_finished finished = make_finished(id, 0, "first");
    publish_finished(&finished);
    expect_result(id, "\"stdOutput\":\"first\"");
    store_finished(&finished);
    commit_results();
    api_signal(&api, 15);
    ck_assert_int_eq(api_await_end(&api), 0);
    finished = make_finished(id, 0, "second");
    publish_finished(&finished);
    api_restart(&api, NULL);
    api_await_ready(&api);
    ck_assert_int_ge(metric(&api, "\nrunlog_api_tail_records_total "), 1);
    expect_result(id, "\"stdOutput\":\"first\"");
}
END_TEST

/* Everything before the sink's offsets is read from MongoDB, even if it is only on the log. */
START_TEST(the_tail_begins_where_the_sink_has_committed) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    const rl_finished finished = make_finished(id, 0, "committed");
    publish_finished(&finished);
    expect_result(id, "\"stdOutput\":\"committed\"");
    commit_results();
    store_finished(&finished);
    api_signal(&api, 15);
    ck_assert_int_eq(api_await_end(&api), 0);
    api_restart(&api, NULL);
    api_await_ready(&api);
    ck_assert_int_eq(metric(&api, "\nrunlog_api_tail_records_total "), 0);
    expect_result(id, "\"stdOutput\":\"committed\"");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: results");
    TCase *tests = tcase_create("from log and database");
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_submission_is_pending_then_completed);
    tcase_add_test(tests, ids_that_were_never_issued_are_404);
    tcase_add_test(tests, a_forged_id_is_404);
    tcase_add_test(tests, an_escaped_id_is_the_same_id);
    tcase_add_test(tests, an_id_past_retention_is_404);
    tcase_add_test(tests, what_no_runner_read_in_time_has_expired);
    tcase_add_test(tests, the_first_of_a_generation_wins_and_a_higher_one_replaces);
    tcase_add_test(tests, output_that_is_no_text_comes_flagged_or_in_base64);
    tcase_add_test(tests, a_result_tells_the_trace_of_its_submission);
    tcase_add_test(tests, a_result_from_mongodb_tells_it_too);
    tcase_add_test(tests, what_is_no_trace_in_a_record_is_no_header);
    tcase_add_test(tests, a_bad_wait_is_400);
    tcase_add_test(tests, a_wait_ends_with_its_time);
    tcase_add_test(tests, all_who_wait_are_woken_by_the_result);
    tcase_add_test(tests, a_client_that_leaves_frees_its_thread);
    tcase_add_test(tests, waiting_never_takes_all_threads);
    tcase_add_test(tests, a_large_result_comes_whole);
    tcase_add_test(tests, records_that_cannot_be_read_are_skipped);
    tcase_add_test(tests, old_results_come_from_mongodb);
    tcase_add_test(tests, tests_and_files_come_from_mongodb_too);
    tcase_add_test(tests, a_deleted_submission_is_404);
    tcase_add_test(tests, a_restart_forgets_nothing);
    tcase_add_test(tests, a_second_result_that_is_read_after_a_restart_is_not_the_answer);
    tcase_add_test(tests, the_tail_begins_where_the_sink_has_committed);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
