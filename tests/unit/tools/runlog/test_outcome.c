/* What a result says by its exit status and its line, and languages by the ending of a file. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tools/runlog/outcome.h"
#include "tools/runlog/program.h"

static json_t *result_of(const char *text) {
    json_error_t where;
    json_t *result = json_loads(text, 0, &where);
    ck_assert_msg(result != NULL, "%s: %s", text, where.text);
    return result;
}

static int status_of(const char *text) {
    RL_AUTO_JSON json_t *result = result_of(text);
    return rl_outcome_status(result);
}

START_TEST(a_program_keeps_its_exit_code_and_a_signal_is_the_shells) {
    ck_assert_int_eq(status_of("{\"verdict\":\"OK\",\"exitCode\":0,\"signal\":null}"), 0);
    ck_assert_int_eq(status_of("{\"verdict\":\"RUNTIME_ERROR\",\"exitCode\":7,\"signal\":null}"), 7);
    ck_assert_int_eq(status_of("{\"verdict\":\"RUNTIME_ERROR\",\"exitCode\":null,\"signal\":11}"), 139);
    ck_assert_int_eq(status_of("{\"verdict\":\"OK\",\"exitCode\":null,\"signal\":null}"),
                     125); /* not a program's */
}
END_TEST

START_TEST(verdicts_of_runlogs_have_statuses_of_their_own) {
    ck_assert_int_eq(status_of("{\"verdict\":\"TIME_LIMIT\",\"exitCode\":null,\"signal\":9}"), 124);
    ck_assert_int_eq(status_of("{\"verdict\":\"COMPILE_ERROR\",\"exitCode\":1}"), 120);
    ck_assert_int_eq(status_of("{\"verdict\":\"NEWER_THAN_THIS\"}"), 117);
    static const char *const verdicts[] = {"SYSTEM_ERROR", "CANCELLED",    "WRONG_ANSWER",  "COMPILE_ERROR",
                                           "MEMORY_LIMIT", "OUTPUT_LIMIT", "PROCESS_LIMIT", "TIME_LIMIT"};
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "%d  %s", rl_outcome_verdict_status(verdicts[i]), verdicts[i]);
        ck_assert_msg(strstr(RL_OUTCOME_STATUS_HELP, line) != NULL, "the help has no \"%s\"", line);
    }
}
END_TEST

START_TEST(the_line_says_verdict_limit_and_cost) {
    RL_AUTO_JSON json_t *result =
        result_of("{\"verdict\":\"TIME_LIMIT\",\"limitHit\":\"CPU_TIME\",\"exitCode\":null,\"signal\":9,"
                  "\"cpuMs\":2003.4,\"wallMs\":2101,\"memoryKb\":9120,\"truncated\":true}");
    char line[512];
    rl_outcome_line(result, line, sizeof line);
    ck_assert_str_eq(line, "TIME_LIMIT (CPU_TIME), signal 9, 2003 ms CPU, 2101 ms elapsed, 9120 KiB; "
                           "its output is cut at its limit");
    ck_assert(rl_outcome_needs_line(result));
}
END_TEST

START_TEST(bytes_come_out_as_the_program_wrote_them) {
    RL_AUTO_JSON json_t *result = result_of("{\"stdOutput\":\"AP8K\",\"stdError\":\"\"}");
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_outcome_write(result, out, out, &err), "%s", err.message);
    (void)fclose(out);
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(text, "\0\xff\n", 3);
    free(text);
}
END_TEST

START_TEST(a_language_is_found_by_name_alias_and_ending) {
    RL_AUTO_JSON json_t *languages =
        result_of("{\"languages\":[{\"name\":\"python\",\"aliases\":[\"python3\",\"py\"]},"
                  "{\"name\":\"cpp\",\"aliases\":[\"c++\"]},{\"name\":\"r\"}]}");
    static const char *const pairs[][2] = {
        {"main.py", "python"}, {"a/b.c/x.CC", "cpp"}, {"x.cpp", "cpp"}, {"plot.R", "r"}};
    rl_error err = RL_ERROR_INIT;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const char *found = rl_program_language(languages, pairs[i][0], &err);
        ck_assert_msg(found != NULL, "%s: %s", pairs[i][0], err.message);
        ck_assert_str_eq(found, pairs[i][1]);
    }
    static const char *const unknown[] = {"Makefile", "a.py/x", "x.zig", "x."};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        ck_assert_ptr_null(rl_program_language(languages, unknown[i], &err));
        ck_assert_msg(strstr(err.message, "--lang") != NULL, "%s", err.message);
    }
}
END_TEST

RL_SUITE("tools/runlog/outcome", a_program_keeps_its_exit_code_and_a_signal_is_the_shells,
         verdicts_of_runlogs_have_statuses_of_their_own, the_line_says_verdict_limit_and_cost,
         bytes_come_out_as_the_program_wrote_them, a_language_is_found_by_name_alias_and_ending)
