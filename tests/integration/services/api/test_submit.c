/* POST /api/submit: what is answered, and what stands on the log afterwards. */
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/trace.h"
#include "suite.h"

static api_process api;

static void set_up(void) {
    topics_ready();
    api_start_ready(&api, NULL);
}

static void tear_down(void) {
    api_stop(&api);
}

static void post(rl_bytes body, answer *ret) {
    ask(&api, "POST", "/api/submit", body, ret);
}

static void expect_refusal(const char *body, int status, const char *expected) {
    answer a;
    post(rl_bytes_of(body), &a);
    expect_body(&a, status, expected);
    answer_free(&a);
}

START_TEST(an_accepted_submission_is_on_the_log_byte_for_byte) {
    char id[RL_ID_SIZE];
    char trace[64];
    rl_submission seen;
    rl_arena *arena = rl_arena_new(1 << 20);
    submit(&api,
           "{\"code\":\"print(\\\"a\\n\\u0000\\r\\n\xf0\x9f\x98\x80\\\")\",\"lang\":\"py\",\"stdInput\":"
           "\"x\\u0000y\"}",
           id);
    read_submission(api.secret, id, arena, &seen, trace);
    ck_assert_str_eq(seen.id, id);
    ck_assert_str_eq(seen.lang, "python");
    ck_assert(rl_bytes_equal(seen.source, rl_bytes_make("print(\"a\n\0\r\n\xf0\x9f\x98\x80\")", 18)));
    ck_assert(rl_bytes_equal(seen.input, rl_bytes_make("x\0y", 3)));
    ck_assert_int_eq(seen.generation, 0);
    ck_assert_int_eq(seen.deadline_us - seen.created_us, 3600 * RL_US_PER_S);
    ck_assert_int_gt(seen.limits.run.cpu_us, 0);
    ck_assert(rl_trace_is_valid(rl_bytes_of(trace))); /* one of the API's own */
    ck_assert_str_eq(seen.traceparent, trace);
    rl_arena_free(arena);
}
END_TEST

START_TEST(the_lane_is_in_the_id_and_says_which_topic) {
    rl_error err = RL_ERROR_INIT;
    char id[RL_ID_SIZE];
    char trace[64];
    rl_id_parts parts;
    rl_submission seen;
    rl_arena *arena = rl_arena_new(1 << 20);
    rl_id_keys *keys = rl_id_keys_load(api.secret, &err);
    ck_assert_msg(keys != NULL, "%s", err.message);
    submit(&api, "{\"code\":\"print(1)\",\"lang\":\"py\",\"lane\":\"batch\"}", id);
    ck_assert(rl_id_verify(keys, id, &parts));
    ck_assert_int_eq(parts.lane, RL_LANE_BATCH);
    read_submission(api.secret, id, arena, &seen, trace); /* where the id says */
    ck_assert_str_eq(seen.id, id);
    expect_refusal("{\"code\":\"print(1)\",\"lang\":\"py\",\"lane\":\"replay\"}", 400,
                   "{\"error\":\"Field \\\"lane\\\" must be \\\"interactive\\\" or \\\"batch\\\", not "
                   "\\\"replay\\\"\"}");
    rl_id_keys_free(keys);
    rl_arena_free(arena);
}
END_TEST

START_TEST(tests_files_and_limits_are_on_the_log_byte_for_byte) {
    char id[RL_ID_SIZE];
    char trace[64];
    rl_submission seen;
    rl_arena *arena = rl_arena_new(1 << 20);
    submit(
        &api,
        "{\"lang\":\"c\",\"entryPoint\":\"src/a.c\",\"files\":[{\"path\":\"src/a.c\",\"content\":\"x\"},"
        "{\"path\":\"in\",\"content\":\"AP8K\",\"encoding\":\"base64\",\"format\":\"tar\"}],"
        "\"tests\":[{\"stdin\":\"\\u0000\",\"expectedOutput\":\"\"},{}],\"stopAtFirstFailure\":true,"
        "\"comparison\":{\"mode\":\"numeric\",\"absolute\":0.5},\"fetchFiles\":[\"o/p\"],\"args\":[\"-x\"],"
        "\"compileOptions\":[\"-O0\"],\"limits\":{\"run\":{\"cpuMs\":100}}}",
        id);
    read_submission(api.secret, id, arena, &seen, trace);
    ck_assert_str_eq(seen.entry_point, "src/a.c");
    ck_assert(rl_bytes_equal(seen.source, rl_bytes_of("x")));
    ck_assert_uint_eq(seen.file_count, 1);
    ck_assert_str_eq(seen.files[0].path, "in");
    ck_assert_int_eq(seen.files[0].format, RL_FILE_TAR);
    ck_assert(rl_bytes_equal(seen.files[0].content, rl_bytes_make("\0\xff\n", 3)));
    ck_assert_uint_eq(seen.test_count, 2);
    ck_assert(rl_bytes_equal(seen.tests[0].input, rl_bytes_make("\0", 1)));
    ck_assert(seen.tests[0].has_expected && !seen.tests[1].has_expected && seen.stop_at_first_failure);
    ck_assert_int_eq(seen.comparison.mode, RL_COMPARE_NUMERIC);
    ck_assert_double_eq(seen.comparison.absolute, 0.5);
    ck_assert_uint_eq(seen.fetch_file_count, 1);
    ck_assert_str_eq(seen.args[0], "-x");
    ck_assert_str_eq(seen.compile_options[0], "-O0");
    ck_assert_int_eq(seen.limits.run.cpu_us, 100000);
    ck_assert_int_eq(seen.limits.run.wall_us, 2200000);
    rl_arena_free(arena);
}
END_TEST

/* The value of the answer's header traceparent. */
static void told_trace(const answer *a, char ret[RL_TRACEPARENT_SIZE]) {
    const char *at = strstr(a->head, "\r\ntraceparent: ");
    ck_assert_msg(at != NULL, "no traceparent in %s", a->head);
    ck_assert_int_eq(sscanf(at, "\r\ntraceparent: %55s", ret), 1);
}

START_TEST(a_trace_goes_on_in_the_record_its_header_and_the_answer) {
#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-"
#define PARENT "00f067aa0ba902b7"
    const int fd = api_connect(&api);
    answer a;
    char id[RL_ID_SIZE];
    char trace[64];
    char told[RL_TRACEPARENT_SIZE];
    rl_submission seen;
    rl_arena *arena = rl_arena_new(1 << 20);
    send_text(fd, "POST /api/submit HTTP/1.1\r\nHost: x\r\nTraceparent: " TRACE PARENT "-01"
                  "\r\nContent-Length: 25\r\n\r\n{\"code\":\"1\",\"lang\":\"cpp\"}");
    read_answer(fd, &a, false);
    expect_status(&a, 201);
    const char *at = strstr(a.body.data, "codeSubmissionId\":\"");
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(sscanf(at, "codeSubmissionId\":\"%40[^\"]", id), 1);
    read_submission(api.secret, id, arena, &seen, trace);
    told_trace(&a, told);
    ck_assert_str_eq(seen.traceparent, trace);
    ck_assert_str_eq(told, trace);
    ck_assert_int_eq(strncmp(trace, TRACE, sizeof(TRACE) - 1), 0);
    ck_assert_int_ne(strncmp(trace + sizeof(TRACE) - 1, PARENT, sizeof(PARENT) - 1), 0);
    ck_assert_str_eq(trace + 52, "-01");
    rl_arena_free(arena);
    answer_free(&a);
    close(fd);
}
END_TEST

/* A header that is not valid, or that comes twice, is none. */
START_TEST(a_trace_that_cannot_be_gone_on_with_is_replaced) {
    static const char *const headers[] = {
        "Traceparent: " TRACE "0000000000000000-01\r\n",
        "Traceparent: " TRACE PARENT "-01-more\r\n",
        "Traceparent: " TRACE PARENT "-01\r\ntraceparent: " TRACE PARENT "-01\r\n",
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        const int fd = api_connect(&api);
        answer a;
        char told[RL_TRACEPARENT_SIZE];
        send_text(fd, "POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n");
        send_text(fd, headers[i]);
        send_text(fd, "\r\n{}");
        read_answer(fd, &a, false);
        expect_status(&a, 400);
        told_trace(&a, told);
        ck_assert(rl_trace_is_valid(rl_bytes_of(told)));
        ck_assert_msg(strncmp(told, TRACE, sizeof(TRACE) - 1) != 0, "%s gave %s", headers[i], told);
        answer_free(&a);
        close(fd);
    }
}
END_TEST

START_TEST(missing_code_or_language_is_the_known_complaint) {
    static const char expected[] = "{\"error\":\"Code and language are required\"}";
    expect_refusal("", 400, expected);
    expect_refusal("{}", 400, expected);
    expect_refusal("{\"code\":\"\",\"lang\":\"python\"}", 400, expected);
    expect_refusal("{\"code\":\"x\",\"lang\":null}", 400, expected);
    answer a;
    ask(&api, "POST", "/api/submit", rl_bytes_make(NULL, 0), &a);
    expect_body(&a, 400, expected);
    answer_free(&a);
}
END_TEST

START_TEST(an_unknown_language_is_told_the_known_ones) {
    answer a;
    post(rl_bytes_of("{\"code\":\"x\",\"lang\":\"klingon\"}"), &a);
    expect_status(&a, 400);
    expect_in_body(&a, "{\"error\":\"Unknown language \\\"klingon\\\"; known: ");
    expect_in_body(&a, ", cpp, ");
    answer_free(&a);
}
END_TEST

START_TEST(a_wrong_type_names_its_field) {
    expect_refusal("{\"code\":1,\"lang\":\"c\"}", 400,
                   "{\"error\":\"Field \\\"code\\\" must be a string, not a number\"}");
    expect_refusal("{\"code\":\"1\",\"lang\":\"c\",\"tests\":[{},{\"stdin\":1}]}", 400,
                   "{\"error\":\"Field \\\"tests[1].stdin\\\" must be a string, not a number\"}");
}
END_TEST

START_TEST(malformed_json_says_where) {
    answer a;
    post(rl_bytes_of("{\"code\":\n  oops}"), &a);
    expect_status(&a, 400);
    expect_in_body(&a, "{\"error\":\"Malformed JSON at line 2, column ");
    answer_free(&a);
    post(rl_bytes_of("{\"code\":\"\xff\",\"lang\":\"c\"}"), &a);
    expect_status(&a, 400);
    answer_free(&a);
    post(rl_bytes_of("{\"code\":\"\\ud800\",\"lang\":\"c\"}"), &a);
    expect_status(&a, 400);
    answer_free(&a);
}
END_TEST

/* The server's threads have small stacks. */
START_TEST(deep_nesting_harms_nobody) {
    rl_buffer body;
    rl_buffer_init(&body, SIZE_MAX / 4);
    for (int i = 0; i < 2000000; i++) {
        ck_assert(rl_buffer_append(&body, "[", 1));
    }
    answer a;
    post(rl_buffer_bytes(&body), &a);
    expect_status(&a, 400);
    expect_in_body(&a, "nested too deeply");
    answer_free(&a);
    rl_buffer_free(&body);
}
END_TEST

/* {"code":"1","lang":"c","stdInput":"<count times unit>"} */
static void make_body(rl_buffer *body, const char *unit, size_t count) {
    rl_buffer_init(body, SIZE_MAX / 4);
    ck_assert(rl_buffer_append_text(body, "{\"code\":\"1\",\"lang\":\"c\",\"stdInput\":\""));
    for (size_t i = 0; i < count; i++) {
        ck_assert(rl_buffer_append_text(body, unit));
    }
    ck_assert(rl_buffer_append_text(body, "\"}"));
}

START_TEST(a_megabyte_of_input_passes_even_when_escapes_blow_it_up) {
    rl_buffer body;
    make_body(&body, "\\u0000", (size_t)1 << 20);
    answer a;
    post(rl_buffer_bytes(&body), &a);
    expect_status(&a, 201);
    char id[RL_ID_SIZE];
    char trace[64];
    rl_submission seen;
    rl_arena *arena = rl_arena_new((size_t)16 << 20);
    ck_assert_int_eq(sscanf(strstr(a.body.data, "Id\":\""), "Id\":\"%40[^\"]", id), 1);
    read_submission(api.secret, id, arena, &seen, trace);
    ck_assert_uint_eq(seen.input.size, (size_t)1 << 20);
    rl_arena_free(arena);
    answer_free(&a);
    rl_buffer_free(&body);
}
END_TEST

START_TEST(a_submission_over_4_mib_is_413) {
    rl_buffer body;
    make_body(&body, "0123456789abcdef", ((size_t)5 << 20) / 16);
    answer a;
    post(rl_buffer_bytes(&body), &a);
    expect_body(&a, 413, "{\"error\":\"Submission too large: at most 4194304 bytes\"}");
    answer_free(&a);
    rl_buffer_free(&body);
}
END_TEST

START_TEST(ids_differ_and_name_their_partitions) {
    char a[RL_ID_SIZE];
    char b[RL_ID_SIZE];
    submit(&api, "{\"code\":\"1\",\"lang\":\"c\"}", a);
    submit(&api, "{\"code\":\"1\",\"lang\":\"c\"}", b);
    ck_assert_str_ne(a, b);
    ck_assert(rl_id_has_form(rl_bytes_of(a)));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: submit");
    TCase *tests = tcase_create("to the log");
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, an_accepted_submission_is_on_the_log_byte_for_byte);
    tcase_add_test(tests, the_lane_is_in_the_id_and_says_which_topic);
    tcase_add_test(tests, tests_files_and_limits_are_on_the_log_byte_for_byte);
    tcase_add_test(tests, a_trace_goes_on_in_the_record_its_header_and_the_answer);
    tcase_add_test(tests, a_trace_that_cannot_be_gone_on_with_is_replaced);
    tcase_add_test(tests, missing_code_or_language_is_the_known_complaint);
    tcase_add_test(tests, an_unknown_language_is_told_the_known_ones);
    tcase_add_test(tests, a_wrong_type_names_its_field);
    tcase_add_test(tests, malformed_json_says_where);
    tcase_add_test(tests, deep_nesting_harms_nobody);
    tcase_add_test(tests, a_megabyte_of_input_passes_even_when_escapes_blow_it_up);
    tcase_add_test(tests, a_submission_over_4_mib_is_413);
    tcase_add_test(tests, ids_differ_and_name_their_partitions);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
