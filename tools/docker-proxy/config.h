/* config.h: what can be set about the proxy; the table in config.c documents each variable.
 *
 * What bounds the sandboxes has the names that it has for the runner, and must have the same values.
 */
#ifndef RL_PROXY_CONFIG_H
#define RL_PROXY_CONFIG_H

#include "lib/base/config.h"
#include "tools/docker-proxy/policy.h"

typedef struct {
    const char *log_level;
    const char *ops_listen;
    const char *docker_socket;
    const char *listen;
    int64_t connections;
    int64_t timeout_us;
    const char *project;
    const char *image_prefix;
    const char *runtime;
    const char *apparmor;
    int64_t max_memory_bytes;
    int64_t max_file_bytes;
    int64_t max_processes;
    int64_t max_stack_bytes;
    int64_t max_open_files;
} rl_proxy_config;

extern const rl_config_table rl_proxy_config_table;

/* Borrows the configuration's texts. `seccomp`: the profile that sandboxes must have. */
rl_policy rl_proxy_config_policy(const rl_proxy_config *config, const char *seccomp);

#endif
