/* dlq_drop.c: `runlog dlq drop`. */
#include "lib/base/clock.h"
#include "tools/runlog/confirm.h"
#include "tools/runlog/dlq_choose.h"
#include "tools/runlog/service.h"

#define DELIVERY_TIMEOUT_US (30 * RL_US_PER_S)

static bool drop(rl_producer *producer, const char *name, const char *by, rl_error *err) {
    rl_letter_place place;
    const rl_settlement settlement = {.as = "dropped", .by = by};
    return (rl_letter_parse(name, &place, err) && rl_letter_settle(producer, &place, &settlement, err)) ||
           rl_error_prefix(err, "%s", name);
}

/* What was not reached is still listed. */
static bool drop_all(const rl_cli_call *call, const rl_stream_config *stream, json_t *chosen, json_t *dropped,
                     rl_error *err) {
    char by[RL_CALLER_SIZE];
    const char *name;
    json_t *letter;
    RL_AUTO_PRODUCER rl_producer *producer = rl_producer_new(stream, DELIVERY_TIMEOUT_US, err);
    if (!producer) {
        return false;
    }
    rl_dlq_caller(call, by);
    json_object_foreach(chosen, name, letter) {
        if (!drop(producer, name, by, err)) {
            return false;
        }
        (void)json_array_append_new(dropped, json_string(name));
        if (!rl_cli_has(call, "json")) {
            (void)printf("%s dropped\n", name);
        }
    }
    return true;
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    rl_cli_settings settings;
    if (!rl_cli_settings_load(call->environment, &settings, &err)) {
        return rl_cli_misused(call, &err);
    }
    const rl_stream_config stream = rl_cli_settings_stream(&settings);
    RL_AUTO_JSON json_t *chosen = json_object();
    RL_AUTO_JSON json_t *dropped = json_array();
    const int status = rl_dlq_choose(call, &stream, chosen);
    if (status != RL_CLI_OK) {
        return status;
    }
    const size_t count = json_object_size(chosen);
    char question[80];
    (void)snprintf(question, sizeof question, "Drop %zu dead letter%s?", count, count == 1 ? "" : "s");
    if (count > 0 && !rl_cli_confirm(call, question, &err)) {
        return rl_cli_misused(call, &err);
    }
    const bool ok = count == 0 || drop_all(call, &stream, chosen, dropped, &err);
    if (rl_cli_has(call, "json")) {
        (void)json_dumpf(dropped, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)putchar('\n');
    } else if (count == 0) {
        (void)puts("there is nothing to drop");
    }
    return ok ? RL_CLI_OK : rl_cli_fail(call, &err);
}

static const rl_cli_option options[] = {RL_DLQ_OPTIONS, RL_OPTION_YES, RL_OPTION_JSON};

const rl_cli_command rl_command_dlq_drop = {
    .name = "dlq drop",
    .arguments = "LETTER... | --all",
    .summary = "be done with dead letters: dlq list shows them no more",
    .details = "Asks first. Kafka deletes no single records: the letters stay on their topic until its "
               "retention is\n"
               "over, marked as dropped, and dlq list --all shows them.",
    .for_operators = true,
    .most = RL_CLI_ANY_NUMBER,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
