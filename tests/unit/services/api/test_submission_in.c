/* What POST /api/submit accepts, refuses, and says about it. */
#include "submission_fixture.h"

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

START_TEST(the_lane_is_interactive_unless_the_request_says_batch) {
    accept_text("{\"code\":\"1\",\"lang\":\"py\"}");
    ck_assert_int_eq(in.lane, RL_LANE_INTERACTIVE);
    accept_text("{\"code\":\"1\",\"lang\":\"py\",\"lane\":null}");
    ck_assert_int_eq(in.lane, RL_LANE_INTERACTIVE);
    accept_text("{\"code\":\"1\",\"lang\":\"py\",\"lane\":\"interactive\"}");
    ck_assert_int_eq(in.lane, RL_LANE_INTERACTIVE);
    accept_text("{\"code\":\"1\",\"lang\":\"py\",\"lane\":\"batch\"}");
    ck_assert_int_eq(in.lane, RL_LANE_BATCH);
}
END_TEST

START_TEST(any_other_lane_is_refused_with_the_known_ones) {
    refuse("{\"code\":\"1\",\"lang\":\"py\",\"lane\":\"replay\"}",
           "\"lane\" must be \"interactive\" or \"batch\", not \"replay\"");
    refuse("{\"code\":\"1\",\"lang\":\"py\",\"lane\":\"\"}", "\"lane\" must be \"interactive\" or \"batch\"");
    refuse("{\"code\":\"1\",\"lang\":\"py\",\"lane\":1}", "\"lane\" must be a string, not a number");
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
        ck_assert(!rl_submission_in_parse(rl_bytes_of(bodies[i]), manifests, &maxima, &in, &problem));
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
    const char *body = "{\"code\":\"x\",\"lang\":\"klingon\"}";
    refuse(body, "Unknown language \"klingon\"; known: ");
    refuse(body, ", cpp, ");
    refuse(body, ", python, ");
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

SUBMISSION_SUITE("submission_in", code_and_language_are_enough, an_alias_is_recorded_by_its_language,
                 the_lane_is_interactive_unless_the_request_says_batch,
                 any_other_lane_is_refused_with_the_known_ones,
                 missing_null_or_empty_code_or_lang_is_the_known_complaint, nul_crlf_and_emoji_arrive_exactly,
                 null_and_empty_input_are_no_input, unknown_fields_are_ignored_whatever_they_hold,
                 wrong_types_name_the_field, a_body_that_is_no_object_is_refused,
                 an_unknown_language_is_told_the_known_ones, malformed_json_says_line_and_column,
                 lone_surrogates_and_ill_formed_utf8_are_refused, deep_nesting_is_refused_before_it_is_parsed,
                 too_many_values_are_refused_before_they_are_parsed, brackets_inside_strings_do_not_count,
                 an_unfinished_string_or_escape_at_the_end_is_no_trap)
