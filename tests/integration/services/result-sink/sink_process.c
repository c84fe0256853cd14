/* sink_process.c: a sink in a process of its own, for tests that kill it.
 * Arguments: brokers, topic, group, MongoDB URI, topic of dead letters, topic of schemas. */
#include <signal.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/sink/apply.h"
#include "lib/store/result_document.h"
#include "services/result-sink/sink.h"

static rl_sink *sink;

static void on_signal(int number) {
    (void)number;
    rl_sink_stop(sink);
}

int main(int argc, char **argv) {
    if (argc != 7) {
        return 2;
    }
    rl_error err = RL_ERROR_INIT;
    const rl_mongo_config mongo_config = {.uri = argv[4], .select_timeout_us = RL_US_PER_S};
    const rl_sink_config config = {
        .intake = {.stream = {.brokers = argv[1],
                              .client_id = "sink-process",
                              /* a killed member is missed sooner than in production */
                              .properties = "session.timeout.ms=6000"},
                   .topic = argv[2],
                   .group = argv[3]},
        .dead_letter_topic = argv[5],
        .schemas_topic = argv[6],
        .collections = RL_SINK_COLLECTIONS,
        .retention_us = 30 * 86400 * RL_US_PER_S,
        .batch_records = 50,
        .batch_bytes = 1 << 20,
        .batch_time_us = 50 * RL_US_PER_MS,
        .patience = RL_APPLY_PATIENCE,
    };
    const rl_sink_parts parts = {
        .mongo = rl_mongo_new(&mongo_config, &err),
        .producer = rl_producer_new(&config.intake.stream, 10 * RL_US_PER_S, &err),
        .codec = rl_codec_new(&err),
        .metrics = rl_metrics_new(),
        .log = rl_log_new("sink-process", RL_LOG_WARN, 2),
    };
    sink = parts.mongo && parts.producer && parts.codec ? rl_sink_new(&config, &parts, &err) : NULL;
    if (!sink) {
        rl_log_failure(parts.log, RL_LOG_ERROR, "start.failed", &err);
        return EXIT_FAILURE;
    }
    signal(SIGTERM, on_signal);
    bool ok = rl_sink_run(sink, &err);
    if (!ok) {
        rl_log_failure(parts.log, RL_LOG_ERROR, "run.failed", &err);
    }
    rl_sink_free(sink);
    rl_producer_free(parts.producer);
    rl_mongo_free(parts.mongo);
    rl_codec_free(parts.codec);
    rl_metrics_free(parts.metrics);
    rl_log_free(parts.log);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
