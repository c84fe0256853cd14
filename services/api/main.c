/* main.c: wiring of the API service.
 *
 * Order: what can be wrong about the installation is checked first (configuration, languages, secret) and
 * ends the start with a message. Then the port opens, so that /healthz answers, while the log and MongoDB
 * are reached in the background; /readyz says when. SIGTERM and SIGINT end it in the opposite order, and so
 * does what will not come right in this process, but then with an error: a producer that has failed for good
 * (whoever supervises the process starts a new one, whose producer begins afresh), or a log that this build
 * cannot serve.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/memory.h"
#include "services/api/admission_gate.h"
#include "services/api/api.h"
#include "services/api/result_answer.h"
#include "services/api/routes.h"
#include "services/api/server.h"

extern char **environ;

/* Heaps for all of its threads. */
#define ARENAS 4

/* How often the service looks whether it can go on. */
#define HEALTH_US (RL_US_PER_S / 4)

#define DESCRIPTORS 65536
/* Of those, for Kafka, MongoDB, files and what else there is. */
#define OWN_DESCRIPTORS 256

/* Threads that must stay free of waiters: a quarter, so that submissions go on under any number of polls. */
static int waiter_capacity(const rl_api_config *config) {
    return (int)(config->threads - config->threads / 4);
}

/* A parked client costs a descriptor, and many systems begin with 1024 where they allow far more. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS &&
        limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* otherwise fewer can wait */
    }
}

/* Parked clients must leave descriptors to everybody else, or nothing could be accepted or asked any more. */
static int parked_capacity(const rl_api_config *config, rl_log *log) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT32_MAX) {
        return (int)config->parked;
    }
    const int64_t room =
        (int64_t)limit.rlim_cur - config->threads - config->backlog - config->mongo_pool - OWN_DESCRIPTORS;
    if (room >= config->parked) {
        return (int)config->parked;
    }
    const int64_t capacity = room > 0 ? room : 0;
    rl_log(log, RL_LOG_WARN, "api.descriptors_short", RL_I("descriptors", (int64_t)limit.rlim_cur),
           RL_I("parked", capacity), RL_I("parked_wanted", config->parked));
    return (int)capacity;
}

static bool refuse_closed(const rl_api_config *config, rl_error *err) {
    return config->open ||
           rl_error_set(err, RL_INVALID, 0,
                        "there are no API keys, so anybody who reaches the port could run programs here; "
                        "set RUNLOG_API_OPEN=1 if only trusted clients can reach it");
}

/* What the batch lane gets of the runners' turns at least, whatever the other lanes want: 5 of 20 (services/runner/lanes.c). */
#define BATCH_SHARE 4

/* What would wait longer than it may is not taken either. The batch lane is measured while it may have the runners for
 * itself, and what it has taken by then must still be in time when it has its share alone. */
static void bound_wait(rl_api_config *config) {
    if (config->admission_wait_us > config->max_queue_us) {
        config->admission_wait_us = config->max_queue_us;
    }
    if (config->admission_batch_wait_us > config->max_queue_us / BATCH_SHARE) {
        config->admission_batch_wait_us = config->max_queue_us / BATCH_SHARE;
    }
    if (config->admission_wait_us == 0) { /* off: in every lane */
        config->admission_batch_wait_us = 0;
    }
}

static bool load_config(rl_api_config *config, rl_log_level *ret_level, rl_error *err) {
    return rl_config_load(&rl_api_config_table, environ, config, err) && refuse_closed(config, err) &&
           rl_maxima_check(&config->maxima, err) &&
           (rl_log_level_parse(config->log_level, ret_level) ||
            rl_error_set(err, RL_INVALID, 0, "RUNLOG_LOG_LEVEL must be debug, info, warn or error"));
}

/* The signals that end the service are waited for, not handled: every thread inherits the mask. */
static sigset_t block_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return signals;
}

static void fill_checks(rl_api *api) {
    api->checks[0] = (rl_ops_readiness){"publisher", rl_api_check_publisher, api, true};
    api->checks[1] = (rl_ops_readiness){"kafka", rl_api_check_tail, api, true};
    api->checks[2] = (rl_ops_readiness){"mongodb", rl_api_check_store, api, false};
    api->checks[3] = (rl_ops_readiness){"runners", rl_admission_gate_check, api, false};
}

static bool cannot_go_on(const rl_api *api, rl_error *err) {
    return rl_publisher_has_failed(api->publisher, err) || rl_tail_has_failed(api->tail, err);
}

static bool is_ready(const rl_api *api) {
    char reason[128];
    return rl_publisher_ready(api->publisher, reason) && rl_tail_ready(api->tail, reason);
}

/* Until a signal says stop: true; or until it cannot go on: false with FATAL. */
static bool await_end(rl_api *api, const sigset_t *signals, rl_error *err) {
    const struct timespec beat = {.tv_nsec = HEALTH_US * 1000};
    int signal_number;
    rl_memory_settling settling = {0};
    do {
        (void)rl_memory_settle(&settling, is_ready(api), rl_clock_us());
        if (cannot_go_on(api, err)) {
            rl_log_failure(api->log, RL_LOG_ERROR, "api.stopping", err);
            return false;
        }
        signal_number = sigtimedwait(signals, NULL, &beat);
    } while (signal_number < 0 && (errno == EAGAIN || errno == EINTR));
    rl_log(api->log, RL_LOG_INFO, "api.stopping", RL_I("signal", signal_number));
    return true;
}

/* Serves until the end. Requests under way are answered in either case. */
static bool serve(rl_api *api, const sigset_t *signals, rl_error *err) {
    rl_server *server = rl_server_new(api, err);
    if (!server) {
        return false;
    }
    rl_log(api->log, RL_LOG_INFO, "api.listening", RL_I("port", rl_server_port(server)),
           RL_I("threads", api->config->threads));
    const bool told = await_end(api, signals, err);
    rl_server_free(server, api->config->stop_grace_us);
    return told;
}

static rl_stream_config stream_of(const rl_api_config *config) {
    return (rl_stream_config){config->kafka_brokers, "runlog-api", config->kafka_properties,
                              &config->kafka_security};
}

static rl_publisher *make_publisher(const rl_api *api, rl_codec *codec, rl_error *err) {
    const rl_publisher_config config = {
        .stream = stream_of(api->config),
        .codec = codec,
        .admissions = {api->admissions[RL_LANE_INTERACTIVE], api->admissions[RL_LANE_BATCH]},
        .log = api->log,
        .unmeasured = api->metrics->unmeasured,
        .delivery_timeout_us = api->config->publish_timeout_us};
    return rl_publisher_new(&config, err);
}

static rl_tail *make_tail(const rl_api *api, rl_codec *codec, rl_error *err) {
    const rl_tail_config config = {
        .stream = stream_of(api->config),
        .codec = codec,
        .ident = api->ident,
        .waiters = api->waiters,
        .admissions = {api->admissions[RL_LANE_INTERACTIVE], api->admissions[RL_LANE_BATCH]},
        .log = api->log,
        .cache_bytes = api->config->cache_bytes,
        .delay = api->metrics->tail_delay};
    return rl_tail_new(&config, err);
}

static rl_parking *make_parking(rl_api *api, rl_error *err) {
    const rl_parking_config config = {.waiters = api->waiters,
                                      .capacity = parked_capacity(api->config, api->log),
                                      .answer_us = api->config->body_timeout_us,
                                      .gone = api->metrics->client_gone,
                                      .look = rl_parked_result,
                                      .pending = rl_parked_pending,
                                      .answered = rl_parked_answered,
                                      .context = api};
    return rl_parking_new(&config, err);
}

/* Builds the parts that need neighbours, and serves. They are taken down in reverse order. */
static bool connect_and_serve(rl_api *api, rl_codec *codec, const sigset_t *signals, rl_error *err) {
    const rl_api_config *config = api->config;
    const rl_admission_config limits = {config->admission_wait_us, config->admission_absence_us};
    const rl_admission_config batch_limits = {config->admission_batch_wait_us, config->admission_absence_us};
    RL_AUTO_WAITERS rl_waiters *waiters = rl_waiters_new(waiter_capacity(config), err);
    RL_AUTO_STORE rl_store *store =
        waiters ? rl_store_new(config->mongo_uri, (int)config->mongo_pool, err) : NULL;
    RL_AUTO_ADMISSION rl_admission *admission = store ? rl_admission_new(&limits, err) : NULL;
    api->waiters = waiters;
    api->store = store;
    RL_AUTO_ADMISSION rl_admission *batch = admission ? rl_admission_new(&batch_limits, err) : NULL;
    api->admissions[RL_LANE_INTERACTIVE] = admission;
    api->admissions[RL_LANE_BATCH] = batch;
    RL_AUTO_PUBLISHER rl_publisher *publisher = batch ? make_publisher(api, codec, err) : NULL;
    RL_AUTO_TAIL rl_tail *tail = publisher ? make_tail(api, codec, err) : NULL;
    api->publisher = publisher;
    api->tail = tail;
    RL_AUTO_PARKING rl_parking *parking = tail ? make_parking(api, err) : NULL;
    if (!parking) {
        return false;
    }
    api->parking = parking;
    fill_checks(api);
    return serve(api, signals, err);
}

static bool run(const rl_api_config *config, rl_log *log, const sigset_t *signals, rl_error *err) {
    RL_AUTO_CODEC rl_codec *codec = rl_codec_new(err);
    RL_AUTO_MANIFESTS rl_manifests *manifests =
        codec ? rl_manifests_load(config->languages_dir, config->languages, err) : NULL;
    RL_AUTO_IDENT rl_ident *ident =
        manifests ? rl_ident_new(config->id_secret_file, config->retention_us, err) : NULL;
    RL_AUTO_API_METRICS rl_api_metrics *metrics = ident ? rl_api_metrics_new(err) : NULL;
    RL_AUTO_BUFFER rl_buffer languages;
    const rl_limits maxima = rl_maxima_limits(&config->maxima);
    rl_buffer_init(&languages, RL_LANGUAGES_LIMIT);
    if (!metrics) {
        return false;
    }
    if (!rl_languages_body(manifests, &maxima, &languages)) {
        return rl_error_set(err, RL_FATAL, 0, "the list of languages is too long");
    }
    rl_api api = {.config = config,
                  .log = log,
                  .metrics = metrics,
                  .manifests = manifests,
                  .maxima = maxima,
                  .languages = rl_buffer_bytes(&languages),
                  .ident = ident};
    return connect_and_serve(&api, codec, signals, err);
}

int main(int argc, char **argv) {
    rl_memory_bound(ARENAS);
    rl_api_config config;
    rl_error err = RL_ERROR_INIT;
    rl_log_level level = RL_LOG_INFO;
    const rl_config_action action = rl_config_arguments(&rl_api_config_table, argc, argv);
    if (action != RL_CONFIG_RUN) {
        return action == RL_CONFIG_DONE ? EXIT_SUCCESS : 2;
    }
    const bool loaded = load_config(&config, &level, &err);
    if (loaded) {
        bound_wait(&config);
    }
    rl_log *log = rl_log_new("runlog-api", level, STDERR_FILENO);
    raise_descriptor_limit();
    const sigset_t signals = block_signals();
    const bool ok = loaded && log && run(&config, log, &signals, &err);
    if (ok) {
        rl_log_event(log, RL_LOG_INFO, "api.stopped");
    } else {
        rl_log_failure(log, RL_LOG_ERROR, loaded ? "api.failed" : "api.misconfigured", &err);
    }
    rl_log_free(log);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
