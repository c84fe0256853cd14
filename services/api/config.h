/* config.h: what can be set about the API service; the table in config.c documents each variable. */
#ifndef RL_API_CONFIG_H
#define RL_API_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/config.h"
#include "lib/manifest/bounds.h"
#include "lib/stream/security.h"

typedef struct {
    const char *listen;
    bool open;
    int64_t threads;
    int64_t backlog;
    int64_t parked;
    const char *log_level;
    const char *languages_dir;
    const char *languages;
    const char *id_secret_file;
    const char *kafka_brokers;
    const char *kafka_properties;
    rl_stream_security kafka_security;
    const char *mongo_uri;
    int64_t mongo_pool;
    int64_t body_bytes;
    int64_t body_memory_bytes;
    int64_t body_timeout_us;
    int64_t request_timeout_us;
    int64_t keep_alive_us;
    int64_t publish_timeout_us;
    int64_t cache_bytes;
    int64_t admission_wait_us;
    int64_t admission_batch_wait_us;
    int64_t admission_absence_us;
    int64_t max_queue_us;
    int64_t retention_us;
    rl_maxima maxima;
    int64_t stop_grace_us;
} rl_api_config;

extern const rl_config_table rl_api_config_table;

#endif
