#include "services/api/result_out.h"
#include "suite.h"

static const rl_submission submission = {
    .id = "id",
    .tenant = "",
    .lang = "python",
    .source = {"print(\"a\\n\")", 12},
    .input = {"in\0put", 6},
    .entry_point = "",
    .limits = {.compile = {1000000, 4000000, 1024},
               .run = {2000000, 6000000, 2048},
               .output_bytes = 3,
               .file_bytes = 4,
               .stack_bytes = 5,
               .processes = 6,
               .open_files = 7},
};

static rl_finished finished(void) {
    return (rl_finished){.id = "id",
                         .attempt = 1,
                         .runner = "r",
                         .verdict = RL_VERDICT_OK,
                         .message = "",
                         .has_exit_code = true,
                         .out = {{"a\n", 2}, false},
                         .cpu_us = 12345,
                         .wall_us = 20001,
                         .memory_bytes = 10240,
                         .submission = &submission,
                         .image_digest = "",
                         .queued_us = INT64_C(1767323045678901),
                         .started_us = INT64_C(1767323046000000),
                         .finished_us = INT64_C(1767323047000000)};
}

static char *answer(const rl_finished *value, bool base64) {
    rl_buffer out;
    rl_buffer_init(&out, 1 << 20);
    ck_assert(rl_result_out(value, base64, &out));
    return out.data;
}

static void expect_part(const rl_finished *value, bool base64, const char *part) {
    char *text = answer(value, base64);
    ck_assert_msg(strstr(text, part) != NULL, "expected %s in %s", part, text);
    free(text);
}

START_TEST(the_whole_answer_is_as_written_here) {
    const rl_finished value = finished();
    char *text = answer(&value, false);
    ck_assert_str_eq(
        text,
        "{\"code\":\"print(\\\"a\\\\n\\\")\",\"lang\":\"python\",\"stdInput\":\"in\\u0000put\","
        "\"stdOutput\":\"a\\n\",\"stdError\":\"\",\"status\":\"completed\",\"verdict\":\"OK\",\"exitCode\":0,"
        "\"signal\":null,\"compileOutput\":\"\",\"cpuMs\":12.345,\"wallMs\":20.001,\"memoryKb\":10,"
        "\"truncated\":false,\"limitHit\":null,\"tests\":[],\"testsPassed\":0,\"files\":[],\"attempt\":1,"
        "\"generation\":0,"
        "\"queuedAt\":\"2026-01-02T03:04:05.678901Z\",\"startedAt\":\"2026-01-02T03:04:06.000000Z\","
        "\"finishedAt\":\"2026-01-02T03:04:07.000000Z\","
        "\"limits\":{\"compile\":{\"cpuMs\":1000,\"wallMs\":4000,\"memoryKb\":1},"
        "\"run\":{\"cpuMs\":2000,\"wallMs\":6000,\"memoryKb\":2},\"outputBytes\":3,\"fileBytes\":4,"
        "\"stackBytes\":5,\"processes\":6,\"openFiles\":7},\"outputEncodingReplaced\":false}");
    free(text);
}
END_TEST

START_TEST(a_compile_error_shows_the_compiler_in_std_error) {
    rl_finished value = finished();
    value.verdict = RL_VERDICT_COMPILE_ERROR;
    value.compile = (rl_output){{"main.c:1: error", 15}, false};
    expect_part(&value, false, "\"stdError\":\"main.c:1: error\"");
    expect_part(&value, false, "\"compileOutput\":\"main.c:1: error\"");
}
END_TEST

START_TEST(a_signal_has_no_exit_code) {
    rl_finished value = finished();
    value.verdict = RL_VERDICT_RUNTIME_ERROR;
    value.has_exit_code = false;
    value.has_signal = true;
    value.signal = 11;
    expect_part(&value, false, "\"exitCode\":null,\"signal\":11");
}
END_TEST

START_TEST(a_limit_that_was_met_is_named) {
    rl_finished value = finished();
    value.limit_hit = RL_LIMIT_CPU_TIME;
    value.err.truncated = true;
    expect_part(&value, false, "\"truncated\":true,\"limitHit\":\"CPU_TIME\"");
}
END_TEST

START_TEST(output_that_is_not_utf8_is_replaced_and_flagged) {
    rl_finished value = finished();
    value.out = (rl_output){{"\xff", 1}, false};
    expect_part(&value, false, "\"stdOutput\":\"\xef\xbf\xbd\"");
    expect_part(&value, false, "\"outputEncodingReplaced\":true");
}
END_TEST

START_TEST(base64_gives_every_stream_whole) {
    rl_finished value = finished();
    value.out = (rl_output){{"\xff", 1}, false};
    value.err = (rl_output){{"e", 1}, false};
    value.compile = (rl_output){{"c", 1}, false};
    expect_part(&value, true,
                "{\"code\":\"cHJpbnQoImFcbiIp\",\"lang\":\"python\",\"stdInput\":\"aW4AcHV0\","
                "\"stdOutput\":\"/w==\",\"stdError\":\"ZQ==\"");
    expect_part(&value, true, "\"compileOutput\":\"Yw==\"");
    expect_part(&value, true, "\"outputEncodingReplaced\":false,\"encoding\":\"base64\"}");
}
END_TEST

START_TEST(an_unknown_submission_leaves_its_fields_empty) {
    rl_finished value = finished();
    value.submission = NULL;
    value.verdict = RL_VERDICT_SYSTEM_ERROR;
    value.message = "the record could not be read";
    expect_part(&value, false, "{\"code\":\"\",\"lang\":\"\",\"stdInput\":\"\",");
    expect_part(&value, false, "\"limits\":null,\"message\":\"the record could not be read\"");
}
END_TEST

START_TEST(what_never_started_has_no_time_of_start) {
    rl_finished value = finished();
    value.started_us = 0;
    expect_part(&value, false, "\"startedAt\":null");
}
END_TEST

START_TEST(tests_are_listed_with_their_verdicts) {
    const rl_test_result test = {
        .verdict = RL_VERDICT_WRONG_ANSWER, .has_exit_code = true, .out = {{"4", 1}, false}, .cpu_us = 1000};
    rl_finished value = finished();
    value.tests = &test;
    value.test_count = 1;
    expect_part(&value, false,
                "\"tests\":[{\"verdict\":\"WRONG_ANSWER\",\"exitCode\":0,\"signal\":null,\"stdOutput\":\"4\","
                "\"stdError\":\"\",\"cpuMs\":1.000,\"wallMs\":0.000,\"memoryKb\":0,\"truncated\":false,"
                "\"limitHit\":null,\"skipped\":null}],\"testsPassed\":0,");
}
END_TEST

START_TEST(a_test_that_was_skipped_has_no_verdict_and_passed_ones_are_counted) {
    const rl_test_result results[] = {{.verdict = RL_VERDICT_OK},
                                      {.verdict = RL_VERDICT_TIME_LIMIT, .limit_hit = RL_LIMIT_CPU_TIME},
                                      {.verdict = RL_VERDICT_OK},
                                      {.verdict = RL_VERDICT_OK, .skipped = RL_TEST_SKIP_TIME_BUDGET}};
    rl_finished value = finished();
    value.tests = results;
    value.test_count = 4;
    expect_part(&value, false, "{\"verdict\":null,\"exitCode\":null,");
    expect_part(&value, false, "\"limitHit\":null,\"skipped\":\"TIME_BUDGET\"}],\"testsPassed\":2,");
}
END_TEST

START_TEST(fetched_files_come_in_base64_and_missing_ones_say_why) {
    const rl_file fetched[] = {{.path = "out.bin", .content = {"\xff\n", 2}},
                               {.path = "empty", .problem = ""},
                               {.path = "gone", .problem = "not found"}};
    rl_finished value = finished();
    value.fetched = fetched;
    value.fetched_count = 3;
    expect_part(
        &value, false,
        "\"files\":[{\"path\":\"out.bin\",\"content\":\"/wo=\"},{\"path\":\"empty\",\"content\":\"\"},"
        "{\"path\":\"gone\",\"content\":\"\",\"problem\":\"not found\"}]");
}
END_TEST

START_TEST(an_expired_submission_is_completed_with_a_system_error) {
    rl_buffer out;
    rl_buffer_init(&out, 1 << 20);
    ck_assert(rl_result_out_expired(INT64_C(1767323045678000), INT64_C(1767333045678000), false, &out));
    ck_assert_ptr_nonnull(strstr(out.data, "\"status\":\"completed\",\"verdict\":\"SYSTEM_ERROR\""));
    ck_assert_ptr_nonnull(strstr(out.data, "\"message\":\"expired in queue\""));
    rl_buffer_free(&out);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("result_out");
    TCase *tests = tcase_create("answers");
    tcase_add_test(tests, the_whole_answer_is_as_written_here);
    tcase_add_test(tests, a_compile_error_shows_the_compiler_in_std_error);
    tcase_add_test(tests, a_signal_has_no_exit_code);
    tcase_add_test(tests, a_limit_that_was_met_is_named);
    tcase_add_test(tests, output_that_is_not_utf8_is_replaced_and_flagged);
    tcase_add_test(tests, base64_gives_every_stream_whole);
    tcase_add_test(tests, an_unknown_submission_leaves_its_fields_empty);
    tcase_add_test(tests, what_never_started_has_no_time_of_start);
    tcase_add_test(tests, tests_are_listed_with_their_verdicts);
    tcase_add_test(tests, a_test_that_was_skipped_has_no_verdict_and_passed_ones_are_counted);
    tcase_add_test(tests, fetched_files_come_in_base64_and_missing_ones_say_why);
    tcase_add_test(tests, an_expired_submission_is_completed_with_a_system_error);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
