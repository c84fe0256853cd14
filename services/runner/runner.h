/* runner.h: the whole service, put together.
 *
 * The order of its start is the order of what it needs: the internal HTTP port (so that a waiting runner
 * can say what it waits for), the Docker Engine, every language's image, the log; and only then the group.
 * A runner that lacks an image must not join: all members of the group offer the same languages, and it
 * would take records that it cannot execute.
 */
#ifndef RL_RUNNER_RUNNER_H
#define RL_RUNNER_RUNNER_H

#include "lib/base/log.h"
#include "services/runner/config.h"

typedef struct rl_runner rl_runner;

/* `config` and `log` are borrowed. */
rl_runner *rl_runner_new(const rl_runner_config *config, rl_log *log, rl_error *err);

/* Starts, works, and stops in good order once `stop_fd` is readable. true: it was told to stop. false:
 * `err` says what it could not do without. */
bool rl_runner_run(rl_runner *runner, int stop_fd, rl_error *err);

void rl_runner_free(rl_runner *runner);

#endif
