/* submission_fixture.h: bodies of POST /api/submit, and what becomes of them. */
#ifndef RL_TEST_API_SUBMISSION_FIXTURE_H
#define RL_TEST_API_SUBMISSION_FIXTURE_H

#include <stdio.h>

#include "lib/manifest/bounds.h"
#include "services/api/config.h"
#include "services/api/submission_in.h"
#include "suite.h"

static rl_manifests *manifests;
static rl_limits maxima;
static rl_submission_in in;
static rl_buffer problem;

/* The maxima are those of the defaults. */
__attribute__((unused)) static void set_up(void) {
    rl_error err = RL_ERROR_INIT;
    char *const environment[] = {NULL};
    rl_api_config config;
    ck_assert_msg(rl_config_load(&rl_api_config_table, environment, &config, &err), "%s", err.message);
    maxima = rl_maxima_limits(&config.maxima);
    manifests = rl_manifests_load(RL_SOURCE_DIR "/languages", NULL, &err);
    ck_assert_msg(manifests != NULL, "%s", err.message);
    rl_buffer_init(&problem, 4096);
}

__attribute__((unused)) static void tear_down(void) {
    rl_submission_in_free(&in);
    rl_buffer_free(&problem);
    rl_manifests_free(manifests);
}

__attribute__((unused)) static void accept_bytes(const char *body, size_t size) {
    rl_submission_in_free(&in);
    ck_assert_msg(rl_submission_in_parse(rl_bytes_make(body, size), manifests, &maxima, &in, &problem),
                  "refused: %s", problem.data);
}

__attribute__((unused)) static void accept_text(const char *body) {
    accept_bytes(body, strlen(body));
}

__attribute__((unused)) static void refuse_bytes(const char *body, size_t size, const char *expected) {
    rl_submission_in_free(&in);
    ck_assert(!rl_submission_in_parse(rl_bytes_make(body, size), manifests, &maxima, &in, &problem));
    ck_assert_msg(strstr(problem.data, expected) != NULL, "expected \"%s\" in: %s", expected, problem.data);
    rl_buffer_free(&problem);
}

__attribute__((unused)) static void refuse(const char *body, const char *expected) {
    refuse_bytes(body, strlen(body), expected);
}

/* A program in C or Python with further fields, written with ' for ". */
__attribute__((unused)) static const char *body_with(const char *lang, const char *fields) {
    static char body[65536];
    const int size = snprintf(body, sizeof(body), "{'code':'x','lang':'%s',%s}", lang, fields);
    ck_assert(size > 0 && (size_t)size < sizeof(body));
    for (char *at = body; *at; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    return body;
}

__attribute__((unused)) static void accept_with(const char *fields) {
    accept_text(body_with("c", fields));
}

__attribute__((unused)) static void refuse_with(const char *fields, const char *expected) {
    refuse(body_with("c", fields), expected);
}

__attribute__((unused)) static void expect_bytes(rl_bytes seen, const char *expected, size_t size) {
    ck_assert_uint_eq(seen.size, size);
    ck_assert_mem_eq(seen.data, expected, size);
}

__attribute__((unused)) static void expect_text(rl_bytes seen, const char *expected) {
    expect_bytes(seen, expected, strlen(expected));
}

/* The suite of one such test program. */
#define SUBMISSION_SUITE(name_, ...)                                                                         \
    int main(void) {                                                                                         \
        const TTest *const all[] = {__VA_ARGS__};                                                            \
        Suite *suite = suite_create(name_);                                                                  \
        TCase *tests = tcase_create("bodies");                                                               \
        tcase_add_checked_fixture(tests, set_up, tear_down);                                                 \
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {                                          \
            tcase_add_test(tests, all[i]);                                                                   \
        }                                                                                                    \
        suite_add_tcase(suite, tests);                                                                       \
        return run_suite(suite);                                                                             \
    }

#endif
