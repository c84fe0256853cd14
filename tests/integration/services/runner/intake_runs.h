/* intake_runs.h: what stands in the sandbox's place in a runner of intake_fixture.h: functions that answer at once, for
 * want of an image not at all, or when a gate opens.
 */
#ifndef RL_TESTS_INTAKE_RUNS_H
#define RL_TESTS_INTAKE_RUNS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "services/runner/execute.h"

/* A run that answers OK at once. */
rl_run_status fixture_run_ok(void *context, const rl_submission *submission, const rl_manifest *manifest,
                             rl_cancel_token *cancel, rl_arena *arena, rl_finished *ret, rl_error *err);

/* The same, save that submission 0 finds no image until the context, an atomic_bool, is true. */
rl_run_status fixture_run_without_image_of_0(void *context, const rl_submission *submission,
                                             const rl_manifest *manifest, rl_cancel_token *cancel,
                                             rl_arena *arena, rl_finished *ret, rl_error *err);

/* A gate that runs wait at. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int waiting;
    int holds; /* this submission's number alone waits; -1: all do */
} fixture_gate;

void fixture_gate_init(fixture_gate *gate, int holds);
void fixture_gate_open(fixture_gate *gate);
void fixture_gate_await_waiting(fixture_gate *gate, int count);

/* A run that waits at the gate (its context) until it opens or the run is cancelled. */
rl_run_status fixture_run_gated(void *context, const rl_submission *submission, const rl_manifest *manifest,
                                rl_cancel_token *cancel, rl_arena *arena, rl_finished *ret, rl_error *err);

#endif
