/* intake_runs.c: see intake_runs.h. */
#include "tests/integration/services/runner/intake_runs.h"

#include <check.h>

#include "tests/integration/services/runner/intake_fixture.h"

rl_run_status fixture_run_ok(void *context, const rl_submission *submission, const rl_manifest *manifest,
                             rl_cancel_token *cancel, rl_arena *arena, rl_finished *ret, rl_error *err) {
    (void)context;
    (void)manifest;
    (void)cancel;
    (void)arena;
    (void)err;
    *ret = (rl_finished){
        .id = submission->id,
        .generation = submission->generation,
        .verdict = RL_VERDICT_OK,
        .message = "",
        .out = {.bytes = submission->source},
        .submission = submission,
        .image_digest = "sha256:fixture",
        .queued_us = submission->created_us,
        .started_us = rl_wall_clock_us(),
        .finished_us = rl_wall_clock_us(),
    };
    return RL_RUN_DONE;
}

rl_run_status fixture_run_without_image_of_0(void *context, const rl_submission *submission,
                                             const rl_manifest *manifest, rl_cancel_token *cancel,
                                             rl_arena *arena, rl_finished *ret, rl_error *err) {
    if (fixture_number(submission->id) == 0 && !atomic_load((atomic_bool *)context)) {
        rl_error_set(err, RL_TRANSIENT, 0, "no such image");
        return RL_RUN_NO_IMAGE;
    }
    return fixture_run_ok(NULL, submission, manifest, cancel, arena, ret, err);
}

void fixture_gate_init(fixture_gate *gate, int holds) {
    *gate = (fixture_gate){.holds = holds};
    pthread_mutex_init(&gate->lock, NULL);
    rl_cond_init(&gate->changed);
}

void fixture_gate_open(fixture_gate *gate) {
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

void fixture_gate_await_waiting(fixture_gate *gate, int count) {
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    pthread_mutex_lock(&gate->lock);
    while (gate->waiting < count && rl_clock_us() < deadline_us) {
        rl_cond_wait_until(&gate->changed, &gate->lock, deadline_us);
    }
    int waiting = gate->waiting;
    pthread_mutex_unlock(&gate->lock);
    ck_assert_int_ge(waiting, count);
}

rl_run_status fixture_run_gated(void *context, const rl_submission *submission, const rl_manifest *manifest,
                                rl_cancel_token *cancel, rl_arena *arena, rl_finished *ret, rl_error *err) {
    fixture_gate *gate = context;
    pthread_mutex_lock(&gate->lock);
    if (gate->holds < 0 || atoi(submission->id) == gate->holds) {
        gate->waiting++;
        pthread_cond_broadcast(&gate->changed);
        while (!gate->open && !rl_cancel_token_is_set(cancel)) {
            rl_cond_wait_until(&gate->changed, &gate->lock, rl_clock_us() + 20 * RL_US_PER_MS);
        }
        gate->waiting--;
    }
    pthread_mutex_unlock(&gate->lock);
    rl_run_status status = fixture_run_ok(NULL, submission, manifest, cancel, arena, ret, err);
    if (rl_cancel_token_is_set(cancel)) {
        ret->verdict = RL_VERDICT_CANCELLED;
        return RL_RUN_CANCELLED;
    }
    return status;
}
