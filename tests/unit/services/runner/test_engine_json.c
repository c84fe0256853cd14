#include "services/runner/engine_json.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/suite.h"

START_TEST(the_newest_version_that_both_speak_is_taken) {
    static const struct {
        const char *theirs, *theirs_min, *chosen;
    } cases[] = {
        {"1.41", "1.12", "1.41"}, /* Engine 20.10 */
        {"1.47", "1.24", "1.47"},
        {"1.52", "1.44", "1.47"}, /* Engine 29 */
        {"2.0", "1.44", "1.47"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rl_engine_version theirs;
        snprintf(theirs.api, sizeof theirs.api, "%s", cases[i].theirs);
        snprintf(theirs.api_min, sizeof theirs.api_min, "%s", cases[i].theirs_min);
        char chosen[RL_API_VERSION_SIZE];
        ck_assert(rl_engine_negotiate(&theirs, "1.41", "1.47", chosen, NULL));
        ck_assert_str_eq(chosen, cases[i].chosen);
    }
}
END_TEST

START_TEST(versions_without_overlap_are_fatal_and_named) {
    static const char *const cases[][2] = {
        {"1.40", "1.12"}, {"1.60", "1.48"}, {"new", "1.12"}, {"1.41x", "1.12"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rl_engine_version theirs;
        snprintf(theirs.api, sizeof theirs.api, "%s", cases[i][0]);
        snprintf(theirs.api_min, sizeof theirs.api_min, "%s", cases[i][1]);
        char chosen[RL_API_VERSION_SIZE];
        rl_error err = RL_ERROR_INIT;
        ck_assert(!rl_engine_negotiate(&theirs, "1.41", "1.47", chosen, &err));
        ck_assert_int_eq(err.error_class, RL_FATAL);
        ck_assert_msg(strstr(err.message, cases[i][0]) != NULL, "%s", err.message);
    }
}
END_TEST

START_TEST(times_are_read_with_any_decimals_and_offset) {
    ck_assert_int_eq(rl_engine_parse_time("1970-01-01T00:00:01Z"), 1000000);
    ck_assert_int_eq(rl_engine_parse_time("1970-01-01T00:00:01.5Z"), 1500000);
    ck_assert_int_eq(rl_engine_parse_time("2026-11-23T08:55:41.123456789Z"), INT64_C(1795424141123456));
    ck_assert_int_eq(rl_engine_parse_time("2026-11-23T10:25:41.123456789+01:30"), INT64_C(1795424141123456));
}
END_TEST

START_TEST(what_is_no_time_is_zero) {
    static const char *const cases[] = {"", "0001-01-01T00:00:00Z", "yesterday", "2026-11-23",
                                        "2026-11-23T08:55:41+x"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(rl_engine_parse_time(cases[i]), 0);
    }
    ck_assert_int_eq(rl_engine_parse_time(NULL), 0);
}
END_TEST

START_TEST(a_state_tells_how_a_container_ended) {
    rl_engine_state state;
    ck_assert(rl_engine_parse_state(
        rl_bytes_of(
            "{\"Created\":\"1970-01-01T00:00:01Z\",\"State\":{\"Status\":\"exited\",\"OOMKilled\":true,"
            "\"ExitCode\":137,\"StartedAt\":\"1970-01-01T00:00:01.5Z\",\"FinishedAt\":\"1970-01-01T00:00:"
            "02Z\"}}"),
        &state, NULL));
    ck_assert_int_eq(state.phase, RL_CONTAINER_EXITED);
    ck_assert(state.oom_killed);
    ck_assert_int_eq(state.exit_code, 137);
    ck_assert_int_eq(state.created_us, 1000000);
    ck_assert_int_eq(state.started_us, 1500000);
    ck_assert_int_eq(state.finished_us, 2000000);
}
END_TEST

static int64_t started_us_of(const char *state_json) {
    rl_engine_state state;
    ck_assert(rl_engine_parse_state(rl_bytes_of(state_json), &state, NULL));
    return state.started_us;
}

START_TEST(only_what_the_engine_says_was_not_started_was_not) {
    ck_assert_int_eq(started_us_of("{\"State\":{\"StartedAt\":\"0001-01-01T00:00:00Z\"}}"), 0);
    ck_assert_int_eq(started_us_of("{\"State\":{\"StartedAt\":null}}"), 0);
    ck_assert_int_eq(started_us_of("{\"State\":{}}"), 0);
    static const char *const strange[] = {
        "{\"State\":{\"StartedAt\":\"yesterday\"}}",
        "{\"State\":{\"StartedAt\":\"2026-11-23 08:55:41 UTC\"}}",
        "{\"State\":{\"StartedAt\":1795424141}}",
    };
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        ck_assert_int_eq(started_us_of(strange[i]), RL_ENGINE_TIME_UNKNOWN);
    }
}
END_TEST

START_TEST(a_status_that_is_not_known_counts_as_running) {
    rl_engine_state state;
    ck_assert(rl_engine_parse_state(rl_bytes_of("{\"State\":{\"Status\":\"pondering\"}}"), &state, NULL));
    ck_assert_int_eq(state.phase, RL_CONTAINER_RUNNING);
}
END_TEST

START_TEST(answers_that_are_not_what_they_should_be_are_transient) {
    static const char *const cases[] = {
        "", "not json", "[]", "{}", "null", "{\"Id\":5}", "{\"Id\":\"zz\"}", "{\"State\":[]}"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rl_bytes json = rl_bytes_of(cases[i]);
        rl_error err = RL_ERROR_INIT;
        char id[RL_CONTAINER_ID_SIZE];
        rl_engine_state state;
        rl_engine_version version;
        ck_assert(!rl_engine_parse_created(json, id, &err));
        ck_assert_int_eq(err.error_class, RL_TRANSIENT);
        ck_assert(!rl_engine_parse_state(json, &state, &err));
        ck_assert(!rl_engine_parse_version(json, &version, &err));
    }
}
END_TEST

START_TEST(a_host_without_swap_limits_is_seen) {
    rl_engine_info info;
    ck_assert(rl_engine_parse_info(rl_bytes_of("{\"MemoryLimit\":true,\"SwapLimit\":false,\"PidsLimit\":true,"
                                               "\"CpuCfsQuota\":true,\"Runtimes\":{\"runc\":{}}}"),
                                   "runsc", &info, NULL));
    ck_assert(info.memory_limit && info.pids_limit && info.cpu_quota);
    ck_assert(!info.swap_limit);
    ck_assert(!info.has_runtime);
    ck_assert(!info.has_apparmor);
    ck_assert(rl_engine_parse_info(
        rl_bytes_of("{\"SecurityOptions\":[\"name=seccomp,profile=default\",\"name=apparmor\"]}"), "", &info,
        NULL));
    ck_assert(info.has_apparmor);
    ck_assert(
        rl_engine_parse_info(rl_bytes_of("{\"SecurityOptions\":[\"name=apparmors\",1]}"), "", &info, NULL));
    ck_assert(!info.has_apparmor);
}
END_TEST

START_TEST(a_list_keeps_what_looks_like_an_id) {
    RL_AUTO_FREE rl_engine_row *rows = NULL;
    size_t count = 0;
    ck_assert(rl_engine_parse_list(rl_bytes_of("[{\"Id\":\"0123456789abcdef\"},{\"Id\":\"../../x\"},{},7]"),
                                   &rows, &count, NULL));
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(rows[0].id, "0123456789abcdef");
}
END_TEST

START_TEST(an_error_answer_gives_its_message_cut_to_size) {
    char text[8];
    rl_engine_parse_message(rl_bytes_of("{\"message\":\"No such image\"}"), text, sizeof text);
    ck_assert_str_eq(text, "No such");
    rl_engine_parse_message(rl_bytes_of("<html>"), text, sizeof text);
    ck_assert_str_eq(text, "");
}
END_TEST

RL_SUITE("runner/engine_json", the_newest_version_that_both_speak_is_taken,
         versions_without_overlap_are_fatal_and_named, times_are_read_with_any_decimals_and_offset,
         what_is_no_time_is_zero, a_state_tells_how_a_container_ended,
         only_what_the_engine_says_was_not_started_was_not, a_status_that_is_not_known_counts_as_running,
         answers_that_are_not_what_they_should_be_are_transient, a_host_without_swap_limits_is_seen,
         a_list_keeps_what_looks_like_an_id, an_error_answer_gives_its_message_cut_to_size)
