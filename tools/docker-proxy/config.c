/* config.c: the proxy's options; see lib/base/config.h for how the table is used. */
#include "tools/docker-proxy/config.h"

#include <stddef.h>

#define AT(field) offsetof(rl_proxy_config, field)
#define MIB (INT64_C(1024) * 1024)
#define GIB (INT64_C(1024) * MIB)
#define SECOND INT64_C(1000000)

static const rl_config_option options[] = {
    {"RUNLOG_LOG_LEVEL", RL_CONFIG_TEXT, AT(log_level), "info", 1, 8, "debug, info, warn or error"},
    {"RUNLOG_OPS_LISTEN", RL_CONFIG_TEXT, AT(ops_listen), "127.0.0.1:9100", 1, 255,
     "address and port of /healthz, /readyz and /metrics"},
    {"RUNLOG_DOCKER_SOCKET", RL_CONFIG_TEXT, AT(docker_socket), "/var/run/docker.sock", 1, 107,
     "unix socket of the Docker Engine"},
    {"RUNLOG_PROXY_LISTEN", RL_CONFIG_TEXT, AT(listen), "/run/runlog/docker.sock", 1, 107,
     "unix socket to make for the runners, which only the proxy's own user can open"},
    {"RUNLOG_PROXY_CONNECTIONS", RL_CONFIG_INT, AT(connections), "512", 8, 8192,
     "connections at once: one for each container that runs or waits, and some twenty for each runner"},
    {"RUNLOG_PROXY_TIMEOUT", RL_CONFIG_DURATION, AT(timeout_us), "10s", SECOND, 600 * SECOND,
     "how long the bytes of one request may take, and those of its answer"},
    {"RUNLOG_PROJECT", RL_CONFIG_TEXT, AT(project), "runlog", 1, 63,
     "label of the sandboxes; as the runner has it"},
    {"RUNLOG_SANDBOX_IMAGE_PREFIX", RL_CONFIG_TEXT, AT(image_prefix), "runlog/lang-", 1, 127,
     "images whose name begins so may be started; as the runner has it"},
    {"RUNLOG_SANDBOX_RUNTIME", RL_CONFIG_TEXT, AT(runtime), "", 0, 63,
     "OCI runtime that sandboxes must ask for; empty: none; as the runner has it"},
    {"RUNLOG_SANDBOX_APPARMOR", RL_CONFIG_TEXT, AT(apparmor), "", 0, 127,
     "AppArmor profile that sandboxes must ask for; empty: none; as the runner has it"},
    {"RUNLOG_SANDBOX_MAX_MEMORY", RL_CONFIG_BYTES, AT(max_memory_bytes), "2GiB", 16 * MIB, 1024 * GIB,
     "memory of a sandbox at most; as the runner has it"},
    {"RUNLOG_SANDBOX_MAX_FILES", RL_CONFIG_BYTES, AT(max_file_bytes), "512MiB", 1 * MIB, 64 * GIB,
     "size of a sandbox's work folder at most; as the runner has it"},
    {"RUNLOG_SANDBOX_MAX_PROCESSES", RL_CONFIG_INT, AT(max_processes), "256", 1, 32768,
     "processes and threads of a sandbox at most; as the runner has it"},
    {"RUNLOG_SANDBOX_MAX_STACK", RL_CONFIG_BYTES, AT(max_stack_bytes), "1GiB", 1 * MIB, 64 * GIB,
     "stack of a process at most; as the runner has it"},
    {"RUNLOG_SANDBOX_MAX_OPEN_FILES", RL_CONFIG_INT, AT(max_open_files), "1024", 64, 65536,
     "open files of a process at most; as the runner has it"},
};

const rl_config_table rl_proxy_config_table = {
    .service = "runlog-docker-proxy",
    .summary = "passes of a runner's requests to the Docker Engine those that sandboxes need, and no others",
    .options = options,
    .count = sizeof options / sizeof options[0],
};

rl_policy rl_proxy_config_policy(const rl_proxy_config *config, const char *seccomp) {
    return (rl_policy){
        .project = config->project,
        .image_prefix = config->image_prefix,
        .runtime = config->runtime,
        .apparmor = config->apparmor,
        .seccomp = seccomp,
        .memory_bytes = config->max_memory_bytes,
        .processes = config->max_processes,
        .file_bytes = config->max_file_bytes,
        .stack_bytes = config->max_stack_bytes,
        .open_files = config->max_open_files,
    };
}
