/* config.h: what can be set about the runner; the table in config.c documents each variable. */
#ifndef RL_RUNNER_CONFIG_H
#define RL_RUNNER_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/config.h"
#include "lib/manifest/bounds.h"
#include "lib/stream/security.h"

typedef struct {
    const char *log_level;
    const char *ops_listen;
    const char *kafka_brokers;
    const char *kafka_properties;
    rl_stream_security kafka_security;
    const char *docker_socket;
    const char *project;
    const char *languages_dir;
    const char *languages;
    const char *image_prefix;
    const char *image_tag;
    const char *runtime;
    const char *apparmor;
    int64_t slots;
    int64_t window;
    int64_t max_queue_us;
    int64_t drain_us;
    int64_t grace_us;
    rl_maxima maxima;
    int64_t pool_size;
    int64_t pool_memory_bytes;
    int64_t pool_idle_us;
    bool prestart;
    int64_t compile_cache_bytes;
} rl_runner_config;

extern const rl_config_table rl_runner_config_table;

/* How many containers may be kept warm: what both bounds allow; 0: none. */
size_t rl_runner_config_pool_size(const rl_runner_config *config);

#endif
