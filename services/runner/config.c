/* config.c: the runner's options; see lib/base/config.h for how the table is used. */
#include "services/runner/config.h"

#include <stddef.h>

#include "services/runner/pool.h"

#define AT(field) offsetof(rl_runner_config, field)
#define AT_MAXIMA(field) offsetof(rl_runner_config, maxima.field)
#define AT_SECURITY(field) offsetof(rl_runner_config, kafka_security.field)
#define MIB (INT64_C(1024) * 1024)
#define GIB (INT64_C(1024) * MIB)
#define SECOND INT64_C(1000000)

static const rl_config_option options[] = {
    {"RUNLOG_SLOTS", RL_CONFIG_INT, AT(slots), "0", 0, 1024,
     "submissions executed at once; 0: one per core, which is also the most that keeps verdicts fair"},
    {"RUNLOG_LOG_LEVEL", RL_CONFIG_TEXT, AT(log_level), "info", 1, 8, "debug, info, warn or error"},
    {"RUNLOG_OPS_LISTEN", RL_CONFIG_TEXT, AT(ops_listen), "0.0.0.0:9100", 1, 255,
     "address and port of /healthz, /readyz and /metrics"},
    {"RUNLOG_KAFKA_BROKERS", RL_CONFIG_TEXT, AT(kafka_brokers), "kafka:9092", 1, 4095,
     "Kafka bootstrap servers, host:port separated by commas"},
    {"RUNLOG_KAFKA_PROPERTIES", RL_CONFIG_TEXT, AT(kafka_properties), "", 0, 4095,
     "further librdkafka properties, name=value separated by semicolons; they win over the next ones"},
    RL_STREAM_SECURITY_OPTIONS(AT_SECURITY),
    {"RUNLOG_DOCKER_SOCKET", RL_CONFIG_TEXT, AT(docker_socket), "/var/run/docker.sock", 1, 107,
     "unix socket of the Docker Engine that runs the sandboxes"},
    {"RUNLOG_PROJECT", RL_CONFIG_TEXT, AT(project), "runlog", 1, 63,
     "label of this stack's sandboxes: a runner removes what dead runners of the same project left behind"},
    {"RUNLOG_LANGUAGES_DIR", RL_CONFIG_TEXT, AT(languages_dir), "/usr/share/runlog/languages", 1, 4095,
     "folder of the language manifests"},
    {"RUNLOG_LANGUAGES", RL_CONFIG_TEXT, AT(languages), "", 0, 4095,
     "languages to offer, separated by commas, the same for all runners; empty: all in the folder"},
    {"RUNLOG_SANDBOX_IMAGE_PREFIX", RL_CONFIG_TEXT, AT(image_prefix), "runlog/lang-", 0, 255,
     "a language's image is this prefix, its name, a colon and the tag"},
    {"RUNLOG_SANDBOX_IMAGE_TAG", RL_CONFIG_TEXT, AT(image_tag), "latest", 1, 127,
     "tag of the language images"},
    {"RUNLOG_SANDBOX_RUNTIME", RL_CONFIG_TEXT, AT(runtime), "", 0, 63,
     "OCI runtime known to the Engine, for example runsc; empty: the Engine's default"},
    {"RUNLOG_SANDBOX_APPARMOR", RL_CONFIG_TEXT, AT(apparmor), "", 0, 127,
     "AppArmor profile loaded on the Engine's host (deploy/apparmor); empty: the Engine's own"},
    {"RUNLOG_WINDOW", RL_CONFIG_INT, AT(window), "256", 64, 1024,
     "records per partition between the first unfinished one and the last one taken"},
    {"RUNLOG_MAX_QUEUE_TIME", RL_CONFIG_DURATION, AT(max_queue_us), "1h", 10 * SECOND, 86400 * SECOND,
     "as at the API: how far back requests to cancel are read at the start, and how long they are kept"},
    {"RUNLOG_REVOKE_DRAIN", RL_CONFIG_DURATION, AT(drain_us), "15s", 0, 120 * SECOND,
     "how long partitions that move to another runner wait for what is running"},
    {"RUNLOG_RUNNER_STOP_GRACE", RL_CONFIG_DURATION, AT(grace_us), "20s", 0, 600 * SECOND,
     "how long a stopping runner waits for what is running; the rest is handed back to the group"},
    RL_MAXIMA_OPTIONS(AT_MAXIMA),
    {"RUNLOG_POOL_SIZE", RL_CONFIG_INT, AT(pool_size), "16", 0, 1024,
     "containers kept started for submissions to come, all languages together; 0: none, each starts its own"},
    {"RUNLOG_POOL_MEMORY", RL_CONFIG_BYTES, AT(pool_memory_bytes), "192MiB", 0, 64 * GIB,
     "memory that those containers may use while they wait; each counts as 8 MiB and what its language "
     "prestarts"},
    {"RUNLOG_POOL_IDLE", RL_CONFIG_DURATION, AT(pool_idle_us), "10m", 1 * SECOND, 86400 * SECOND,
     "a container that has waited this long is replaced by a fresh one"},
    {"RUNLOG_PRESTART", RL_CONFIG_BOOL, AT(prestart), "1", 0, 0,
     "while they wait, start in them what their language's manifest names as prestart"},
    {"RUNLOG_COMPILE_CACHE_BYTES", RL_CONFIG_BYTES, AT(compile_cache_bytes), "64MiB", 0, 64 * GIB,
     "memory for what successful compile steps leave behind: the same program is not compiled again; 0: none "
     "is kept"},
};

const rl_config_table rl_runner_config_table = {
    .service = "runlog-runner",
    .summary = "takes submissions from the log, executes each in a container, emits results",
    .options = options,
    .count = sizeof options / sizeof options[0],
};

size_t rl_runner_config_pool_size(const rl_runner_config *config) {
    int64_t fitting = config->pool_memory_bytes / RL_POOL_CONTAINER_BYTES;
    return (size_t)(fitting < config->pool_size ? fitting : config->pool_size);
}
