/* settings.h: the environment variables that the commands read.
 *
 * One table for all commands; a command that talks to nobody but a URL it was given reads none of them,
 * so that `runlog probe` works inside any service's container.
 */
#ifndef RL_TOOLS_SETTINGS_H
#define RL_TOOLS_SETTINGS_H

#include "lib/base/config.h"
#include "lib/stream/client.h"

#define RL_CLI_URL "http://127.0.0.1:3005" /* where the API is, unless told otherwise */

typedef struct {
    const char *url;
    const char *brokers;
    const char *kafka_properties;
    rl_stream_security kafka_security;
    const char *mongo_uri;
    const char *rebuild_uri; /* "": none */
    const char *log_level;   /* accepted because the services share it; a command's words are few */
    int64_t topic_partitions;
    int64_t topic_replication;
    int64_t results_retention_us;
    int64_t topics_wait_us;
    int64_t topics_warm_up_us;
} rl_cli_settings;

const rl_config_table *rl_cli_settings_table(void);

bool rl_cli_settings_load(char *const *environment, rl_cli_settings *ret, rl_error *err);

/* RUNLOG_URL alone, whatever else is set: commands that talk to nobody but the API work in any environment. */
const char *rl_cli_settings_url(char *const *environment);

/* The Kafka part of the settings; borrows from them. */
rl_stream_config rl_cli_settings_stream(const rl_cli_settings *settings);

#endif
