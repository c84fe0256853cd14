/* Warm containers of the real Engine: that they serve, that one which is none any more does no harm, and that
 * nothing is left behind. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "tests/integration/services/runner/sandbox_fixture.h"

#define PATIENCE_US (60 * RL_US_PER_S)

typedef struct {
    rl_fixture base;
    rl_engine *engine;
} warm_fixture;

#define await(condition_)                                                                                    \
    for (int64_t until_us_ = rl_clock_us() + PATIENCE_US; !(condition_); sched_yield()) {                    \
        ck_assert_msg(rl_clock_us() < until_us_, "waited in vain for " #condition_);                         \
    }

/* A sandbox that keeps bash warm, with one container ready. */
static void open_warm(warm_fixture *f, const char *language) {
    rl_fixture_open_pool(&f->base, 16);
    rl_error err = RL_ERROR_INIT;
    f->engine = rl_engine_new(rl_fixture_socket(), &err);
    ck_assert_msg(f->engine != NULL, "%s", err.message);
    rl_image_status status =
        rl_sandbox_check_language(f->base.sandbox, rl_fixture_language(&f->base, language), NULL, &err);
    ck_assert_msg(status == RL_IMAGE_READY, "%s", err.message);
    await(rl_sandbox_warm(f->base.sandbox, language) >= 1);
}

static void close_warm(warm_fixture *f) {
    rl_engine_free(f->engine);
    rl_fixture_close(&f->base);
}

static int64_t counted(const warm_fixture *f, const char *name, const char *labels) {
    /* Asking for a metric that exists gives that one; its kind and help do not matter here. */
    return rl_metric_value(rl_metrics_counter(f->base.metrics, name, labels, ""));
}

static int64_t hits(const warm_fixture *f, const char *language) {
    char labels[64];
    snprintf(labels, sizeof labels, "lang=\"%s\"", language);
    return counted(f, "runlog_runner_pool_hits_total", labels);
}

static int64_t discards(const warm_fixture *f, const char *reason) {
    char labels[64];
    snprintf(labels, sizeof labels, "reason=\"%s\"", reason);
    return counted(f, "runlog_runner_pool_discards_total", labels);
}

/* What an administrator could do to each container of the fixture: "kill", "pause", "unpause". */
static void each_container(warm_fixture *f, const char *action) {
    char label[96], command[256];
    snprintf(label, sizeof label, "runlog.project=%s", f->base.project);
    RL_AUTO_FREE rl_engine_row *rows = NULL;
    size_t count = 0;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_engine_list(f->engine, (const char *const[]){label, NULL}, NULL, &rows, &count, &err),
                  "%s", err.message);
    for (size_t i = 0; i < count; i++) {
        snprintf(command, sizeof command,
                 "curl -s -o /dev/null -X POST --unix-socket %s 'http://docker/containers/%s/%s'",
                 rl_fixture_socket(), rows[i].id, action);
        ck_assert_int_eq(system(command), 0);
    }
}

static void assert_prints(warm_fixture *f, const char *text) {
    char source[64], expected[64];
    snprintf(source, sizeof source, "echo %s\n", text);
    snprintf(expected, sizeof expected, "%s\n", text);
    rl_submission submission = rl_fixture_submission(&f->base, "bash", source);
    rl_finished finished = rl_fixture_run(&f->base, &submission);
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert_output(finished.out, expected);
}

START_TEST(a_warm_container_serves_one_submission_and_is_replaced) {
    warm_fixture f;
    open_warm(&f, "bash");
    for (int i = 1; i <= 3; i++) {
        char text[16];
        snprintf(text, sizeof text, "run-%d", i);
        assert_prints(&f, text);
        ck_assert_int_eq(hits(&f, "bash"), i);
        await(rl_sandbox_warm(f.base.sandbox, "bash") >= 1);
    }
    close_warm(&f);
}
END_TEST

START_TEST(nothing_of_one_submission_reaches_the_next) {
    warm_fixture f;
    open_warm(&f, "bash");
    rl_submission first = rl_fixture_submission(
        &f.base, "bash", "echo secret > /tmp/x; echo secret > /dev/shm/x; echo secret > x; id -u\n");
    rl_finished one = rl_fixture_run(&f.base, &first);
    ck_assert_verdict(one, RL_VERDICT_OK);
    await(rl_sandbox_warm(f.base.sandbox, "bash") >= 1);
    rl_submission second =
        rl_fixture_submission(&f.base, "bash", "ls /tmp /dev/shm; ls; [ $(id -u) -ge 200000 ] && echo own\n");
    rl_finished two = rl_fixture_run(&f.base, &second);
    ck_assert_output(two.out, "/dev/shm:\n\n/tmp:\nmain.sh\nown\n");
    close_warm(&f);
}
END_TEST

START_TEST(limits_of_its_own_are_set_on_a_warm_container) {
    warm_fixture f;
    open_warm(&f, "python");
    rl_submission submission =
        rl_fixture_submission(&f.base, "python", "x = bytearray(100 << 20)\nprint('ok')\n");
    submission.limits.run.memory_bytes = INT64_C(64) << 20;
    rl_finished finished = rl_fixture_run(&f.base, &submission);
    ck_assert_verdict(finished, RL_VERDICT_MEMORY_LIMIT);
    await(rl_sandbox_warm(f.base.sandbox, "python") >= 1);
    submission.limits.run.memory_bytes = INT64_C(512) << 20;
    submission.source = rl_bytes_of("x = bytearray(300 << 20)\nprint('ok')\n");
    finished = rl_fixture_run(&f.base, &submission);
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert_int_eq(hits(&f, "python"), 2);
    close_warm(&f);
}
END_TEST

START_TEST(another_size_of_the_work_folder_is_a_cold_start) {
    warm_fixture f;
    open_warm(&f, "bash");
    rl_submission submission = rl_fixture_submission(
        &f.base, "bash",
        "head -c 3000000 /dev/zero > x && echo fits; head -c 90000000 /dev/zero > y || echo full\n");
    submission.limits.file_bytes = INT64_C(80) << 20;
    rl_finished finished = rl_fixture_run(&f.base, &submission);
    ck_assert_output(finished.out, "fits\nfull\n");
    ck_assert_int_eq(hits(&f, "bash"), 0);
    close_warm(&f);
}
END_TEST

START_TEST(a_killed_container_is_noticed_before_it_gets_a_submission) {
    warm_fixture f;
    open_warm(&f, "bash");
    each_container(&f, "kill");
    assert_prints(&f, "alive");
    await(discards(&f, "unfit") >= 1);
    ck_assert_int_eq(counted(&f, "runlog_runner_sandbox_lost_total", NULL), 0);
    await(rl_sandbox_warm(f.base.sandbox, "bash") >= 1);
    assert_prints(&f, "again");
    close_warm(&f);
}
END_TEST

START_TEST(a_paused_container_costs_a_moment_and_no_verdict) {
    warm_fixture f;
    open_warm(&f, "bash");
    each_container(&f, "pause");
    assert_prints(&f, "alive");
    await(discards(&f, "mute") + discards(&f, "gone") >= 1);
    ck_assert_int_eq(counted(&f, "runlog_runner_sandbox_lost_total", NULL), 0);
    close_warm(&f);
}
END_TEST

START_TEST(a_paused_container_is_replaced_while_nobody_asks_for_it) {
    warm_fixture f;
    open_warm(&f, "bash");
    each_container(&f, "pause");
    await(discards(&f, "gone") >= 1 && rl_sandbox_warm(f.base.sandbox, "bash") >= 1);
    assert_prints(&f, "alive");
    ck_assert_int_ge(hits(&f, "bash"), 1);
    close_warm(&f);
}
END_TEST

START_TEST(the_language_of_an_image_that_was_replaced_gets_new_containers) {
    warm_fixture f;
    open_warm(&f, "bash");
    rl_error err = RL_ERROR_INIT;
    /* Looking the image up again unpins it first: what is warm is of no known image until then. */
    rl_image_status status =
        rl_sandbox_check_language(f.base.sandbox, rl_fixture_language(&f.base, "bash"), NULL, &err);
    ck_assert_msg(status == RL_IMAGE_READY, "%s", err.message);
    assert_prints(&f, "alive");
    close_warm(&f);
}
END_TEST

/* rl_fixture_close fails where a container is left. */
START_TEST(a_full_pool_leaves_nothing_behind) {
    warm_fixture f;
    open_warm(&f, "bash");
    rl_error err = RL_ERROR_INIT;
    for (size_t i = 0; i < rl_manifests_count(f.base.manifests); i++) {
        const rl_manifest *manifest = rl_manifests_at(f.base.manifests, i);
        ck_assert_int_eq(rl_sandbox_check_language(f.base.sandbox, manifest, NULL, &err), RL_IMAGE_READY);
    }
    for (size_t i = 0; i < rl_manifests_count(f.base.manifests); i++) {
        const rl_manifest *manifest = rl_manifests_at(f.base.manifests, i);
        await(rl_sandbox_warm(f.base.sandbox, manifest->name) >= 1);
    }
    close_warm(&f);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_warm_container_serves_one_submission_and_is_replaced,
        nothing_of_one_submission_reaches_the_next,
        limits_of_its_own_are_set_on_a_warm_container,
        another_size_of_the_work_folder_is_a_cold_start,
        a_killed_container_is_noticed_before_it_gets_a_submission,
        a_paused_container_costs_a_moment_and_no_verdict,
        a_paused_container_is_replaced_while_nobody_asks_for_it,
        the_language_of_an_image_that_was_replaced_gets_new_containers,
        a_full_pool_leaves_nothing_behind,
    };
    return rl_fixture_main("runner/pool on the Engine", tests, sizeof tests / sizeof *tests);
}
