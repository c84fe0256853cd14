/* config.h: the settings of the sink, from the environment. */
#ifndef RL_SINK_CONFIG_H
#define RL_SINK_CONFIG_H

#include "lib/base/config.h"
#include "lib/stream/security.h"

typedef struct {
    const char *kafka_brokers;
    const char *kafka_properties;
    rl_stream_security kafka_security;
    const char *mongo_uri;
    int64_t mongo_timeout_us;
    int64_t retention_us;
    int64_t batch_records;
    int64_t batch_bytes;
    int64_t batch_time_us;
    const char *ops_listen;
    const char *log_level;
} rl_sink_settings;

/* The table that parses, bounds, documents and prints them. */
extern const rl_config_table rl_sink_config_table;

#endif
