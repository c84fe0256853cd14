/* topics_create.c: `runlog topics create`, which a stack runs once before its services. */
#include "lib/stream/topics.h"
#include "tools/runlog/cli.h"
#include "tools/runlog/settings.h"
#include "tools/runlog/warm_up.h"

/* Nobody depends on it: what goes wrong is told, and that is all. */
static void warm_up(const rl_stream_config *stream, int64_t duration_us) {
    rl_error err = RL_ERROR_INIT;
    size_t records = 0;
    if (duration_us == 0) {
        return;
    }
    const bool ok = rl_warm_up(stream, duration_us, &records, &err);
    if (records > 0) {
        (void)printf("broker: warmed up by %zu records\n", records);
    }
    if (!ok) {
        (void)fprintf(stderr, "runlog topics create: the broker may be slow at first: %s\n", err.message);
    }
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    rl_cli_settings settings;
    if (!rl_cli_settings_load(call->environment, &settings, &err)) {
        return rl_cli_misused(call, &err);
    }
    const rl_stream_config stream = rl_cli_settings_stream(&settings);
    const rl_topics_options options = {
        .partitions = (int32_t)settings.topic_partitions,
        .replication = (int16_t)settings.topic_replication,
        .results_retention_us = settings.results_retention_us,
    };
    size_t created = 0;
    if (!rl_topics_create(&stream, &options, settings.topics_wait_us, &created, &err)) {
        rl_error_prefix(&err, "cannot create topics at %s", settings.brokers);
        return rl_cli_fail(call, &err);
    }
    size_t count = 0;
    (void)rl_topics(&count);
    (void)printf("topics: %zu created, %zu there already\n", created, count - created);
    warm_up(&stream, settings.topics_warm_up_us);
    return RL_CLI_OK;
}

const rl_cli_command rl_command_topics_create = {
    .name = "topics create",
    .arguments = "",
    .summary = "create the topics that are missing, waiting for Kafka to answer",
    .details =
        "Those that exist stay as they are. Partitions, replication and retention of new ones: see the\n"
        "settings RUNLOG_TOPIC_* and RUNLOG_RESULT_RETENTION.",
    .for_operators = true,
    .run = run,
};
