/* main.c: runlog-runner. Reads the configuration, turns signals into a descriptor, runs the service.
 *
 * Exit status: 0 told to stop; 1 it could not go on (a supervisor should start it again); 2 wrong
 * configuration or arguments.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/memory.h"
#include "services/runner/runner.h"

enum { EXIT_CONFIG = 2, ARENAS = 2 };

RL_DEFINE_CLEANUP(log_slot, rl_log, rl_log_free)
RL_DEFINE_CLEANUP(runner_slot, rl_runner, rl_runner_free)

/* Before any thread starts, so that all of them inherit the mask and only the descriptor sees the signals. */
static int catch_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int fail(rl_log *log, const char *event, const rl_error *err, int status) {
    rl_log_failure(log, RL_LOG_ERROR, event, err);
    return status;
}

int main(int argc, char **argv) {
    rl_memory_bound(ARENAS);
    switch (rl_config_arguments(&rl_runner_config_table, argc, argv)) {
    case RL_CONFIG_DONE:
        return EXIT_SUCCESS;
    case RL_CONFIG_USAGE:
        return EXIT_CONFIG;
    case RL_CONFIG_RUN:
        break;
    }
    rl_error err = RL_ERROR_INIT;
    rl_runner_config config = {0};
    bool loaded = rl_config_load(&rl_runner_config_table, environ, &config, &err) &&
                  rl_maxima_check(&config.maxima, &err);
    rl_log_level level = RL_LOG_INFO;
    if (loaded && !rl_log_level_parse(config.log_level, &level)) {
        loaded = rl_error_set(&err, RL_INVALID, 0, "RUNLOG_LOG_LEVEL=%s: debug, info, warn or error",
                              config.log_level);
    }
    RL_CLEANUP(log_slot) rl_log *log = rl_log_new("runlog-runner", level, STDERR_FILENO);
    if (!loaded) {
        return fail(log, "runner.misconfigured", &err, EXIT_CONFIG);
    }
    RL_AUTO_CLOSE int stop_fd = catch_signals();
    if (stop_fd < 0) {
        rl_error_set_errno(&err, RL_FATAL, errno, "cannot watch signals");
        return fail(log, "runner.failed", &err, EXIT_FAILURE);
    }
    RL_CLEANUP(runner_slot) rl_runner *runner = rl_runner_new(&config, log, &err);
    if (!runner) {
        return fail(log, "runner.failed", &err, err.error_class == RL_INVALID ? EXIT_CONFIG : EXIT_FAILURE);
    }
    if (!rl_runner_run(runner, stop_fd, &err)) {
        return fail(log, "runner.failed", &err, EXIT_FAILURE);
    }
    rl_log(log, RL_LOG_INFO, "runner.stopped", RL_S("version", RL_VERSION));
    return EXIT_SUCCESS;
}
