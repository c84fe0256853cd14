/* main.c: wiring: settings, parts, the sink, the internal port; SIGTERM and SIGINT end it. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/memory.h"
#include "lib/ops/ops_server.h"
#include "lib/sink/apply.h"
#include "lib/store/result_document.h"
#include "lib/stream/topics.h"
#include "services/result-sink/config.h"
#include "services/result-sink/sink.h"

#define SERVICE "runlog-result-sink"
#define ARENAS 2
#define DEAD_LETTER_TIMEOUT_US (10 * RL_US_PER_S)
#define MONGO_SELECT_TIMEOUT_US (2 * RL_US_PER_S)

/* For the signal handler alone: signals have no argument to pass it in. */
static rl_sink *signalled_sink;

static void on_signal(int number) {
    (void)number;
    rl_sink_stop(signalled_sink);
}

static void handle_signals(rl_sink *sink) {
    signalled_sink = sink;
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* Before the sink goes: a second signal during the tear-down has nothing left to stop. */
static void ignore_signals(void) {
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
}

RL_DEFINE_CLEANUP(log_slot, rl_log, rl_log_free)
RL_DEFINE_CLEANUP(metrics_slot, rl_metrics, rl_metrics_free)
RL_DEFINE_CLEANUP(ops_slot, rl_ops_server, rl_ops_server_free)

static rl_mongo *open_mongo(const rl_sink_settings *settings, rl_error *err) {
    const rl_mongo_config config = {
        .uri = settings->mongo_uri,
        .app_name = SERVICE,
        .select_timeout_us = MONGO_SELECT_TIMEOUT_US,
        .connect_timeout_us = MONGO_SELECT_TIMEOUT_US,
        .socket_timeout_us = settings->mongo_timeout_us,
        .connections = 2,
    };
    return rl_mongo_new(&config, err);
}

static rl_sink_config sink_config(const rl_sink_settings *settings) {
    return (rl_sink_config){
        .intake = {.stream = {.brokers = settings->kafka_brokers,
                              .client_id = SERVICE,
                              .properties = settings->kafka_properties,
                              .security = &settings->kafka_security},
                   .topic = RL_TOPIC_RESULTS,
                   .group = RL_GROUP_SINK},
        .schemas_topic = RL_TOPIC_SCHEMAS,
        .dead_letter_topic = RL_TOPIC_RESULTS_DLQ,
        .collections = RL_SINK_COLLECTIONS,
        .retention_us = settings->retention_us,
        .batch_records = (size_t)settings->batch_records,
        .batch_bytes = (size_t)settings->batch_bytes,
        .batch_time_us = settings->batch_time_us,
        .patience = RL_APPLY_PATIENCE,
    };
}

/* Runs until a signal. The cleanups run in reverse order: the internal port first. */
static bool serve(const rl_sink_settings *settings, rl_log *log, rl_error *err) {
    RL_CLEANUP(metrics_slot) rl_metrics *metrics = rl_metrics_new();
    RL_AUTO_CODEC rl_codec *codec = rl_codec_new(err);
    if (!metrics || !codec) {
        return false;
    }
    RL_AUTO_MONGO rl_mongo *mongo = open_mongo(settings, err);
    if (!mongo) {
        return false;
    }
    const rl_sink_config config = sink_config(settings);
    RL_AUTO_PRODUCER rl_producer *producer =
        rl_producer_new(&config.intake.stream, DEAD_LETTER_TIMEOUT_US, err);
    if (!producer) {
        return false;
    }
    const rl_sink_parts parts = {mongo, producer, codec, metrics, log};
    RL_AUTO_SINK rl_sink *sink = rl_sink_new(&config, &parts, err);
    if (!sink) {
        return false;
    }
    const rl_ops_readiness checks[] = {
        {"kafka", rl_sink_kafka_ready, sink, true},
        {"mongo", rl_sink_mongo_ready, sink, true},
        {"batch", rl_sink_batch_ready, sink, true},
    };
    RL_CLEANUP(ops_slot)
    rl_ops_server *ops =
        rl_ops_server_new(settings->ops_listen, metrics, checks, sizeof checks / sizeof checks[0], err);
    if (!ops) {
        return false;
    }
    handle_signals(sink);
    rl_log(log, RL_LOG_INFO, "service.started", RL_S("version", RL_VERSION),
           RL_S("ops", settings->ops_listen));
    bool ok = rl_sink_run(sink, err);
    ignore_signals();
    return ok;
}

int main(int argc, char **argv) {
    rl_memory_bound(ARENAS);
    switch (rl_config_arguments(&rl_sink_config_table, argc, argv)) {
    case RL_CONFIG_DONE:
        return EXIT_SUCCESS;
    case RL_CONFIG_USAGE:
        return 2;
    case RL_CONFIG_RUN:
        break;
    }
    rl_sink_settings settings = {0};
    rl_error err = RL_ERROR_INIT;
    rl_log_level level = RL_LOG_INFO;
    bool ok = rl_config_load(&rl_sink_config_table, environ, &settings, &err);
    if (ok && !rl_log_level_parse(settings.log_level, &level)) {
        ok = rl_error_set(&err, RL_INVALID, 0, "RUNLOG_LOG_LEVEL: \"%s\" is none of debug, info, warn, error",
                          settings.log_level);
    }
    RL_CLEANUP(log_slot) rl_log *log = rl_log_new(SERVICE, level, 2);
    ok = ok && serve(&settings, log, &err);
    if (!ok) {
        rl_log_failure(log, RL_LOG_ERROR, "service.failed", &err);
        return EXIT_FAILURE;
    }
    rl_log(log, RL_LOG_INFO, "service.stopped", RL_S("version", RL_VERSION));
    return EXIT_SUCCESS;
}
