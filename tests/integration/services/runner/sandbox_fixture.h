/* sandbox_fixture.h: a sandbox on the real Engine, the project's languages, and a way to run a program in one line.
 *
 * RUNLOG_TEST_DOCKER_SOCKET (/var/run/docker.sock), RUNLOG_TEST_SANDBOX_IMAGE_PREFIX (runlog/lang-) and
 * RUNLOG_TEST_SANDBOX_IMAGE_TAG (latest) say where; a program whose socket is not there says so and exits 77, which CTest
 * takes for "skipped".
 *
 * Every test gets a project label of its own, and the fixture's end fails it if a container with that label is left.
 */
#ifndef RL_TESTS_SANDBOX_FIXTURE_H
#define RL_TESTS_SANDBOX_FIXTURE_H

#include <check.h>

#include "lib/base/arena.h"
#include "services/runner/engine.h"
#include "services/runner/sandbox.h"

typedef struct {
    char project[64];
    rl_manifests *manifests;
    rl_metrics *metrics;
    rl_sandbox *sandbox;
    rl_arena *arena;
} rl_fixture;

const char *rl_fixture_socket(void);
rl_sandbox_options rl_fixture_options(rl_fixture *fixture);

/* Every run is a cold start. */
void rl_fixture_open(rl_fixture *fixture);

/* With a pool of up to `size` warm containers. */
void rl_fixture_open_pool(rl_fixture *fixture, size_t size);
void rl_fixture_close(rl_fixture *fixture);

const rl_manifest *rl_fixture_language(const rl_fixture *fixture, const char *name);

/* A submission with the language's own limits. */
rl_submission rl_fixture_submission(const rl_fixture *fixture, const char *lang, const char *source);

/* Runs it and fails the test unless there is a result. What it points at lives until the fixture's end. */
rl_finished rl_fixture_run(rl_fixture *fixture, const rl_submission *submission);

/* Containers with the fixture's label, in any state. */
size_t rl_fixture_containers(const rl_fixture *fixture);

#define ck_assert_verdict(finished_, verdict_)                                                               \
    ck_assert_msg((finished_).verdict == (verdict_),                                                         \
                  "verdict %s (%s), exit %d, signal %d, limit %s, stderr: %.*s, compile: %.*s",              \
                  rl_verdict_name((finished_).verdict), (finished_).message, (finished_).exit_code,          \
                  (finished_).signal, rl_limit_name((finished_).limit_hit),                                  \
                  (int)((finished_).err.bytes.size < 600 ? (finished_).err.bytes.size : 600),                \
                  (const char *)(finished_).err.bytes.data,                                                  \
                  (int)((finished_).compile.bytes.size < 600 ? (finished_).compile.bytes.size : 600),        \
                  (const char *)(finished_).compile.bytes.data)
#define ck_assert_limit(finished_, limit_)                                                                   \
    ck_assert_str_eq(rl_limit_name((finished_).limit_hit), rl_limit_name(limit_))
#define ck_assert_output(output_, text_)                                                                     \
    ck_assert_msg(rl_bytes_equal((output_).bytes, rl_bytes_of(text_)),                                       \
                  "output is \"%.*s\" instead of \"%s\"", (int)(output_).bytes.size,                         \
                  (const char *)(output_).bytes.data, (text_))

/* The main() of such a program. */
int rl_fixture_main(const char *name, const TTest *const *tests, size_t count);

#endif
