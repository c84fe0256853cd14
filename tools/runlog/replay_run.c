/* replay_run.c: see replay_run.h. */
#include "tools/runlog/replay_run.h"

#include <string.h>
#include <unistd.h>

#include "lib/stream/topics.h"
#include "tools/runlog/interrupt.h"

int rl_replay_look_up(const rl_cli_call *call, rl_replay_log **ret_log, rl_replay_progress *ret) {
    rl_error err = RL_ERROR_INIT;
    *ret_log = rl_replay_log_open(call, &err);
    if (!*ret_log) {
        return rl_cli_misused(call, &err);
    }
    return rl_replay_progress_open(*ret_log, call->words[0], ret, &err) ? RL_CLI_OK : rl_cli_fail(call, &err);
}

/* A result cannot be older than the oldest submission. */
static bool note_results(rl_replay_log *log, rl_replay_selection *selection, const rl_replay_table *table,
                         rl_error *err) {
    const int64_t oldest_us = rl_replay_table_oldest_us(table);
    const int64_t since_us = oldest_us > RL_REPLAY_CLOCKS_US ? oldest_us - RL_REPLAY_CLOCKS_US : 0;
    return rl_replay_log_note_topic(log, RL_TOPIC_RESULTS, since_us, &selection->results, err);
}

bool rl_replay_survey(rl_replay_log *log, rl_replay_selection *selection, rl_replay_table **ret_table,
                      rl_replay_join **ret_join, rl_replay_plan *ret_plan, int64_t *ret_unreadable,
                      rl_error *err) {
    const bool is_new = selection->submissions.count == 0;
    *ret_join = NULL;
    *ret_table = rl_replay_table_new(err);
    if (!*ret_table || !(*ret_join = rl_replay_join_new(*ret_table, RL_REPLAY_NO_GENERATION, err)) ||
        (is_new && !rl_replay_log_note(log, selection, err)) ||
        !rl_replay_log_find(log, selection, *ret_table, ret_unreadable, err) ||
        (is_new && !note_results(log, selection, *ret_table, err)) ||
        !rl_replay_log_results(log, &selection->results, *ret_table, *ret_join, err)) {
        return false;
    }
    rl_replay_join_end(*ret_join);
    return rl_replay_plan_make(*ret_table, selection, ret_plan, err);
}

void rl_replay_print_json(const json_t *json) {
    (void)json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    (void)putchar('\n');
}

static const char *text_of(const json_t *json, const char *name) {
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "-";
}

static long long number_of(const json_t *json, const char *name) {
    return (long long)json_integer_value(json_object_get(json, name));
}

/* What a log may hold is not printed as it is: a terminal would obey it. */
static void print_value(const char *title, const json_t *value) {
    (void)printf("%-14s", title);
    (void)json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    (void)putchar('\n');
}

static void print_lines(const json_t *json) {
    (void)printf("%-14s%s, generation %lld\n", "replay", text_of(json, "replay"),
                 number_of(json, "generation"));
    (void)printf("%-14s%s\n", "state", text_of(json, "state"));
    print_value("requested by", json_object_get(json, "requestedBy"));
    (void)printf("%-14s%s\n", "requested at", text_of(json, "requestedAt"));
    print_value("selection", json_object_get(json, "selection"));
    (void)printf("%-14s%s\n", "apply", text_of(json, "apply"));
    (void)printf("%-14s%lld selected, %lld published, %lld executed", "submissions", number_of(json, "count"),
                 number_of(json, "published"), number_of(json, "finished"));
    (void)printf(number_of(json, "failed") > 0 ? ", %lld of them failed\n" : "\n", number_of(json, "failed"));
    print_value("verdicts", json_object_get(json, "verdicts"));
    (void)printf("%-14s%lld verdicts, %lld outputs of the same verdict\n", "changed",
                 number_of(json, "changedVerdicts"), number_of(json, "changedOutputs"));
    if (json_is_string(json_object_get(json, "cancelledAt"))) {
        (void)printf("%-14s%s, %lld dropped\n", "cancelled at", text_of(json, "cancelledAt"),
                     number_of(json, "published") - number_of(json, "finished"));
    }
    if (json_is_string(json_object_get(json, "decision"))) {
        (void)printf("%-14s%s at %s\n", "decision", text_of(json, "decision"), text_of(json, "decidedAt"));
    }
}

void rl_replay_print(const rl_cli_call *call, const rl_replay_progress *progress) {
    json_t *json = rl_replay_progress_json(progress);
    if (rl_cli_has(call, "json")) {
        rl_replay_print_json(json);
    } else {
        print_lines(json);
    }
    json_decref(json);
}

static bool watches(const rl_cli_call *call) {
    return rl_cli_has(call, "watch") || (!rl_cli_has(call, "detach") && isatty(STDERR_FILENO) == 1);
}

/* Why it is not as it was meant to be; true: it is. */
static bool check_end(const rl_replay_progress *progress, rl_replay_published end, rl_error *err) {
    const rl_replay_case *one = rl_replay_progress_case(progress);
    const long long published = (long long)progress->tally.published, count = (long long)one->count;
    switch (end) {
    case RL_REPLAY_INTERRUPTED:
        return published >= count || /* it only has no time to wait any more */
               rl_error_set(err, RL_TRANSIENT, 0,
                            "interrupted: %lld of %lld are published. runlog replay resume %s publishes the "
                            "rest, runlog replay cancel %s stops it",
                            published, count, one->id, one->id);
    case RL_REPLAY_STOPPED:
        return rl_error_set(err, RL_TRANSIENT, 0, "%s was %s meanwhile", one->id,
                            rl_replay_progress_state(progress));
    case RL_REPLAY_PUBLISHED:
    default:
        return published >= count ||
               rl_error_set(err, RL_TRANSIENT, 0,
                            "%lld of %lld can no longer be read: retention has removed them",
                            count - published, count);
    }
}

int rl_replay_carry_out(const rl_cli_call *call, rl_replay_progress *progress,
                        const rl_replay_publish_options *options) {
    rl_error err = RL_ERROR_INIT;
    rl_replay_published end = RL_REPLAY_PUBLISHED;
    rl_replay_bar bar;
    const bool json = rl_cli_has(call, "json");
    rl_replay_bar_init(&bar, !json);
    if (!rl_replay_publish(progress, options, &bar, &end, &err)) {
        rl_replay_bar_end(&bar);
        (void)rl_error_prefix(&err, "runlog replay resume %s goes on with it", progress->id);
        return rl_cli_fail(call, &err);
    }
    const bool all = check_end(progress, end, &err);
    const int over = all && watches(call) ? rl_replay_progress_await(progress, -1, &bar, &err) : 1;
    if (over < 0) {
        return rl_cli_fail(call, &err);
    }
    rl_replay_bar_end(&bar);
    rl_replay_print(call, progress);
    if (!all) {
        return rl_cli_fail(call, &err);
    }
    return over ? RL_CLI_OK : RL_CLI_PENDING;
}
