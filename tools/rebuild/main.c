/* main.c: runlog-rebuild: does what `runlog rebuild` was asked for (tools/runlog/rebuild.c has its options and its help). */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/stream/topics.h"
#include "tools/rebuild/report.h"
#include "tools/runlog/cli.h"
#include "tools/runlog/settings.h"

#define SELECT_TIMEOUT_US (10 * RL_US_PER_S)
#define SOCKET_TIMEOUT_US (120 * RL_US_PER_S)
#define SINK_LAG_US (5 * RL_US_PER_S) /* what the live sink may have before it still */
#define PROGRESS_EVERY_US (2 * RL_US_PER_S)

static void show_progress(void *context, const rl_fill_outcome *f) {
    int64_t *due_us = context;
    if (rl_clock_us() >= *due_us || f->records == f->total) {
        (void)fprintf(stderr, "runlog rebuild: %lld of %lld records\n", (long long)f->records,
                      (long long)f->total);
        *due_us = rl_clock_us() + PROGRESS_EVERY_US;
    }
}

static rl_mongo *open_database(const char *uri, rl_error *err) {
    const rl_mongo_config config = {.uri = uri,
                                    .app_name = "runlog-rebuild",
                                    .select_timeout_us = SELECT_TIMEOUT_US,
                                    .connect_timeout_us = SELECT_TIMEOUT_US,
                                    .socket_timeout_us = SOCKET_TIMEOUT_US,
                                    .connections = 2};
    return rl_mongo_new(&config, err);
}

static bool compare(rl_mongo *existing, rl_mongo *into, const rl_compare_options *options,
                    rl_rebuild_report *report, rl_error *err) {
    for (size_t i = 0; i < RL_REBUILD_COLLECTIONS; i++) {
        if (!rl_compare(existing, into, report->names[i], options, &report->comparisons[i], err)) {
            return rl_error_prefix(err, "comparing %s", report->names[i]);
        }
    }
    report->compared = true;
    return true;
}

static bool work(const rl_cli_settings *settings, rl_mongo *into, rl_mongo *existing,
                 rl_rebuild_report *report, rl_error *err) {
    RL_AUTO_CODEC rl_codec *codec = rl_codec_new(err);
    int64_t progress_due_us = 0;
    const rl_compare_options options = {.since_us = rl_wall_clock_us() - SINK_LAG_US,
                                        .retention_us = settings->results_retention_us};
    const rl_fill_config config = {.stream = rl_cli_settings_stream(settings),
                                   .topic = RL_TOPIC_RESULTS,
                                   .schemas_topic = RL_TOPIC_SCHEMAS,
                                   .mongo = into,
                                   .codec = codec,
                                   .retention_us = settings->results_retention_us,
                                   .progress = show_progress,
                                   .context = &progress_due_us};
    /* The other one is asked first: that it is away should not be found out after an hour. */
    if (!codec || (existing && !rl_mongo_ping(existing, err)) || !rl_fill_check_empty(into, err) ||
        !rl_fill(&config, &report->filled, err)) {
        return false;
    }
    rl_compare_options known = options;
    known.begins_us = report->filled.begins_us;
    return !existing || compare(existing, into, &known, report, err);
}

static bool print(const rl_cli_call *call, const rl_rebuild_report *report) {
    if (rl_cli_has(call, "json")) {
        json_t *root = rl_rebuild_report_json(report);
        (void)json_dumpf(root, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)putchar('\n');
        json_decref(root);
    } else {
        rl_rebuild_report_print(report, stdout);
    }
    return fflush(stdout) == 0;
}

/* The URI of the database to fill; "" where nobody named one. */
static const char *target_of(const rl_cli_call *call, const rl_cli_settings *settings) {
    return rl_cli_has(call, "into") ? rl_cli_value(call, "into") : settings->rebuild_uri;
}

/* Opens both databases; `*ret_existing` stays NULL where there is none to compare with. */
static bool open_databases(const rl_cli_call *call, const rl_cli_settings *settings, rl_mongo **ret_into,
                           rl_mongo **ret_existing, rl_error *err) {
    const char *existing = rl_cli_value(call, "compare");
    *ret_into = open_database(target_of(call, settings), err);
    if (!*ret_into || rl_cli_has(call, "no-compare")) {
        return *ret_into != NULL;
    }
    *ret_existing = open_database(existing ? existing : settings->mongo_uri, err);
    return *ret_existing != NULL;
}

static bool check_options(const rl_cli_call *call, const rl_cli_settings *settings, rl_error *err) {
    if (*target_of(call, settings) == '\0') {
        return rl_error_set(err, RL_INVALID, 0, "--into or RUNLOG_REBUILD_URI says which database to fill");
    }
    return !rl_cli_has(call, "compare") || !rl_cli_has(call, "no-compare") ||
           rl_error_set(err, RL_INVALID, 0, "--compare or --no-compare, not both");
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    rl_cli_settings settings;
    RL_AUTO_MONGO rl_mongo *into = NULL;
    RL_AUTO_MONGO rl_mongo *existing = NULL;
    if (!rl_cli_settings_load(call->environment, &settings, &err) || !check_options(call, &settings, &err) ||
        !open_databases(call, &settings, &into, &existing, &err)) {
        return rl_cli_misused(call, &err);
    }
    const rl_sink_collections names = RL_SINK_COLLECTIONS;
    rl_rebuild_report report = {.names = {names.results, names.held, names.replays}};
    if (!work(&settings, into, existing, &report, &err)) {
        return rl_cli_fail(call, &err);
    }
    if (!print(call, &report)) {
        (void)rl_error_set(&err, RL_TRANSIENT, 0, "cannot write to standard output");
        return rl_cli_fail(call, &err);
    }
    if (!rl_rebuild_report_is_equal(&report)) {
        (void)rl_error_set(&err, RL_INVALID, 0, "the databases differ");
        return rl_cli_fail(call, &err);
    }
    return RL_CLI_OK;
}

int main(int argc, char **argv) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_FREE const char **words = calloc((size_t)argc + 1, sizeof *words);
    rl_cli_call call = {.command = &rl_command_rebuild};
    if (!words) {
        return RL_CLI_FAILED;
    }
    if (!rl_cli_parse(&rl_command_rebuild, argc - 1, argv + 1, words, &call, &err)) {
        return rl_cli_misused(&call, &err);
    }
    call.environment = environ;
    return run(&call);
}
