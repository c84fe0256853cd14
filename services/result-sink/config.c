/* config.c: the table. */
#include "services/result-sink/config.h"

#include <stddef.h>

#define AT_SECURITY(field) offsetof(rl_sink_settings, kafka_security.field)
#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)

static const rl_config_option options[] = {
    {"RUNLOG_KAFKA_BROKERS", RL_CONFIG_TEXT, offsetof(rl_sink_settings, kafka_brokers), "kafka:9092", 1, 4096,
     "Kafka brokers, host:port separated by commas."},
    {"RUNLOG_KAFKA_PROPERTIES", RL_CONFIG_TEXT, offsetof(rl_sink_settings, kafka_properties), "", 0, 4096,
     "Further librdkafka properties, name=value separated by semicolons; they win over the next ones."},
    RL_STREAM_SECURITY_OPTIONS(AT_SECURITY),
    {"RUNLOG_MONGO_URI", RL_CONFIG_TEXT, offsetof(rl_sink_settings, mongo_uri),
     "mongodb://mongo:27017/runlog", 1, 4096, "MongoDB connection string; it names the database."},
    {"RUNLOG_MONGO_TIMEOUT", RL_CONFIG_DURATION, offsetof(rl_sink_settings, mongo_timeout_us), "20s", SECOND,
     120 * SECOND, "The longest that one answer of MongoDB may take before the write is tried again."},
    {"RUNLOG_RESULT_RETENTION", RL_CONFIG_DURATION, offsetof(rl_sink_settings, retention_us), "30d",
     60 * SECOND, 3650 * DAY,
     "How long a result is kept after it finished; the topic results must keep its records as long."},
    {"RUNLOG_SINK_BATCH_RECORDS", RL_CONFIG_INT, offsetof(rl_sink_settings, batch_records), "500", 1, 10000,
     "Results written at once at most."},
    {"RUNLOG_SINK_BATCH_BYTES", RL_CONFIG_BYTES, offsetof(rl_sink_settings, batch_bytes), "16MiB", 64 * KIB,
     256 * MIB, "Bytes of results written at once at most; the last record may pass it."},
    {"RUNLOG_SINK_BATCH_TIME", RL_CONFIG_DURATION, offsetof(rl_sink_settings, batch_time_us), "50ms", 0,
     10 * SECOND,
     "Time spent on gathering a batch while records keep coming. A few records are fetched together, up to "
     "half a second after the first."},
    {"RUNLOG_OPS_LISTEN", RL_CONFIG_TEXT, offsetof(rl_sink_settings, ops_listen), "0.0.0.0:9100", 1, 255,
     "Address of the internal port: /healthz, /readyz, /metrics."},
    {"RUNLOG_LOG_LEVEL", RL_CONFIG_TEXT, offsetof(rl_sink_settings, log_level), "info", 1, 16,
     "debug, info, warn or error."},
};

const rl_config_table rl_sink_config_table = {
    .service = "runlog-result-sink",
    .summary = "Writes finished submissions from Kafka to MongoDB.",
    .options = options,
    .count = sizeof options / sizeof options[0],
};
