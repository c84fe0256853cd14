/* config.c: the API's options; see lib/base/config.h for how the table is used. */
#include "services/api/config.h"

#include <stddef.h>

#define AT(field) offsetof(rl_api_config, field)
#define AT_MAXIMA(field) offsetof(rl_api_config, maxima.field)
#define AT_SECURITY(field) offsetof(rl_api_config, kafka_security.field)
#define KIB INT64_C(1024)
#define MIB (INT64_C(1024) * KIB)
#define GIB (INT64_C(1024) * MIB)
#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

static const rl_config_option options[] = {
    {"RUNLOG_API_LISTEN", RL_CONFIG_TEXT, AT(listen), "0.0.0.0:3005", 1, 255,
     "address and port of the HTTP API"},
    {"RUNLOG_API_OPEN", RL_CONFIG_BOOL, AT(open), "0", 0, 0,
     "1: anybody who reaches the port may submit programs; without keys the API starts only with it"},
    {"RUNLOG_API_THREADS", RL_CONFIG_INT, AT(threads), "256", 8, 4096,
     "connections served at once; long polls hold three quarters of them at most"},
    {"RUNLOG_API_BACKLOG", RL_CONFIG_INT, AT(backlog), "1024", 16, 65535,
     "connections that may wait for a free thread"},
    {"RUNLOG_API_PARKED", RL_CONFIG_INT, AT(parked), "10000", 0, 1000000,
     "long polls that wait beyond those, each with a descriptor and no thread; more are answered at once"},
    {"RUNLOG_LOG_LEVEL", RL_CONFIG_TEXT, AT(log_level), "info", 1, 8, "debug, info, warn or error"},
    {"RUNLOG_LANGUAGES_DIR", RL_CONFIG_TEXT, AT(languages_dir), "/usr/share/runlog/languages", 1, 4095,
     "folder of the language manifests"},
    {"RUNLOG_LANGUAGES", RL_CONFIG_TEXT, AT(languages), "", 0, 4095,
     "languages to offer, separated by commas; empty: all in the folder"},
    {"RUNLOG_ID_SECRET_FILE", RL_CONFIG_TEXT, AT(id_secret_file), "/var/lib/runlog/secret/id.key", 1, 4095,
     "keys under which ids are signed; made at the first start, shared by all instances of the API"},
    {"RUNLOG_KAFKA_BROKERS", RL_CONFIG_TEXT, AT(kafka_brokers), "kafka:9092", 1, 4095,
     "Kafka bootstrap servers, host:port separated by commas"},
    {"RUNLOG_KAFKA_PROPERTIES", RL_CONFIG_TEXT, AT(kafka_properties), "", 0, 4095,
     "further librdkafka properties, name=value separated by semicolons; they win over the next ones"},
    RL_STREAM_SECURITY_OPTIONS(AT_SECURITY),
    {"RUNLOG_MONGO_URI", RL_CONFIG_TEXT, AT(mongo_uri), "mongodb://mongo:27017/runlog", 1, 4095,
     "MongoDB connection string; its path names the database"},
    {"RUNLOG_API_MONGO_POOL", RL_CONFIG_INT, AT(mongo_pool), "32", 1, 1000, "connections to MongoDB at most"},
    {"RUNLOG_API_BODY_BYTES", RL_CONFIG_BYTES, AT(body_bytes), "8MiB", 1 * KIB, 64 * MIB,
     "largest request body; past it the answer is 413"},
    {"RUNLOG_API_BODY_MEMORY", RL_CONFIG_BYTES, AT(body_memory_bytes), "256MiB", 1 * MIB, 64 * GIB,
     "request bodies held in memory at once, all together; past it the answer is 503"},
    {"RUNLOG_API_BODY_TIMEOUT", RL_CONFIG_DURATION, AT(body_timeout_us), "60s", 1 * SECOND, 600 * SECOND,
     "longest time for a request body to arrive, and for an answer to be taken"},
    {"RUNLOG_API_REQUEST_TIMEOUT", RL_CONFIG_DURATION, AT(request_timeout_us), "15s", 1 * SECOND,
     600 * SECOND, "longest time for a request's head to arrive, and longest silence within its body"},
    {"RUNLOG_API_KEEP_ALIVE", RL_CONFIG_DURATION, AT(keep_alive_us), "15s", 1 * SECOND, 600 * SECOND,
     "how long an idle connection is kept for its next request"},
    {"RUNLOG_API_PUBLISH_TIMEOUT", RL_CONFIG_DURATION, AT(publish_timeout_us), "8s", 1 * SECOND, 60 * SECOND,
     "longest time for Kafka to acknowledge a submission; past it the answer is 503"},
    {"RUNLOG_API_CACHE_BYTES", RL_CONFIG_BYTES, AT(cache_bytes), "64MiB", 1 * MIB, 64 * GIB,
     "results kept in memory while MongoDB may not have them; of those that it has, a 32nd of it"},
    {"RUNLOG_API_ADMISSION_WAIT", RL_CONFIG_DURATION, AT(admission_wait_us), "5m", 0, 1 * DAY,
     "estimated wait, up to RUNLOG_MAX_QUEUE_TIME, from which on submissions get a 503; off: all are taken"},
    {"RUNLOG_API_ADMISSION_BATCH_WAIT", RL_CONFIG_DURATION, AT(admission_batch_wait_us), "15m", 0, 1 * DAY,
     "the same for submissions to the lane batch, which may wait longer"},
    {"RUNLOG_API_ADMISSION_ABSENCE", RL_CONFIG_DURATION, AT(admission_absence_us), "60s", 1 * SECOND, 1 * DAY,
     "how long there may be no runner in the group before submissions are answered with 503"},
    {"RUNLOG_MAX_QUEUE_TIME", RL_CONFIG_DURATION, AT(max_queue_us), "1h", 10 * SECOND, 1 * DAY,
     "longest time that a submission may wait for a runner"},
    {"RUNLOG_RESULT_RETENTION", RL_CONFIG_DURATION, AT(retention_us), "30d", 3600 * SECOND, 3650 * DAY,
     "how long results are kept; the id of an older one is unknown"},
    RL_MAXIMA_OPTIONS(AT_MAXIMA),
    {"RUNLOG_API_STOP_GRACE", RL_CONFIG_DURATION, AT(stop_grace_us), "20s", 1 * SECOND, 600 * SECOND,
     "longest time to finish requests after SIGTERM"},
};

const rl_config_table rl_api_config_table = {
    .service = "runlog-api",
    .summary = "the HTTP API: takes submissions onto the log and answers with their results",
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
};
