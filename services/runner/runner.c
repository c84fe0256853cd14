/* runner.c: builds the parts in order, runs the intake, takes them apart in reverse. */
#include "services/runner/runner.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/ops/ops_server.h"
#include "lib/stream/schema_topic.h"
#include "lib/stream/topics.h"
#include "services/runner/controls.h"
#include "services/runner/execute.h"
#include "services/runner/health.h"
#include "services/runner/intake.h"

#define RETRY_MIN_US (250 * RL_US_PER_MS)
#define RETRY_MAX_US (5 * RL_US_PER_S)
#define PRIME_TIMEOUT_US (5 * RL_US_PER_S)
#define RUNNER_ID_SIZE 96
#define CHECKS 6
#define CONTROLS_PATIENCE_US (5 * RL_US_PER_S)

struct rl_runner {
    const rl_runner_config *config;
    rl_log *log;
    char id[RUNNER_ID_SIZE];
    rl_stream_config stream;
    rl_metrics *registry;
    rl_runner_metrics metrics;
    rl_health *health;
    rl_ops_readiness checks[CHECKS];
    rl_ops_server *ops;
    rl_manifests *manifests;
    rl_sandbox *sandbox;
    rl_codec *codec;
    rl_schema_source *schemas;
    rl_cancelled_ids *cancelled;
    rl_cancelled_replays *cancelled_replays;
    _Atomic(rl_controls *) controls; /* for the readiness checks, too */
    rl_producer *producer;
    rl_emitter *emitter;
    rl_executor executor;
    rl_absences *absences;
    rl_slots *slots;
    rl_intake *intake;
    _Atomic(rl_intake *) visible_intake; /* for the readiness checks, which run in other threads */
};

/* A step of the start. TRANSIENT: it is worth trying again. */
typedef bool (*step)(rl_runner *runner, rl_error *err);

/* ---- identity and readiness ---- */

static void name_runner(char id[RUNNER_ID_SIZE]) {
    char host[65] = "runner";
    if (gethostname(host, sizeof host) == 0) {
        host[sizeof host - 1] = '\0';
    }
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
        random = (uint32_t)rl_clock_us(); /* it tells runners of one host apart; nothing rests on it */
    }
    snprintf(id, RUNNER_ID_SIZE, "%s-%08" PRIx32, host, random);
}

static bool check_group(void *context, char reason[128]) {
    rl_runner *runner = context;
    const rl_intake *intake = atomic_load(&runner->visible_intake);
    bool joined = intake && rl_intake_is_joined(intake);
    snprintf(reason, 128, "%s", joined ? "" : "no member of the group " RL_GROUP_RUNNERS " yet");
    return joined;
}

static bool check_offsets(void *context, char reason[128]) {
    rl_runner *runner = context;
    const rl_intake *intake = atomic_load(&runner->visible_intake);
    const char *refused = intake ? rl_intake_refused(intake) : NULL;
    snprintf(reason, 128, "%s", refused ? refused : "");
    return !refused;
}

static bool check_controls(void *context, char reason[128]) {
    rl_runner *runner = context;
    rl_controls *controls = atomic_load(&runner->controls);
    snprintf(reason, 128, "%s", controls ? "" : "starting");
    return controls && rl_controls_check(controls, reason);
}

static bool check_accepting(void *context, char reason[128]) {
    rl_runner *runner = context;
    const rl_intake *intake = atomic_load(&runner->visible_intake);
    bool accepting = intake && !rl_intake_is_stopping(intake);
    snprintf(reason, 128, "%s", accepting ? "" : intake ? "stopping" : "starting");
    return accepting;
}

/* ---- the parts ---- */

static size_t slot_count(const rl_runner_config *config) {
    if (config->slots > 0) {
        return (size_t)config->slots;
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? (size_t)cores : 1;
}

static bool open_ops(rl_runner *runner, rl_error *err) {
    const rl_ops_readiness checks[CHECKS] = {
        {"docker", rl_health_check_docker, runner->health, true},
        {"kafka", rl_health_check_kafka, runner->health, true},
        {"group", check_group, runner, true},
        {"offsets", check_offsets, runner, true},
        {"controls", check_controls, runner, true},
        {"accepting", check_accepting, runner, true},
    };
    memcpy(runner->checks, checks, sizeof checks);
    runner->ops =
        rl_ops_server_new(runner->config->ops_listen, runner->registry, runner->checks, CHECKS, err);
    return runner->ops != NULL;
}

static bool open_sandbox(rl_runner *runner, rl_error *err) {
    const rl_sandbox_options options = {
        .docker_socket = runner->config->docker_socket,
        .project = runner->config->project,
        .runner = runner->id,
        .image_prefix = runner->config->image_prefix,
        .image_tag = runner->config->image_tag,
        .runtime = runner->config->runtime,
        .apparmor = runner->config->apparmor,
        .maxima = rl_maxima_limits(&runner->config->maxima),
        .languages = runner->manifests,
        .pool_size = rl_runner_config_pool_size(runner->config),
        .pool_memory_bytes = runner->config->pool_memory_bytes,
        .slots = slot_count(runner->config),
        .pool_idle_us = runner->config->pool_idle_us,
        .prestart = runner->config->prestart,
        .compile_cache_bytes = (size_t)runner->config->compile_cache_bytes,
        .log = runner->log,
        .metrics = runner->registry,
    };
    rl_error failure = RL_ERROR_INIT;
    runner->sandbox = rl_sandbox_new(&options, &failure);
    rl_health_set_docker(runner->health, runner->sandbox ? NULL : &failure);
    if (!runner->sandbox && err) {
        *err = failure;
    }
    return runner->sandbox != NULL;
}

static bool check_language(rl_runner *runner, const rl_manifest *manifest, rl_error *err) {
    char digest[RL_IMAGE_DIGEST_SIZE] = "";
    rl_error failure = RL_ERROR_INIT;
    switch (rl_sandbox_check_language(runner->sandbox, manifest, digest, &failure)) {
    case RL_IMAGE_READY:
        rl_log(runner->log, RL_LOG_INFO, "language.ready", RL_S("language", manifest->name),
               RL_S("version", manifest->version), RL_S("image", digest));
        return true;
    case RL_IMAGE_UNCHECKED:
        failure.error_class = RL_TRANSIENT;
        break;
    case RL_IMAGE_MISSING:
        return rl_error_set(err, RL_FATAL, 0,
                            "language %s: image %s%s:%s is missing; build it, or leave the language out of "
                            "RUNLOG_LANGUAGES of every runner",
                            manifest->name, runner->config->image_prefix, manifest->name,
                            runner->config->image_tag);
    case RL_IMAGE_UNUSABLE:
        failure.error_class = RL_FATAL;
        break;
    }
    if (err) {
        *err = failure;
    }
    return rl_error_prefix(err, "language %s", manifest->name);
}

static bool check_languages(rl_runner *runner, rl_error *err) {
    for (size_t i = 0; i < rl_manifests_count(runner->manifests); i++) {
        if (!check_language(runner, rl_manifests_at(runner->manifests, i), err)) {
            return false;
        }
    }
    return true;
}

/* The first record to a topic would wait for metadata; and a topic that is missing shows here, before
 * anything has been taken. */
static bool reach_kafka(rl_runner *runner, rl_error *err) {
    static const char *const topics[] = {RL_TOPIC_RESULTS, RL_TOPIC_EVENTS, RL_TOPIC_SUBMISSIONS_DLQ,
                                         RL_TOPIC_SCHEMAS};
    rl_error failure = RL_ERROR_INIT;
    bool ok = true;
    for (size_t i = 0; i < sizeof topics / sizeof topics[0] && ok; i++) {
        ok = rl_producer_prime(runner->producer, topics[i], PRIME_TIMEOUT_US, NULL, &failure);
    }
    rl_health_set_kafka(runner->health, ok ? NULL : &failure);
    if (!ok && err) {
        *err = failure;
    }
    return ok;
}

/* Nothing that was cancelled before may start. */
static bool read_controls(rl_runner *runner, rl_error *err) {
    if (!atomic_load(&runner->controls)) {
        const rl_controls_options options = {
            .stream = &runner->stream,
            .topic = RL_TOPIC_CONTROLS,
            .queue_us = runner->config->max_queue_us,
            .codec = runner->codec,
            .schemas = runner->schemas,
            .cancelled = runner->cancelled,
            .replays = runner->cancelled_replays,
            .metrics = &runner->metrics,
            .log = runner->log,
        };
        rl_controls *controls = rl_controls_new(&options, err);
        if (!controls) {
            return false;
        }
        atomic_store(&runner->controls, controls);
    }
    return rl_controls_await(runner->controls, CONTROLS_PATIENCE_US, err);
}

static bool publish_schemas(rl_runner *runner, rl_error *err) {
    static const rl_record_kind kinds[] = {RL_RECORD_FINISHED, RL_RECORD_STARTED};
    return rl_schema_topic_publish(runner->producer, runner->codec, kinds, 2, err);
}

static bool open_log(rl_runner *runner, rl_error *err) {
    runner->codec = rl_codec_new(err);
    if (!runner->codec) {
        return false;
    }
    runner->stream = (rl_stream_config){
        .brokers = runner->config->kafka_brokers,
        .client_id = runner->id,
        .properties = runner->config->kafka_properties,
        .security = &runner->config->kafka_security,
    };
    runner->cancelled = rl_cancelled_ids_new(RL_CANCELLED_MAX, err);
    runner->cancelled_replays = runner->cancelled ? rl_cancelled_replays_new(err) : NULL;
    if (!runner->cancelled_replays) {
        return false;
    }
    runner->schemas = rl_schema_source_new(&runner->stream, RL_TOPIC_SCHEMAS, runner->codec, err);
    runner->producer = runner->schemas ? rl_producer_new(&runner->stream, 0, err) : NULL;
    if (!runner->producer) {
        return false;
    }
    const rl_emitter_options options = {
        .producer = runner->producer,
        .codec = runner->codec,
        .runner = runner->id,
        .results_topic = RL_TOPIC_RESULTS,
        .events_topic = RL_TOPIC_EVENTS,
        .dead_letter_topic = RL_TOPIC_SUBMISSIONS_DLQ,
    };
    runner->emitter = rl_emitter_new(&options, err);
    return runner->emitter != NULL;
}

/* What rl_executor calls; the sandbox's own function takes no void pointer. */
static rl_run_status run_in_sandbox(void *sandbox, const rl_submission *submission,
                                    const rl_manifest *manifest, rl_cancel_token *cancel, rl_arena *arena,
                                    rl_finished *ret, rl_error *err) {
    return rl_sandbox_run(sandbox, submission, manifest, cancel, arena, ret, err);
}

static bool open_slots(rl_runner *runner, rl_error *err) {
    runner->absences = rl_absences_new(RL_EXECUTE_PATIENCE_US, err);
    if (!runner->absences) {
        return false;
    }
    runner->executor = (rl_executor){
        .run = run_in_sandbox,
        .sandbox = runner->sandbox,
        .manifests = runner->manifests,
        .codec = runner->codec,
        .schemas = runner->schemas,
        .emitter = runner->emitter,
        .metrics = &runner->metrics,
        .log = runner->log,
        .patience_us = RL_EXECUTE_PATIENCE_US,
        .absences = runner->absences,
        .cancelled_replays = runner->cancelled_replays,
    };
    runner->slots = rl_slots_new(slot_count(runner->config), rl_execute, &runner->executor, err);
    return runner->slots != NULL;
}

static bool open_intake(rl_runner *runner, int stop_fd, rl_error *err) {
    static const char *const lanes[] = {RL_TOPIC_SUBMISSIONS, RL_TOPIC_SUBMISSIONS_BATCH,
                                        RL_TOPIC_SUBMISSIONS_REPLAY};
    const rl_intake_options options = {
        .stream = &runner->stream,
        .group = RL_GROUP_RUNNERS,
        .lanes = lanes,
        .lane_count = sizeof lanes / sizeof lanes[0],
        .window = (size_t)runner->config->window,
        .drain_us = runner->config->drain_us,
        .grace_us = runner->config->grace_us,
        .stop_fd = stop_fd,
        .replays = RL_TOPIC_SUBMISSIONS_REPLAY,
        .cancelled = runner->cancelled,
        .cancelled_replays = runner->cancelled_replays,
        .slots = runner->slots,
        .emitter = runner->emitter,
        .metrics = &runner->metrics,
        .log = runner->log,
    };
    runner->intake = rl_intake_new(&options, err);
    atomic_store(&runner->visible_intake, runner->intake);
    return runner->intake != NULL;
}

/* ---- start, work, stop ---- */

/* Repeats a step until it works, fails for good, or the runner is to stop (then true and *ret_stopped). */
static bool insist(rl_runner *runner, int stop_fd, const char *event, step attempt, bool *ret_stopped,
                   rl_error *err) {
    int64_t pause_us = 0;
    for (;;) {
        rl_error failure = RL_ERROR_INIT;
        if (attempt(runner, &failure)) {
            return true;
        }
        if (failure.error_class != RL_TRANSIENT) {
            if (err) {
                *err = failure;
            }
            return false;
        }
        rl_log_failure(runner->log, RL_LOG_WARN, event, &failure);
        pause_us = rl_backoff_next_us(pause_us, RETRY_MIN_US, RETRY_MAX_US);
        struct pollfd stop = {.fd = stop_fd, .events = POLLIN};
        if (poll(&stop, 1, (int)(pause_us / RL_US_PER_MS)) > 0) {
            *ret_stopped = true;
            return true;
        }
    }
}

static bool start(rl_runner *runner, int stop_fd, bool *ret_stopped, rl_error *err) {
    if (!open_ops(runner, err) || !open_log(runner, err)) {
        return false;
    }
    const struct {
        const char *event;
        step attempt;
    } steps[] = {
        {"docker.awaited", open_sandbox},    {"language.awaited", check_languages},
        {"kafka.awaited", reach_kafka},      {"kafka.awaited", publish_schemas},
        {"controls.awaited", read_controls},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && !*ret_stopped; i++) {
        if (!insist(runner, stop_fd, steps[i].event, steps[i].attempt, ret_stopped, err)) {
            return false;
        }
    }
    return *ret_stopped ||
           (rl_health_start(runner->health, runner->sandbox, runner->producer, RL_TOPIC_SUBMISSIONS, err) &&
            open_slots(runner, err) && open_intake(runner, stop_fd, err));
}

bool rl_runner_run(rl_runner *runner, int stop_fd, rl_error *err) {
    bool stopped = false;
    rl_log(runner->log, RL_LOG_INFO, "runner.starting", RL_S("runner", runner->id),
           RL_S("version", RL_VERSION));
    bool ok = start(runner, stop_fd, &stopped, err);
    if (ok && !stopped) {
        rl_log(runner->log, RL_LOG_INFO, "runner.started", RL_S("runner", runner->id),
               RL_I("slots", rl_slots_count(runner->slots)),
               RL_I("languages", rl_manifests_count(runner->manifests)));
        ok = rl_intake_run(runner->intake, err);
    }
    return ok;
}

rl_runner *rl_runner_new(const rl_runner_config *config, rl_log *log, rl_error *err) {
    rl_runner *runner = calloc(1, sizeof *runner);
    if (!runner) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    runner->config = config;
    runner->log = log;
    name_runner(runner->id);
    runner->manifests = rl_manifests_load(config->languages_dir, config->languages, err);
    runner->registry = runner->manifests ? rl_metrics_new() : NULL;
    if (runner->manifests && !runner->registry) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
    }
    runner->health = runner->registry ? rl_health_new(err) : NULL;
    if (!runner->health) {
        rl_runner_free(runner);
        return NULL;
    }
    rl_runner_metrics_init(&runner->metrics, runner->registry);
    return runner;
}

void rl_runner_free(rl_runner *runner) {
    if (!runner) {
        return;
    }
    /* Slots first: they hold tasks; then the producer: it holds the others; then all tasks are home. */
    rl_slots_free(runner->slots);
    /* The checks look at intake and health: nobody may be asking when those go. */
    rl_ops_server_free(runner->ops);
    rl_health_free(runner->health);
    rl_producer_free(runner->producer);
    rl_intake_free(runner->intake);
    rl_controls_free(runner->controls);
    rl_cancelled_ids_free(runner->cancelled);
    rl_cancelled_replays_free(runner->cancelled_replays);
    rl_emitter_free(runner->emitter);
    rl_schema_source_free(runner->schemas);
    rl_codec_free(runner->codec);
    rl_sandbox_free(runner->sandbox);
    rl_manifests_free(runner->manifests);
    rl_metrics_free(runner->registry);
    rl_absences_free(runner->absences);
    free(runner);
}
