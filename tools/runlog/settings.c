/* settings.c: the table of the command line's environment variables. */
#include "tools/runlog/settings.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/topics.h"

#define MINUTE (60 * RL_US_PER_S)
#define DAY (24 * 60 * MINUTE)
#define AT(field) offsetof(rl_cli_settings, field)
#define AT_SECURITY(field) offsetof(rl_cli_settings, kafka_security.field)

static const rl_config_option options[] = {
    {"RUNLOG_URL", RL_CONFIG_TEXT, AT(url), RL_CLI_URL, 1, 4096,
     "Where the API is, for the commands that talk to it; they read no other setting."},
    {"RUNLOG_KAFKA_BROKERS", RL_CONFIG_TEXT, AT(brokers), "kafka:9092", 1, 4096,
     "Kafka's bootstrap brokers, host:port separated by commas."},
    {"RUNLOG_KAFKA_PROPERTIES", RL_CONFIG_TEXT, AT(kafka_properties), "", 0, 8192,
     "Further librdkafka properties, name=value separated by semicolons; they win over the next ones."},
    RL_STREAM_SECURITY_OPTIONS(AT_SECURITY),
    {"RUNLOG_MONGO_URI", RL_CONFIG_TEXT, AT(mongo_uri), "mongodb://mongo:27017/runlog", 1, 4096,
     "The database that the sink fills, for rebuild, which holds another one against it."},
    {"RUNLOG_REBUILD_URI", RL_CONFIG_TEXT, AT(rebuild_uri), "", 0, 4096,
     "The database that rebuild fills where --into names none: a password stays out of the command line."},
    {"RUNLOG_LOG_LEVEL", RL_CONFIG_TEXT, AT(log_level), "info", 1, 5,
     "Shared with the services; commands print what they did whatever it says."},
    {"RUNLOG_TOPIC_PARTITIONS", RL_CONFIG_INT, AT(topic_partitions), "12", 1, RL_TOPIC_MAX_PARTITIONS,
     "Partitions of a new topic whose work is shared out; existing topics keep theirs."},
    {"RUNLOG_TOPIC_REPLICATION", RL_CONFIG_INT, AT(topic_replication), "1", 1, 16,
     "Replicas of a new topic; 3 survives the loss of a broker's disk."},
    {"RUNLOG_RESULT_RETENTION", RL_CONFIG_DURATION, AT(results_retention_us), "30d", MINUTE, 3650 * DAY,
     "How long the topic results is kept: at least as long as the database keeps results; rebuild counts "
     "from it as the sink does."},
    {"RUNLOG_TOPICS_WAIT", RL_CONFIG_DURATION, AT(topics_wait_us), "2m", 0, 60 * MINUTE,
     "How long topics create waits for Kafka to answer."},
    {"RUNLOG_TOPICS_WARM_UP", RL_CONFIG_DURATION, AT(topics_warm_up_us), "3s", 0, MINUTE,
     "How long topics create exercises a broker that is alone, so that the first submissions find it "
     "compiled; 0: "
     "not at all."},
};

static const rl_config_table table = {
    .service = "runlog",
    .summary = "the operator's command line",
    .options = options,
    .count = sizeof options / sizeof options[0],
};

const rl_config_table *rl_cli_settings_table(void) {
    return &table;
}

bool rl_cli_settings_load(char *const *environment, rl_cli_settings *ret, rl_error *err) {
    return rl_config_load(&table, environment, ret, err);
}

const char *rl_cli_settings_url(char *const *environment) {
    static const char name[] = "RUNLOG_URL=";
    for (; environment && *environment; environment++) {
        if (strncmp(*environment, name, sizeof name - 1) == 0 && (*environment)[sizeof name - 1] != '\0') {
            return *environment + sizeof name - 1;
        }
    }
    return RL_CLI_URL;
}

rl_stream_config rl_cli_settings_stream(const rl_cli_settings *settings) {
    return (rl_stream_config){
        .brokers = settings->brokers,
        .client_id = "runlog-cli",
        .properties = settings->kafka_properties,
        .security = &settings->kafka_security,
    };
}
