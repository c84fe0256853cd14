/* main.c: runlog-docker-proxy. Between runners and the Docker Engine: of what the Engine can do, it passes what a sandbox
 * needs.
 *
 * Whoever can open the Engine's socket is root on its host. A runner has to start containers, and it reads what comes out
 * of them; should it be taken over, this proxy is what it has instead of that socket.
 *
 * Exit status: 0 told to stop; 1 it could not go on (a supervisor should start it again); 2 wrong configuration or
 * arguments.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "lib/base/memory.h"
#include "lib/ops/ops_server.h"
#include "sandbox/seccomp/engine_profile.h"
#include "tools/docker-proxy/config.h"
#include "tools/docker-proxy/engine_watch.h"
#include "tools/docker-proxy/server.h"

enum { EXIT_CONFIG = 2, ARENAS = 2 };

RL_DEFINE_CLEANUP(log_slot, rl_log, rl_log_free)
RL_DEFINE_CLEANUP(metrics_slot, rl_metrics, rl_metrics_free)
RL_DEFINE_CLEANUP(ops_slot, rl_ops_server, rl_ops_server_free)

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

/* Two descriptors for each stream. What the system does not allow is found out by accept(2). */
static void raise_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int fail(rl_log *log, const char *event, const rl_error *err, int status) {
    rl_log_failure(log, RL_LOG_ERROR, event, err);
    return status;
}

/* Builds the parts, serves, takes them down in reverse order. */
static bool run(const rl_proxy_config *config, rl_log *log, int stop_fd, rl_error *err) {
    const rl_policy policy = rl_proxy_config_policy(config, rl_engine_profile);
    rl_upstream upstream = {.socket_path = config->docker_socket};
    RL_CLEANUP(metrics_slot) rl_metrics *metrics = rl_metrics_new();
    if (!metrics) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for metrics");
    }
    if (!rl_upstream_prepare(err)) {
        return false;
    }
    RL_AUTO_ENGINE_WATCH rl_engine_watch *watch = rl_engine_watch_new(&upstream, err);
    RL_AUTO_GATE rl_gate *gate = watch ? rl_gate_new(&policy, err) : NULL;
    if (!gate) {
        return false;
    }
    const rl_ops_readiness checks[] = {{"docker", rl_engine_watch_check, watch, true}};
    RL_CLEANUP(ops_slot) rl_ops_server *ops = rl_ops_server_new(config->ops_listen, metrics, checks, 1, err);
    const rl_server_options options = {
        .socket_path = config->listen,
        .connections = config->connections,
        .timeout_us = config->timeout_us,
        .gate = gate,
        .upstream = &upstream,
        .log = log,
        .metrics = metrics,
    };
    RL_AUTO_SERVER rl_server *server = ops ? rl_server_new(&options, err) : NULL;
    if (!server) {
        return false;
    }
    rl_log(log, RL_LOG_INFO, "proxy.started", RL_S("version", RL_VERSION), RL_S("listen", config->listen),
           RL_S("project", config->project));
    return rl_server_run(server, stop_fd, err);
}

int main(int argc, char **argv) {
    rl_memory_bound(ARENAS);
    switch (rl_config_arguments(&rl_proxy_config_table, argc, argv)) {
    case RL_CONFIG_DONE:
        return EXIT_SUCCESS;
    case RL_CONFIG_USAGE:
        return EXIT_CONFIG;
    case RL_CONFIG_RUN:
        break;
    }
    rl_error err = RL_ERROR_INIT;
    rl_proxy_config config = {0};
    bool loaded = rl_config_load(&rl_proxy_config_table, environ, &config, &err);
    rl_log_level level = RL_LOG_INFO;
    if (loaded && !rl_log_level_parse(config.log_level, &level)) {
        loaded = rl_error_set(&err, RL_INVALID, 0, "RUNLOG_LOG_LEVEL=%s: debug, info, warn or error",
                              config.log_level);
    }
    RL_CLEANUP(log_slot) rl_log *log = rl_log_new("runlog-docker-proxy", level, STDERR_FILENO);
    if (!loaded) {
        return fail(log, "proxy.misconfigured", &err, EXIT_CONFIG);
    }
    raise_descriptors();
    RL_AUTO_CLOSE int stop_fd = catch_signals();
    if (stop_fd < 0) {
        rl_error_set_errno(&err, RL_FATAL, errno, "cannot watch signals");
        return fail(log, "proxy.failed", &err, EXIT_FAILURE);
    }
    if (!run(&config, log, stop_fd, &err)) {
        return fail(log, "proxy.failed", &err, EXIT_FAILURE);
    }
    rl_log(log, RL_LOG_INFO, "proxy.stopped", RL_S("version", RL_VERSION));
    return EXIT_SUCCESS;
}
