/* replay_start.c: `runlog replay start`: chooses, asks, writes the record of the replay, publishes. */
#include <inttypes.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/topics.h"
#include "tools/runlog/confirm.h"
#include "tools/runlog/interrupt.h"
#include "tools/runlog/replay_request.h"
#include "tools/runlog/replay_run.h"
#include "tools/runlog/service.h"

/* The record whose offset is the generation: before the first submission of it. */
static bool write_record(rl_replay_log *log, const rl_replay_request *request, int64_t count,
                         char ret_id[RL_REPLAY_ID_SIZE], rl_error *err) {
    const int64_t now_us = rl_wall_clock_us();
    RL_AUTO_JSON json_t *json = rl_replay_selection_json(&request->selection);
    RL_AUTO_FREE char *text = json_dumps(json, JSON_COMPACT);
    RL_AUTO_BUFFER rl_buffer bytes;
    rl_buffer_init(&bytes, RL_REPLAY_MAX_BYTES);
    if (!text || !rl_replay_id_make(now_us, ret_id, err)) {
        return text ? false : rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    const rl_replay replay = {
        .id = ret_id,
        .requested_by = request->by,
        .requested_us = now_us,
        .selection = text,
        .apply_later = request->apply_later,
        .rate_per_second = request->rate_per_second,
        .count = count,
    };
    return rl_replay_encode(rl_replay_log_codec(log), &replay, &bytes, err) &&
           rl_replay_log_write(log, RL_TOPIC_REPLAYS, ret_id, rl_buffer_bytes(&bytes), err);
}

static void preview(const rl_cli_call *call, const json_t *plan, int64_t unreadable) {
    const bool json = rl_cli_has(call, "json");
    if (json && rl_cli_has(call, "dry-run")) {
        rl_replay_print_json(plan);
    } else {
        rl_replay_plan_print(plan, json ? stderr : stdout);
        (void)fflush(stdout);
    }
    if (unreadable > 0) {
        (void)fprintf(stderr, "%" PRId64 " records are no submissions and are left out\n", unreadable);
    }
}

static bool confirm(const rl_cli_call *call, const rl_replay_request *request, int64_t count, rl_error *err) {
    char question[160];
    (void)snprintf(question, sizeof question, "Execute %" PRId64 " submissions again%s?", count,
                   request->apply_later ? ", and keep their results until they are applied"
                                        : ", and replace their results");
    return rl_cli_confirm(call, question, err);
}

/* `*table` and `*join` are taken over. */
static int begin(const rl_cli_call *call, rl_replay_log *log, const rl_replay_request *request, int64_t count,
                 rl_replay_table **table, rl_replay_join **join) {
    rl_error err = RL_ERROR_INIT;
    char id[RL_REPLAY_ID_SIZE];
    RL_AUTO_REPLAY_PROGRESS rl_replay_progress progress = {0};
    rl_interrupt_note();
    if (!write_record(log, request, count, id, &err)) {
        return rl_cli_fail(call, &err);
    }
    (void)fprintf(stderr, "replay %s\n", id); /* it stands on the log, whatever fails from here on */
    if (!rl_replay_progress_begin(log, id, RL_STEAL(*table), RL_STEAL(*join), &request->selection.results,
                                  &progress, &err)) {
        return rl_cli_fail(call, &err);
    }
    const rl_replay_publish_options options = {
        .selection = &request->selection,
        .rate_per_second = request->rate_per_second,
        .ahead = request->ahead,
        .held = request->apply_later,
    };
    return rl_replay_carry_out(call, &progress, &options);
}

static int survey_and_begin(const rl_cli_call *call, rl_replay_log *log, rl_replay_request *request) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_REPLAY_TABLE rl_replay_table *table = NULL;
    RL_AUTO_REPLAY_JOIN rl_replay_join *join = NULL;
    rl_replay_plan plan;
    int64_t unreadable = 0;
    if (!rl_replay_survey(log, &request->selection, &table, &join, &plan, &unreadable, &err)) {
        return rl_cli_fail(call, &err);
    }
    RL_AUTO_JSON json_t *json = rl_replay_plan_json(&plan, table, request->slots, request->rate_per_second);
    preview(call, json, unreadable);
    if (rl_cli_has(call, "dry-run")) {
        return RL_CLI_OK;
    }
    if (plan.chosen == 0) {
        (void)rl_error_set(&err, RL_INVALID, 0, "there is nothing to replay");
        return rl_cli_fail(call, &err);
    }
    if (!confirm(call, request, plan.chosen, &err)) {
        return rl_cli_misused(call, &err);
    }
    return begin(call, log, request, plan.chosen, &table, &join);
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_REPLAY_REQUEST rl_replay_request request;
    if (!rl_replay_request_parse(call, rl_wall_clock_us(), &request, &err)) {
        return rl_cli_misused(call, &err);
    }
    RL_AUTO_REPLAY_LOG rl_replay_log *log = rl_replay_log_open(call, &err);
    return log ? survey_and_begin(call, log, &request) : rl_cli_misused(call, &err);
}

static const rl_cli_option options[] = {
    {"since", "TIME", "accepted then or later: 2h (ago; s, m, h, d), a date, or RFC 3339"},
    {"until", "TIME", "accepted before that"},
    {"offsets", "RANGE", "where they stand: submissions/3@100-199; may be repeated"},
    {"id", "ID", "that submission; may be repeated"},
    {"ids", "FILE", "those whose ids are in a file, one a line; - is standard input"},
    {"lang", "LANGUAGE", "may be repeated"},
    {"verdict", "VERDICT", "of the result that clients see; may be repeated"},
    {"tenant", "NAME", "may be repeated"},
    {"limit", "N", "the newest N of them"},
    {"apply", "WHEN", "now: each result replaces the one before it; later: they wait for replay apply"},
    {"rate", "N", "publish no more than N a second; 0, as otherwise: no bound"},
    RL_OPTION_AHEAD,
    {"slots", "N", "of all runners together, to estimate how long it takes"},
    {"by", "NAME", "who asks, for the audit; user@host otherwise"},
    {"dry-run", NULL, "say what would be replayed, and end"},
    RL_OPTION_YES,
    RL_OPTION_WATCH,
    RL_OPTION_DETACH,
    RL_OPTION_JSON,
};

const rl_cli_command rl_command_replay_start = {
    .name = "replay start",
    .arguments = "",
    .summary = "execute past submissions again",
    .details =
        "Options that select narrow each other down; at least one is needed. Submissions that have no\n"
        "result yet, or were deleted, are left out, and cancelled ones unless --verdict says CANCELLED.\n"
        "Says how many there are and what they cost, then asks.\n\n"
        "They go through a lane of their own, behind everything else. Interrupted, or killed, it has\n"
        "published a part of them: replay resume publishes the rest, replay cancel stops them. Exit\n"
        "status: 1 also where there is nothing to replay, or it was cancelled meanwhile; 3 where Ctrl-C "
        "came\n"
        "while it waited for the last of them to be executed.",
    .for_operators = true,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
