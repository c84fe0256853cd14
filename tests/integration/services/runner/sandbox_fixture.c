#include "tests/integration/services/runner/sandbox_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define SKIPPED 77
/* Those whose images every run of the tests has. */
#define LANGUAGES "bash,c,cpp,java,javascript,python"

static const char *setting(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

const char *rl_fixture_socket(void) {
    return setting("RUNLOG_TEST_DOCKER_SOCKET", "/var/run/docker.sock");
}

rl_sandbox_options rl_fixture_options(rl_fixture *fixture) {
    return (rl_sandbox_options){
        .docker_socket = rl_fixture_socket(),
        .project = fixture->project,
        .runner = fixture->project,
        .image_prefix = setting("RUNLOG_TEST_SANDBOX_IMAGE_PREFIX", "runlog/lang-"),
        .image_tag = setting("RUNLOG_TEST_SANDBOX_IMAGE_TAG", "latest"),
        .metrics = fixture->metrics,
    };
}

void rl_fixture_open(rl_fixture *fixture) {
    rl_fixture_open_pool(fixture, 0);
}

void rl_fixture_open_pool(rl_fixture *fixture, size_t size) {
    *fixture = (rl_fixture){.sandbox = NULL};
    unsigned random = 0;
    ck_assert_int_eq(getrandom(&random, sizeof random, 0), sizeof random);
    snprintf(fixture->project, sizeof fixture->project, "runlog-test-sandbox-%08x", random);
    rl_error err = RL_ERROR_INIT;
    fixture->manifests = rl_manifests_load(RL_SOURCE_DIR "/languages", LANGUAGES, &err);
    ck_assert_msg(fixture->manifests != NULL, "%s", err.message);
    fixture->arena = rl_arena_new(ARENA_BYTES);
    fixture->metrics = rl_metrics_new();
    rl_sandbox_options options = rl_fixture_options(fixture);
    options.languages = fixture->manifests;
    options.pool_size = size;
    options.slots = 2;
    options.pool_idle_us = 600 * RL_US_PER_S;
    fixture->sandbox = rl_sandbox_new(&options, &err);
    ck_assert_msg(fixture->sandbox != NULL, "%s", err.message);
}

void rl_fixture_close(rl_fixture *fixture) {
    rl_sandbox_free(fixture->sandbox);
    ck_assert_msg(rl_fixture_containers(fixture) == 0, "containers are left behind");
    rl_metrics_free(fixture->metrics);
    rl_arena_free(fixture->arena);
    rl_manifests_free(fixture->manifests);
}

const rl_manifest *rl_fixture_language(const rl_fixture *fixture, const char *name) {
    const rl_manifest *manifest = rl_manifests_find(fixture->manifests, rl_bytes_of(name));
    ck_assert_msg(manifest != NULL, "no language %s", name);
    return manifest;
}

rl_submission rl_fixture_submission(const rl_fixture *fixture, const char *lang, const char *source) {
    return (rl_submission){
        .id = "test",
        .tenant = "",
        .lang = lang,
        .source = rl_bytes_of(source),
        .entry_point = "",
        .limits = rl_fixture_language(fixture, lang)->limits,
        .created_us = rl_wall_clock_us(),
    };
}

rl_finished rl_fixture_run(rl_fixture *fixture, const rl_submission *submission) {
    rl_error err = RL_ERROR_INIT;
    rl_finished finished;
    rl_run_status status =
        rl_sandbox_run(fixture->sandbox, submission, rl_fixture_language(fixture, submission->lang), NULL,
                       fixture->arena, &finished, &err);
    ck_assert_msg(status == RL_RUN_DONE, "run ended with status %d: %s", (int)status, err.message);
    return finished;
}

size_t rl_fixture_containers(const rl_fixture *fixture) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_ENGINE rl_engine *engine = rl_engine_new(rl_fixture_socket(), &err);
    ck_assert_msg(engine != NULL, "%s", err.message);
    char label[96];
    snprintf(label, sizeof label, "runlog.project=%s", fixture->project);
    RL_AUTO_FREE rl_engine_row *rows = NULL;
    size_t count = 0;
    ck_assert_msg(rl_engine_list(engine, (const char *const[]){label, NULL}, NULL, &rows, &count, &err), "%s",
                  err.message);
    return count;
}

int rl_fixture_main(const char *name, const TTest *const *tests, size_t count) {
    if (access(rl_fixture_socket(), F_OK) != 0) {
        printf("skipped: there is no Docker socket at %s\n", rl_fixture_socket());
        return SKIPPED;
    }
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, 120);
    for (size_t i = 0; i < count; i++) {
        tcase_add_test(cases, tests[i]);
    }
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
