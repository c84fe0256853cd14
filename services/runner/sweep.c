#include "services/runner/sweep.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "services/runner/container_spec.h"

#define LABEL_SIZE 256

static bool write_label(char out[LABEL_SIZE], const char *name, const char *value, rl_error *err) {
    int size = snprintf(out, LABEL_SIZE, "%s=%s", name, value);
    return (size >= 0 && size < LABEL_SIZE) ||
           rl_error_set(err, RL_INVALID, 0, "the label %s is too long", name);
}

bool rl_sweep_is_orphan(const rl_engine_state *state, int64_t now_us) {
    if (state->phase == RL_CONTAINER_RUNNING && state->started_us != 0) {
        return false;
    }
    bool ended = state->phase == RL_CONTAINER_EXITED && state->finished_us != 0;
    int64_t since_us = ended ? state->finished_us : state->created_us;
    int64_t age_us = now_us - since_us;
    return age_us > RL_SWEEP_AGE_US || age_us < -RL_SWEEP_AGE_US;
}

/* Removes one container, or leaves it: it is no orphan, or somebody else was quicker. */
static bool remove_row(rl_engine *engine, const rl_engine_row *row, bool orphans_only, size_t *ret_removed,
                       rl_error *err) {
    rl_engine_state state;
    if (orphans_only && !rl_engine_container_state(engine, row->id, &state, err)) {
        return err->code == 404;
    }
    if (orphans_only && !rl_sweep_is_orphan(&state, rl_wall_clock_us())) {
        return true;
    }
    if (!rl_engine_remove(engine, row->id, err)) {
        return false;
    }
    (*ret_removed)++;
    return true;
}

/* Removes those of the list that are orphans, or all of them. One that cannot be removed does not keep the
 * others: the first failure is told at the end. */
static bool remove_rows(rl_engine *engine, const rl_engine_row *rows, size_t count, bool orphans_only,
                        size_t *ret_removed, rl_error *err) {
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        rl_error failure = RL_ERROR_INIT;
        if (!remove_row(engine, &rows[i], orphans_only, ret_removed, &failure)) {
            if (all && err) {
                *err = failure;
            }
            all = false;
        }
    }
    return all;
}

bool rl_sweep_orphans(rl_engine *engine, const char *project, size_t *ret_removed, rl_error *err) {
    static const char *const statuses[] = {"created", "exited", "dead", "running", NULL};
    char label[LABEL_SIZE];
    RL_AUTO_FREE rl_engine_row *rows = NULL;
    size_t count = 0;
    *ret_removed = 0;
    bool done = write_label(label, RL_LABEL_PROJECT, project, err) &&
                rl_engine_list(engine, (const char *const[]){label, NULL}, statuses, &rows, &count, err) &&
                remove_rows(engine, rows, count, true, ret_removed, err);
    return done || rl_error_prefix(err, "cannot sweep orphaned sandboxes");
}

/* Of one runner, in any state of `statuses`. */
static bool list_own(rl_engine *engine, const char *project, const char *runner, const char *const *statuses,
                     rl_engine_row **ret, size_t *ret_count, rl_error *err) {
    char project_label[LABEL_SIZE], runner_label[LABEL_SIZE];
    return write_label(project_label, RL_LABEL_PROJECT, project, err) &&
           write_label(runner_label, RL_LABEL_RUNNER, runner, err) &&
           rl_engine_list(engine, (const char *const[]){project_label, runner_label, NULL}, statuses, ret,
                          ret_count, err);
}

bool rl_sweep_list_running(rl_engine *engine, const char *project, const char *runner, rl_engine_row **ret,
                           size_t *ret_count, rl_error *err) {
    static const char *const running[] = {"running", NULL};
    return list_own(engine, project, runner, running, ret, ret_count, err);
}

bool rl_sweep_own(rl_engine *engine, const char *project, const char *runner, size_t *ret_removed,
                  rl_error *err) {
    RL_AUTO_FREE rl_engine_row *rows = NULL;
    size_t count = 0;
    *ret_removed = 0;
    bool done = list_own(engine, project, runner, NULL, &rows, &count, err) &&
                remove_rows(engine, rows, count, false, ret_removed, err);
    return done || rl_error_prefix(err, "cannot remove this runner's sandboxes");
}
