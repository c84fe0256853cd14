/* What POST /api/submit accepts, refuses, and says about it. */
#include "services/api/submission_in.h"

#include <stdio.h>

#include "suite.h"

static rl_manifests *manifests;
static rl_submission_in in;
static rl_buffer problem;

static void set_up(void) {
    rl_error err = RL_ERROR_INIT;
    manifests = rl_manifests_load(RL_SOURCE_DIR "/languages", NULL, &err);
    ck_assert_msg(manifests != NULL, "%s", err.message);
    rl_buffer_init(&problem, 4096);
}

static void tear_down(void) {
    rl_submission_in_free(&in);
    rl_buffer_free(&problem);
    rl_manifests_free(manifests);
}

static void accept_bytes(const char *body, size_t size) {
    ck_assert_msg(rl_submission_in_parse(rl_bytes_make(body, size), manifests, &in, &problem), "refused: %s",
                  problem.data);
}

static void accept_text(const char *body) {
    accept_bytes(body, strlen(body));
}

static void refuse_bytes(const char *body, size_t size, const char *expected) {
    ck_assert(!rl_submission_in_parse(rl_bytes_make(body, size), manifests, &in, &problem));
    ck_assert_msg(strstr(problem.data, expected) != NULL, "expected \"%s\" in: %s", expected, problem.data);
    rl_buffer_free(&problem);
}

static void refuse(const char *body, const char *expected) {
    refuse_bytes(body, strlen(body), expected);
}

static void expect_bytes(rl_bytes seen, const char *expected, size_t size) {
    ck_assert_uint_eq(seen.size, size);
    ck_assert_mem_eq(seen.data, expected, size);
}

START_TEST(code_and_language_are_enough) {
    accept_text("{\"code\":\"print(1)\",\"lang\":\"python\"}");
    expect_bytes(in.submission.source, "print(1)", 8);
    ck_assert_str_eq(in.submission.lang, "python");
    ck_assert_uint_eq(in.submission.input.size, 0);
    ck_assert_int_gt(in.submission.limits.run.cpu_us, 0);
}
END_TEST

START_TEST(an_alias_is_recorded_by_its_language) {
    accept_text("{\"code\":\"1\",\"lang\":\"py\"}");
    ck_assert_str_eq(in.submission.lang, "python");
}
END_TEST

START_TEST(missing_null_or_empty_code_or_lang_is_the_known_complaint) {
    const char *bodies[] = {"",
                            " \r\n\t",
                            "{}",
                            "{\"code\":\"x\"}",
                            "{\"lang\":\"python\"}",
                            "{\"code\":\"\",\"lang\":\"python\"}",
                            "{\"code\":\"x\",\"lang\":\"\"}",
                            "{\"code\":null,\"lang\":\"python\"}",
                            "{\"code\":\"x\",\"lang\":null}"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        ck_assert(!rl_submission_in_parse(rl_bytes_of(bodies[i]), manifests, &in, &problem));
        ck_assert_str_eq(problem.data, "Code and language are required");
        rl_buffer_free(&problem);
    }
}
END_TEST

START_TEST(nul_crlf_and_emoji_arrive_exactly) {
    accept_text("{\"code\":\"a\\u0000b\\r\\nc\\ud83d\\ude00\xf0\x9f\x98\x80\",\"lang\":\"c\",\"stdInput\":"
                "\"\\u0000\\r\\n\"}");
    expect_bytes(in.submission.source, "a\0b\r\nc\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 14);
    expect_bytes(in.submission.input, "\0\r\n", 3);
}
END_TEST

START_TEST(null_and_empty_input_are_no_input) {
    accept_text("{\"code\":\"x\",\"lang\":\"c\",\"stdInput\":null}");
    ck_assert_uint_eq(in.submission.input.size, 0);
}
END_TEST

START_TEST(unknown_fields_are_ignored_whatever_they_hold) {
    accept_text("{\"code\":\"x\",\"lang\":\"c\",\"x\":[1,{\"y\":123456789012345678901234567890}]}");
}
END_TEST

START_TEST(wrong_types_name_the_field) {
    refuse("{\"code\":5,\"lang\":\"python\"}", "\"code\" must be a string, not a number");
    refuse("{\"code\":\"x\",\"lang\":[]}", "\"lang\" must be a string, not an array");
    refuse("{\"code\":\"x\",\"lang\":\"c\",\"stdInput\":{}}", "\"stdInput\" must be a string, not an object");
    refuse("{\"code\":true,\"lang\":\"c\"}", "\"code\" must be a string, not a boolean");
}
END_TEST

START_TEST(a_body_that_is_no_object_is_refused) {
    refuse("[]", "must be a JSON object, not an array");
    refuse("\"x\"", "must be a JSON object, not a string");
    refuse("3", "must be a JSON object, not a number");
    refuse("null", "must be a JSON object, not null");
}
END_TEST

START_TEST(an_unknown_language_is_told_the_known_ones) {
    refuse("{\"code\":\"x\",\"lang\":\"cobol\"}", "Unknown language \"cobol\"; known: bash, c, cpp, java");
}
END_TEST

START_TEST(malformed_json_says_line_and_column) {
    refuse("{\"code\": \"x\",\n \"lang\" \"c\"}", "line 2, column");
    refuse("{\"code\"", "line 1, column");
    refuse("{} x", "line 1, column");
    refuse("{'code':1}", "line 1, column");
}
END_TEST

START_TEST(lone_surrogates_and_ill_formed_utf8_are_refused) {
    refuse("{\"code\":\"\\ud800\",\"lang\":\"c\"}", "Malformed JSON");
    refuse("{\"code\":\"\\udc00x\",\"lang\":\"c\"}", "Malformed JSON");
    refuse("{\"code\":\"\xff\",\"lang\":\"c\"}", "Malformed JSON");
    refuse("{\"code\":\"\xed\xa0\x80\",\"lang\":\"c\"}", "Malformed JSON");
    refuse("{\"code\":\"\xc0\xaf\",\"lang\":\"c\"}", "Malformed JSON");
}
END_TEST

START_TEST(deep_nesting_is_refused_before_it_is_parsed) {
    char body[100000];
    memset(body, '[', sizeof(body));
    refuse_bytes(body, sizeof(body), "nested too deeply (more than 32 levels) at line 1, column 33");
}
END_TEST

START_TEST(too_many_values_are_refused_before_they_are_parsed) {
    rl_buffer body;
    rl_buffer_init(&body, SIZE_MAX / 4);
    ck_assert(rl_buffer_append_text(&body, "{\"code\":\"x\",\"lang\":\"c\",\"x\":["));
    for (int i = 0; i < 200000; i++) {
        ck_assert(rl_buffer_append_text(&body, "0,"));
    }
    refuse_bytes(body.data, body.size, "too many values");
    rl_buffer_free(&body);
}
END_TEST

START_TEST(brackets_inside_strings_do_not_count) {
    char body[5000];
    char code[2000];
    memset(code, '[', sizeof(code) - 1);
    code[sizeof(code) - 1] = '\0';
    (void)snprintf(body, sizeof(body), "{\"lang\":\"c\",\"code\":\"\\\"%s\"}", code);
    accept_text(body);
    ck_assert_uint_eq(in.submission.source.size, 2000);
}
END_TEST

START_TEST(an_unfinished_string_or_escape_at_the_end_is_no_trap) {
    refuse("{\"code", "Malformed JSON");
    refuse("{\"code\\", "Malformed JSON");
    refuse("\"", "Malformed JSON");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("submission_in");
    TCase *tests = tcase_create("bodies");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, code_and_language_are_enough);
    tcase_add_test(tests, an_alias_is_recorded_by_its_language);
    tcase_add_test(tests, missing_null_or_empty_code_or_lang_is_the_known_complaint);
    tcase_add_test(tests, nul_crlf_and_emoji_arrive_exactly);
    tcase_add_test(tests, null_and_empty_input_are_no_input);
    tcase_add_test(tests, unknown_fields_are_ignored_whatever_they_hold);
    tcase_add_test(tests, wrong_types_name_the_field);
    tcase_add_test(tests, a_body_that_is_no_object_is_refused);
    tcase_add_test(tests, an_unknown_language_is_told_the_known_ones);
    tcase_add_test(tests, malformed_json_says_line_and_column);
    tcase_add_test(tests, lone_surrogates_and_ill_formed_utf8_are_refused);
    tcase_add_test(tests, deep_nesting_is_refused_before_it_is_parsed);
    tcase_add_test(tests, too_many_values_are_refused_before_they_are_parsed);
    tcase_add_test(tests, brackets_inside_strings_do_not_count);
    tcase_add_test(tests, an_unfinished_string_or_escape_at_the_end_is_no_trap);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
