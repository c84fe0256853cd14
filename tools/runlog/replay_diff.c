/* replay_diff.c: `runlog replay diff ID`: what a replay changes, or has changed. */
#include <string.h>

#include "tools/runlog/replay_run.h"
#include "tools/runlog/service.h"

static json_t *row_of(const rl_replay_table *table, const rl_replay_entry *entry) {
    return json_pack("{s:s%,s:s,s:s,s:s,s:b}", "id", entry->id, (size_t)RL_ID_LENGTH, "language",
                     rl_replay_table_lang_name(table, entry->lang), "before",
                     rl_verdict_name(entry->before.verdict), "after", rl_verdict_name(entry->after.verdict),
                     "outputDiffers", entry->after.output != entry->before.output);
}

static void count(json_t *summary, const rl_replay_entry *entry, rl_replay_change change) {
    char name[64];
    (void)snprintf(name, sizeof name, "%s -> %s%s", rl_verdict_name(entry->before.verdict),
                   rl_verdict_name(entry->after.verdict),
                   change == RL_REPLAY_OTHER_OUTPUT ? " (other output)" : "");
    const json_int_t before = json_integer_value(json_object_get(summary, name));
    (void)json_object_set_new(summary, name, json_integer(before + 1));
}

/* One row at a time, so that a large replay needs no more memory than its table. */
static void print_row(const json_t *row, bool first, bool json) {
    if (json) {
        (void)fputs(first ? "" : ",", stdout);
        (void)json_dumpf(row, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        return;
    }
    const char *before = json_string_value(json_object_get(row, "before"));
    const char *after = json_string_value(json_object_get(row, "after"));
    (void)printf("%s ", json_string_value(json_object_get(row, "id")));
    (void)json_dumpf(json_object_get(row, "language"), stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    (void)printf(" %s -> %s%s\n", before, after, strcmp(before, after) == 0 ? " (other output)" : "");
}

static void print_rows(const rl_replay_table *table, bool json, json_t *summary) {
    bool first = true;
    for (size_t i = 0; i < rl_replay_table_count(table); i++) {
        const rl_replay_entry *entry = rl_replay_table_at(table, i);
        if (entry->after.generation < 0 || entry->before.generation < 0) {
            continue;
        }
        const rl_replay_change change = rl_replay_change_of(entry);
        count(summary, entry, change);
        if (change != RL_REPLAY_SAME) {
            RL_AUTO_JSON json_t *row = row_of(table, entry);
            print_row(row, first, json);
            first = false;
        }
    }
}

static void print_summary(const json_t *summary) {
    const char *name;
    const json_t *number;
    json_object_foreach((json_t *)summary, name, number) {
        (void)printf("%lld %s\n", (long long)json_integer_value(number), name);
    }
}

static int run(const rl_cli_call *call) {
    RL_AUTO_REPLAY_LOG rl_replay_log *log = NULL;
    RL_AUTO_REPLAY_PROGRESS rl_replay_progress progress = {0};
    const int status = rl_replay_look_up(call, &log, &progress);
    if (status != RL_CLI_OK) {
        return status;
    }
    const bool json = rl_cli_has(call, "json");
    RL_AUTO_JSON json_t *summary = json_object();
    if (json) {
        (void)printf("{\"replay\":\"%s\",\"state\":\"%s\",\"changes\":[", progress.id,
                     rl_replay_progress_state(&progress));
    }
    print_rows(progress.table, json, summary);
    if (json) {
        (void)fputs("],\"summary\":", stdout);
        (void)json_dumpf(summary, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)puts("}");
    } else {
        print_summary(summary);
    }
    return RL_CLI_OK;
}

static const rl_cli_option options[] = {RL_OPTION_JSON};

const rl_cli_command rl_command_replay_diff = {
    .name = "replay diff",
    .arguments = "ID",
    .summary = "the answers that a replay changes: verdicts before and after, other output",
    .details =
        "A line for each answer that differs from the one before the replay, then how many there are of\n"
        "each kind, the same ones included. Output is what the program wrote, its exit code and its files;\n"
        "what it took does not count. Results that a replay failed to get (SYSTEM_ERROR) change nothing.",
    .for_operators = true,
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
