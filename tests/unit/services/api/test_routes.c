#include "services/api/result_answer.h"
#include "services/api/routes.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "suite.h"

static rl_route_id route_of(const char *path) {
    const rl_route *route = rl_route_find(rl_bytes_of(path));
    return route ? route->id : RL_ROUTE_NONE;
}

START_TEST(each_path_has_its_route) {
    ck_assert_int_eq(route_of("/api/submit"), RL_ROUTE_SUBMIT);
    ck_assert_int_eq(route_of("/api/result/abc"), RL_ROUTE_RESULT);
    ck_assert_int_eq(route_of("/api/result/%2F%00"), RL_ROUTE_RESULT);
    ck_assert_int_eq(route_of("/api/submissions/abc/cancel"), RL_ROUTE_CANCEL);
    ck_assert_int_eq(route_of("/api/submissions/%2F/cancel"), RL_ROUTE_CANCEL);
    ck_assert_int_eq(route_of("/api/submissions/abc"), RL_ROUTE_DELETE);
    ck_assert_int_eq(route_of("/api/submissions/batch"), RL_ROUTE_BATCH);
    ck_assert_int_eq(route_of("/api/results"), RL_ROUTE_RESULTS);
    ck_assert_int_eq(route_of("/api/languages"), RL_ROUTE_LANGUAGES);
    ck_assert_int_eq(route_of("/healthz"), RL_ROUTE_HEALTHZ);
    ck_assert_int_eq(route_of("/readyz"), RL_ROUTE_READYZ);
    ck_assert_int_eq(route_of("/metrics"), RL_ROUTE_METRICS);
}
END_TEST

START_TEST(what_only_looks_like_a_path_has_none) {
    ck_assert_int_eq(route_of(""), RL_ROUTE_NONE);
    ck_assert_int_eq(route_of("/"), RL_ROUTE_NONE);
    ck_assert_int_eq(route_of("*"), RL_ROUTE_NONE);
    ck_assert_int_eq(route_of("/api/submit2"), RL_ROUTE_NONE);
    ck_assert_int_eq(route_of("/api/result"), RL_ROUTE_NONE);
    ck_assert_int_eq(route_of("/api/result/"), RL_ROUTE_NONE);
    ck_assert_int_eq(route_of("/api/result/a/b"), RL_ROUTE_NONE);
    ck_assert_int_eq(route_of("/api/submissions//cancel"), RL_ROUTE_NONE);
    ck_assert_int_eq(route_of("/api/submissions/a/b/cancel"), RL_ROUTE_NONE);
    ck_assert_int_eq(route_of("/api/submissions/a/cancel/"), RL_ROUTE_NONE);
    ck_assert_int_eq(route_of("/api/submissions/a/cancelled"), RL_ROUTE_NONE);
    ck_assert_int_eq(route_of("/api/submissions"), RL_ROUTE_NONE);
    ck_assert_int_eq(route_of("/api/submissions/"), RL_ROUTE_NONE);
    ck_assert_int_eq(route_of("/API/SUBMIT"), RL_ROUTE_NONE);
}
END_TEST

static void expect_wait(const char *text, int64_t expected_us) {
    int64_t us;
    ck_assert_msg(rl_wait_parse(text, &us), "%s", text);
    ck_assert_int_eq(us, expected_us);
}

START_TEST(a_wait_is_a_number_of_seconds) {
    expect_wait("0", 0);
    expect_wait("1", 1000000);
    expect_wait("60", 60000000);
    expect_wait("60.000", 60000000);
    expect_wait("1.5", 1500000);
    expect_wait(".25", 250000);
    expect_wait("2.", 2000000);
    expect_wait("0.0000019", 1);
}
END_TEST

START_TEST(any_other_wait_is_refused) {
    const char *bad[] = {"", ".", "-1", "+1", "61", "60.1", "1e1", "1s", " 1", "nan", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t us;
        ck_assert_msg(!rl_wait_parse(bad[i], &us), "%s", bad[i]);
    }
}
END_TEST

/* How often `word` stands in what was written to `file`. */
static int count_in(FILE *file, const char *word) {
    static char text[65536];
    rewind(file);
    const size_t size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = '\0';
    int count = 0;
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
        count++;
    }
    return count;
}

START_TEST(a_flood_of_one_kind_of_failure_does_not_hide_another) {
    FILE *file = tmpfile();
    rl_api api = {.log = rl_log_new("test", RL_LOG_INFO, fileno(file))};
    rl_error err = RL_ERROR_INIT;
    rl_error_set(&err, RL_TRANSIENT, 0, "away");
    for (int i = 0; i < 5 * RL_LOG_LIMIT_LINES; i++) {
        rl_api_log_failure(&api, &api.failed_lookups, "lookup.failed", "some-id", &err);
    }
    rl_api_log_failure(&api, &api.refused_submissions, "submission.refused", "some-id", &err);
    const int floods = count_in(file, "lookup.failed");
    ck_assert_msg(floods >= RL_LOG_LIMIT_LINES && floods < 5 * RL_LOG_LIMIT_LINES, "%d lines", floods);
    ck_assert_int_eq(count_in(file, "submission.refused"), 1);
    rl_log_free(api.log);
    fclose(file);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("routes");
    TCase *tests = tcase_create("parsing");
    tcase_add_test(tests, each_path_has_its_route);
    tcase_add_test(tests, what_only_looks_like_a_path_has_none);
    tcase_add_test(tests, a_wait_is_a_number_of_seconds);
    tcase_add_test(tests, any_other_wait_is_refused);
    tcase_add_test(tests, a_flood_of_one_kind_of_failure_does_not_hide_another);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
