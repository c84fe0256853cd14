/* The sandbox and an Engine that is missing, forgetful or busy, and everything that ends a run from outside. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "services/runner/container_spec.h"
#include "services/runner/sweep.h"
#include "tests/integration/services/runner/sandbox_fixture.h"

#define PATIENCE_US (60 * RL_US_PER_S)

/* A run in a thread of its own, so that the test can do something to it meanwhile. */
typedef struct {
    rl_fixture *fixture;
    const rl_submission *submission;
    rl_cancel_token *cancel;
    rl_run_status status;
    rl_finished finished;
    rl_error err;
    pthread_t thread;
} background_run;

static void *run_in_background(void *context) {
    background_run *run = context;
    run->status = rl_sandbox_run(run->fixture->sandbox, run->submission,
                                 rl_fixture_language(run->fixture, run->submission->lang), run->cancel,
                                 run->fixture->arena, &run->finished, &run->err);
    return NULL;
}

static void begin(background_run *run) {
    ck_assert_int_eq(pthread_create(&run->thread, NULL, run_in_background, run), 0);
}

/* Waits for a running container of the fixture other than `last`. */
static void await_running(const rl_fixture *fixture, rl_engine *engine, const char *last,
                          char ret_id[RL_CONTAINER_ID_SIZE]) {
    static const char *const running[] = {"running", NULL};
    rl_error err = RL_ERROR_INIT;
    char label[96];
    snprintf(label, sizeof label, "runlog.project=%s", fixture->project);
    for (int64_t deadline_us = rl_clock_us() + PATIENCE_US; rl_clock_us() < deadline_us; sched_yield()) {
        RL_AUTO_FREE rl_engine_row *rows = NULL;
        size_t found = 0;
        ck_assert_msg(
            rl_engine_list(engine, (const char *const[]){label, NULL}, running, &rows, &found, &err), "%s",
            err.message);
        if (found > 0 && strcmp(rows[0].id, last) != 0) {
            snprintf(ret_id, RL_CONTAINER_ID_SIZE, "%s", rows[0].id);
            return;
        }
    }
    ck_abort_msg("no container runs");
}

/* Removes containers of the fixture, as an administrator would, until `count` running ones have been. */
static void remove_running(const rl_fixture *fixture, size_t count) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_ENGINE rl_engine *engine = rl_engine_new(rl_fixture_socket(), &err);
    ck_assert_msg(engine != NULL, "%s", err.message);
    char id[RL_CONTAINER_ID_SIZE] = "";
    for (size_t removed = 0; removed < count; removed++) {
        await_running(fixture, engine, id, id);
        ck_assert_msg(rl_engine_remove(engine, id, &err), "%s", err.message);
    }
}

START_TEST(every_language_image_has_an_agent_that_answers) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    for (size_t i = 0; i < rl_manifests_count(fixture.manifests); i++) {
        const rl_manifest *manifest = rl_manifests_at(fixture.manifests, i);
        char digest[RL_IMAGE_DIGEST_SIZE] = "";
        rl_error err = RL_ERROR_INIT;
        rl_image_status status = rl_sandbox_check_language(fixture.sandbox, manifest, digest, &err);
        ck_assert_msg(status == RL_IMAGE_READY, "%s: status %d: %s", manifest->name, (int)status,
                      err.message);
        ck_assert_int_eq(strncmp(digest, "sha256:", 7), 0);
    }
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_missing_image_is_named) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_manifest manifest = *rl_fixture_language(&fixture, "python");
    manifest.name = "no-such-language";
    rl_error err = RL_ERROR_INIT;
    ck_assert_int_eq(rl_sandbox_check_language(fixture.sandbox, &manifest, NULL, &err), RL_IMAGE_MISSING);
    ck_assert_msg(strstr(err.message, "no-such-language") != NULL, "%s", err.message);
    rl_submission submission = rl_fixture_submission(&fixture, "python", "print(1)\n");
    rl_finished finished;
    ck_assert_int_eq(
        rl_sandbox_run(fixture.sandbox, &submission, &manifest, NULL, fixture.arena, &finished, &err),
        RL_RUN_NO_IMAGE);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(an_engine_that_is_not_there_is_transient) {
    rl_fixture fixture = {.project = "nobody"};
    rl_sandbox_options options = rl_fixture_options(&fixture);
    options.docker_socket = "/nonexistent/docker.sock";
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(rl_sandbox_new(&options, &err));
    ck_assert_msg(err.error_class == RL_TRANSIENT, "%s", err.message);
    ck_assert_msg(strstr(err.message, "/nonexistent/docker.sock") != NULL, "%s", err.message);
}
END_TEST

/* Where the Engine's host has AppArmor, a profile may be asked for; elsewhere nothing is started without it. */
START_TEST(an_apparmor_profile_that_cannot_be_kept_is_fatal) {
    rl_fixture fixture = {.project = "nobody"};
    rl_sandbox_options options = rl_fixture_options(&fixture);
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_ENGINE rl_engine *engine = rl_engine_new(rl_fixture_socket(), &err);
    ck_assert_msg(engine != NULL, "%s", err.message);
    if (rl_engine_check_host(engine, "", "runlog-sandbox", &err)) {
        return;
    }
    options.apparmor = "runlog-sandbox";
    err = (rl_error)RL_ERROR_INIT;
    ck_assert_ptr_null(rl_sandbox_new(&options, &err));
    ck_assert_msg(err.error_class == RL_FATAL && strstr(err.message, "AppArmor"), "%s", err.message);
}
END_TEST

START_TEST(an_unknown_runtime_is_fatal) {
    rl_fixture fixture = {.project = "nobody"};
    rl_sandbox_options options = rl_fixture_options(&fixture);
    options.runtime = "no-such-runtime";
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(rl_sandbox_new(&options, &err));
    ck_assert_msg(err.error_class == RL_FATAL && strstr(err.message, "no-such-runtime"), "%s", err.message);
}
END_TEST

/* The Engine's socket under a path that can be taken away and put back. */
START_TEST(an_engine_that_goes_away_and_returns_loses_nothing) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    char folder[] = "/tmp/runlog-test-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char path[64];
    snprintf(path, sizeof path, "%s/docker.sock", folder);
    ck_assert_int_eq(symlink(rl_fixture_socket(), path), 0);
    rl_sandbox_options options = rl_fixture_options(&fixture);
    options.docker_socket = path;
    options.runner = "away";
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_SANDBOX rl_sandbox *sandbox = rl_sandbox_new(&options, &err);
    ck_assert_msg(sandbox != NULL, "%s", err.message);
    rl_submission submission = rl_fixture_submission(&fixture, "python", "print('back')\n");
    const rl_manifest *python = rl_fixture_language(&fixture, "python");
    rl_finished finished;

    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rl_sandbox_run(sandbox, &submission, python, NULL, fixture.arena, &finished, &err),
                     RL_RUN_TRANSIENT);
    ck_assert_int_eq(err.error_class, RL_TRANSIENT);

    ck_assert_int_eq(symlink(rl_fixture_socket(), path), 0);
    ck_assert(rl_sandbox_ping(sandbox, &err));
    ck_assert_int_eq(rl_sandbox_run(sandbox, &submission, python, NULL, fixture.arena, &finished, &err),
                     RL_RUN_DONE);
    ck_assert_output(finished.out, "back\n");
    unlink(path);
    ck_assert_int_eq(symlink(rl_fixture_socket(), path), 0);
    rl_sandbox_free(RL_STEAL(sandbox));
    unlink(path);
    rmdir(folder);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_container_that_is_killed_once_is_replaced) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission =
        rl_fixture_submission(&fixture, "python", "import time\ntime.sleep(2)\nprint('survived')\n");
    background_run run = {.fixture = &fixture, .submission = &submission};
    begin(&run);
    remove_running(&fixture, 1);
    pthread_join(run.thread, NULL);
    ck_assert_msg(run.status == RL_RUN_DONE, "status %d: %s", (int)run.status, run.err.message);
    ck_assert_verdict(run.finished, RL_VERDICT_OK);
    ck_assert_output(run.finished.out, "survived\n");
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_container_that_is_killed_again_is_our_failure_or_tried_later) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(&fixture, "python", "import time\ntime.sleep(5)\n");
    background_run run = {.fixture = &fixture, .submission = &submission};
    begin(&run);
    remove_running(&fixture, 2);
    pthread_join(run.thread, NULL);
    /* TRANSIENT where the second one was killed before it had said READY. */
    if (run.status != RL_RUN_TRANSIENT) {
        ck_assert_int_eq(run.status, RL_RUN_DONE);
        ck_assert_verdict(run.finished, RL_VERDICT_SYSTEM_ERROR);
        ck_assert_msg(strstr(run.finished.message, "agent") != NULL, "%s", run.finished.message);
    }
    rl_fixture_close(&fixture);
}
END_TEST

/* A shell's function that asks the Engine, and images of the fixture's own: Python's is a good one, in Bash's the agent
 * ends as soon as it is started. */
static void shell(rl_fixture *fixture, const char *script) {
    const rl_sandbox_options options = rl_fixture_options(fixture);
    char command[2048];
    snprintf(command, sizeof command,
             "set -eu; P=%s; FROM=%s; TAG=%s; ask() { curl -sSf --unix-socket %s -X \"$@\"; }; %s",
             fixture->project, options.image_prefix, options.image_tag, options.docker_socket, script);
    ck_assert_int_eq(system(command), 0);
}

static void make_images(rl_fixture *fixture) {
    shell(fixture,
          "ask POST \"http://e/images/${FROM}python:$TAG/tag?repo=$P/lang-python&tag=latest\"\n"
          "id=$(ask POST http://e/containers/create -H 'Content-Type: application/json' "
          "-d \"{\\\"Image\\\":\\\"${FROM}bash:$TAG\\\"}\" | sed 's/.*\"Id\":\"\\([0-9a-f]*\\)\".*/\\1/')\n"
          "folder=$(mktemp -d); printf '#!/bin/false\\n' >$folder/runlog-agent; chmod 755 "
          "$folder/runlog-agent\n"
          "tar -C $folder -c runlog-agent | ask PUT \"http://e/containers/$id/archive?path=/sbin\" "
          "-H 'Content-Type: application/x-tar' --data-binary @-\n"
          "rm -r $folder\n"
          "ask POST \"http://e/commit?container=$id&repo=$P/lang-bash&tag=latest\" >/dev/null\n"
          "ask DELETE \"http://e/containers/$id?force=1\"\n");
}

START_TEST(a_container_that_does_not_start_is_the_images_fault_only_where_others_start) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    make_images(&fixture);
    char prefix[96];
    snprintf(prefix, sizeof prefix, "%s/lang-", fixture.project);
    rl_sandbox_options options = rl_fixture_options(&fixture);
    options.image_prefix = prefix;
    options.image_tag = "latest";
    options.runner = "starts";
    rl_error err = RL_ERROR_INIT;
    rl_sandbox *sandbox = rl_sandbox_new(&options, &err);
    ck_assert_msg(sandbox != NULL, "%s", err.message);
    const rl_manifest *bash = rl_fixture_language(&fixture, "bash");
    const rl_manifest *python = rl_fixture_language(&fixture, "python");
    rl_submission broken = rl_fixture_submission(&fixture, "bash", "echo never\n");
    rl_submission good = rl_fixture_submission(&fixture, "python", "print('good')\n");
    rl_finished finished;

    ck_assert_int_eq(rl_sandbox_run(sandbox, &broken, bash, NULL, fixture.arena, &finished, &err),
                     RL_RUN_TRANSIENT);
    ck_assert(!rl_sandbox_ping(sandbox, &err));
    ck_assert_msg(strstr(err.message, "no container starts") != NULL, "%s", err.message);

    ck_assert_int_eq(rl_sandbox_run(sandbox, &good, python, NULL, fixture.arena, &finished, &err),
                     RL_RUN_DONE);
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert_msg(rl_sandbox_ping(sandbox, &err), "%s", err.message);

    ck_assert_int_eq(rl_sandbox_run(sandbox, &broken, bash, NULL, fixture.arena, &finished, &err),
                     RL_RUN_NO_IMAGE);
    ck_assert_msg(rl_sandbox_ping(sandbox, &err), "%s", err.message);
    rl_sandbox_free(sandbox);
    shell(&fixture, "ask DELETE \"http://e/images/$P/lang-bash:latest?force=1\" >/dev/null\n"
                    "ask DELETE \"http://e/images/$P/lang-python:latest\" >/dev/null\n");
    rl_fixture_close(&fixture);
}
END_TEST

/* Stops one whose program has begun, as `docker stop` or an Engine that shuts down does it: the agent is asked to end. A
 * container that is stopped before its program began is replaced by another, and that is no case for this test. */
static void stop_running(const rl_fixture *fixture) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_ENGINE rl_engine *engine = rl_engine_new(rl_fixture_socket(), &err);
    ck_assert_msg(engine != NULL, "%s", err.message);
    char id[RL_CONTAINER_ID_SIZE], command[512];
    await_running(fixture, engine, "", id);
    snprintf(
        command, sizeof command,
        "ask() { curl -sf --max-time 60 -X \"$1\" --unix-socket %s \"http://docker/containers/%s/$2\"; }\n"
        "until ask GET 'stats?stream=false&one-shot=true' |\n"
        "    grep -Eq '\"pids_stats\":\\{\"current\":([2-9]|[1-9][0-9])'; do\n"
        "    ask GET json >/dev/null || exit 1\n"
        "done\n"
        "ask POST 'stop?t=30'\n",
        rl_fixture_socket(), id);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(a_container_that_is_stopped_from_outside_is_no_try_of_the_programs) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(&fixture, "python", "import time\ntime.sleep(5)\n");
    for (int i = 0; i < 3; i++) {
        background_run run = {.fixture = &fixture, .submission = &submission};
        begin(&run);
        stop_running(&fixture);
        pthread_join(run.thread, NULL);
        ck_assert_msg(run.status == RL_RUN_UNFAIR, "status %d: %s", (int)run.status,
                      run.finished.message ? run.finished.message : "");
    }
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(limits_that_make_no_sense_do_not_keep_a_container_from_starting) {
    static const rl_limits odd[] = {
        {{1, 1, 1}, {5000000, 12000000, 1}, 1000, 1, 1, 1, 1},
        {.stack_bytes = INT64_MAX, .processes = 1, .open_files = INT64_MAX, .file_bytes = 1},
    };
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        rl_submission submission = rl_fixture_submission(&fixture, "python", "print('x')\n");
        rl_manifest manifest = *rl_fixture_language(&fixture, "python");
        submission.limits = odd[i];
        rl_finished finished;
        rl_error err = RL_ERROR_INIT;
        rl_run_status status =
            rl_sandbox_run(fixture.sandbox, &submission, &manifest, NULL, fixture.arena, &finished, &err);
        ck_assert_msg(status == RL_RUN_DONE, "limits %zu: status %d: %s", i, (int)status, err.message);
        ck_assert_verdict(finished, RL_VERDICT_OK);
        manifest.limits = odd[i];
        submission.limits = (rl_limits){.processes = 0};
        status =
            rl_sandbox_run(fixture.sandbox, &submission, &manifest, NULL, fixture.arena, &finished, &err);
        ck_assert_msg(status == RL_RUN_DONE, "manifest %zu: status %d: %s", i, (int)status, err.message);
    }
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_cancelled_run_ends_at_once) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(&fixture, "python", "import time\ntime.sleep(3600)\n");
    RL_AUTO_CANCEL_TOKEN rl_cancel_token *cancel = rl_cancel_token_new(NULL);
    background_run run = {.fixture = &fixture, .submission = &submission, .cancel = cancel};
    begin(&run);
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    while (rl_fixture_containers(&fixture) == 0 && rl_clock_us() < deadline_us) {
        sched_yield();
    }
    rl_cancel_token_set(cancel);
    pthread_join(run.thread, NULL);
    ck_assert_int_eq(run.status, RL_RUN_CANCELLED);
    ck_assert_verdict(run.finished, RL_VERDICT_CANCELLED);
    rl_fixture_close(&fixture);
}
END_TEST

#define RUNNERS 6
#define ROUNDS 4

static void *run_many(void *context) {
    rl_fixture *fixture = context;
    rl_arena *arena = rl_arena_new((size_t)8 * 1024 * 1024);
    size_t right = 0;
    for (int i = 0; i < ROUNDS; i++) {
        char source[96];
        snprintf(source, sizeof source, "import os\nprint('%lx', %d)\n", (unsigned long)pthread_self(), i);
        rl_submission submission = rl_fixture_submission(fixture, "python", source);
        char expected[64];
        snprintf(expected, sizeof expected, "%lx %d\n", (unsigned long)pthread_self(), i);
        rl_finished finished;
        rl_run_status status =
            rl_sandbox_run(fixture->sandbox, &submission, rl_fixture_language(fixture, "python"), NULL, arena,
                           &finished, NULL);
        right += status == RL_RUN_DONE && finished.verdict == RL_VERDICT_OK &&
                 rl_bytes_equal(finished.out.bytes, rl_bytes_of(expected));
    }
    rl_arena_free(arena);
    return (void *)right;
}

START_TEST(many_threads_get_their_own_results) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    pthread_t threads[RUNNERS];
    for (size_t i = 0; i < RUNNERS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_many, &fixture), 0);
    }
    size_t right = 0;
    for (size_t i = 0; i < RUNNERS; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        right += (size_t)result;
    }
    ck_assert_uint_eq(right, (size_t)RUNNERS * ROUNDS);
    rl_fixture_close(&fixture);
}
END_TEST

/* A container that was created and never started, as a runner leaves it that dies in between. */
static void leave_behind(rl_engine *engine, const rl_fixture *fixture, const char *runner) {
    rl_error err = RL_ERROR_INIT;
    rl_sandbox_options options = rl_fixture_options((rl_fixture *)fixture);
    char image[256];
    snprintf(image, sizeof image, "%spython:%s", options.image_prefix, options.image_tag);
    rl_container_spec spec = {
        .image = image,
        .project = fixture->project,
        .runner = runner,
        .language = "python",
        .memory_bytes = INT64_C(64) << 20,
        .processes = 16,
        .file_bytes = INT64_C(1) << 20,
        .uid = 300000,
    };
    RL_AUTO_BUFFER rl_buffer body;
    rl_buffer_init(&body, SIZE_MAX / 4);
    char id[RL_CONTAINER_ID_SIZE], name[96];
    snprintf(name, sizeof name, "%s-%s", fixture->project, runner);
    ck_assert(rl_container_spec_write(&spec, &body, &err));
    ck_assert_msg(rl_engine_create(engine, name, body.data, id, &err), "%s", err.message);
}

START_TEST(a_runner_removes_what_its_predecessor_left_and_no_young_ones_of_others) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_ENGINE rl_engine *engine = rl_engine_new(rl_fixture_socket(), &err);
    ck_assert_msg(engine != NULL, "%s", err.message);
    leave_behind(engine, &fixture, "predecessor");
    leave_behind(engine, &fixture, "neighbour");
    rl_sandbox_options options = rl_fixture_options(&fixture);
    options.runner = "predecessor";
    RL_AUTO_SANDBOX rl_sandbox *successor = rl_sandbox_new(&options, &err);
    ck_assert_msg(successor != NULL, "%s", err.message);
    ck_assert_uint_eq(rl_fixture_containers(&fixture), 1);
    size_t removed = 0;
    ck_assert(rl_sweep_orphans(engine, fixture.project, &removed, &err));
    ck_assert_uint_eq(removed, 0);
    ck_assert(rl_sweep_own(engine, fixture.project, "neighbour", &removed, &err));
    ck_assert_uint_eq(removed, 1);
    rl_fixture_close(&fixture);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        every_language_image_has_an_agent_that_answers,
        a_missing_image_is_named,
        an_engine_that_is_not_there_is_transient,
        an_unknown_runtime_is_fatal,
        an_apparmor_profile_that_cannot_be_kept_is_fatal,
        an_engine_that_goes_away_and_returns_loses_nothing,
        a_container_that_is_killed_once_is_replaced,
        a_container_that_is_killed_again_is_our_failure_or_tried_later,
        a_container_that_does_not_start_is_the_images_fault_only_where_others_start,
        a_container_that_is_stopped_from_outside_is_no_try_of_the_programs,
        limits_that_make_no_sense_do_not_keep_a_container_from_starting,
        a_cancelled_run_ends_at_once,
        many_threads_get_their_own_results,
        a_runner_removes_what_its_predecessor_left_and_no_young_ones_of_others,
    };
    return rl_fixture_main("runner/sandbox engine", tests, sizeof tests / sizeof *tests);
}
