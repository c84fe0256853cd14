/* sweep.h: containers that nobody looks after any more.
 *
 * A runner that is killed cannot remove its containers. They end by themselves, because their standard
 * input does, and stay behind as exited, or as created if the runner died before the start. Any runner of the
 * same project removes those once they have been in that state for a minute: long enough that no living
 * runner is still about to start one or to ask how one died.
 *
 * One kind does not end: where the Engine itself is killed while it starts a container, it may find the container running when it
 * is back, with nobody at the other end of its input and with no time at which it was started (seen with Engine 20.10). That time is
 * how it is told from those that run for somebody.
 *
 * Containers are told apart by labels (container_spec.h); nothing without the project's label is ever touched,
 * and nothing else that runs unless it is the caller's own.
 *
 * Thread: any.
 */
#ifndef RL_RUNNER_SWEEP_H
#define RL_RUNNER_SWEEP_H

#include "services/runner/engine.h"

#define RL_SWEEP_AGE_US (INT64_C(60) * 1000 * 1000)

/* Removes the project's orphans. `*ret_removed` counts them, also when it ends early with an error. */
bool rl_sweep_orphans(rl_engine *engine, const char *project, size_t *ret_removed, rl_error *err);

/* Removes every container of this runner, in any state: at its start (left by a predecessor of the same name)
 * and at its end. */
bool rl_sweep_own(rl_engine *engine, const char *project, const char *runner, size_t *ret_removed,
                  rl_error *err);

/* The containers of this runner that run, paused ones not among them. `*ret` is freed by the caller with free(). */
bool rl_sweep_list_running(rl_engine *engine, const char *project, const char *runner, rl_engine_row **ret,
                           size_t *ret_count, rl_error *err);

/* Whether a container in this state is an orphan at the wall clock time `now_us`. A state that begins in the future counts
 * too once it is as far away: the clock has been set back. Pure. */
bool rl_sweep_is_orphan(const rl_engine_state *state, int64_t now_us);

#endif
