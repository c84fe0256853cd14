/* replay_list.c: `runlog replay list`, `runlog replay show ID`, `runlog replay watch ID`: what became of replays. */
#include "lib/base/clock.h"
#include "tools/runlog/interrupt.h"
#include "tools/runlog/replay_run.h"
#include "tools/runlog/service.h"

/* ---- list ---- */

static const char *fate_of(const rl_replay_case *one) {
    if (one->decided != RL_REPLAY_UNDECIDED) {
        return one->decided == RL_REPLAY_APPLIED ? "applied" : "discarded";
    }
    return one->cancelled_us > 0 ? "cancelled" : one->apply_later ? "undecided" : "-";
}

static void print_case(const rl_replay_case *one) {
    char when[RL_RFC3339_SIZE];
    (void)printf("%-26s %s %10lld %-5s %-10s ", one->id, rl_rfc3339(one->requested_us, when),
                 (long long)one->count, one->apply_later ? "later" : "now", fate_of(one));
    RL_AUTO_JSON json_t *json = rl_replay_case_json(one);
    const json_t *by = json_object_get(json, "requestedBy"); /* escaped: it may hold anything */
    (void)json_dumpf(by, stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    (void)putchar('\n');
}

static int run_list(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_REPLAY_AUDIT rl_replay_audit audit = {0};
    RL_AUTO_REPLAY_LOG rl_replay_log *log = rl_replay_log_open(call, &err);
    if (!log) {
        return rl_cli_misused(call, &err);
    }
    if (!rl_replay_audit_read(log, &audit, &err)) {
        return rl_cli_fail(call, &err);
    }
    RL_AUTO_JSON json_t *list = json_array();
    for (size_t i = 0; i < audit.count; i++) {
        if (rl_cli_has(call, "json")) {
            (void)json_array_append_new(list, rl_replay_case_json(&audit.items[i]));
        } else {
            print_case(&audit.items[i]);
        }
    }
    if (rl_cli_has(call, "json")) {
        rl_replay_print_json(list);
    }
    return RL_CLI_OK;
}

/* ---- show, watch ---- */

static int run_show(const rl_cli_call *call) {
    RL_AUTO_REPLAY_LOG rl_replay_log *log = NULL;
    RL_AUTO_REPLAY_PROGRESS rl_replay_progress progress = {0};
    const int status = rl_replay_look_up(call, &log, &progress);
    if (status != RL_CLI_OK) {
        return status;
    }
    rl_replay_print(call, &progress);
    return RL_CLI_OK;
}

static int run_watch(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    int64_t seconds = -1;
    RL_AUTO_REPLAY_LOG rl_replay_log *log = NULL;
    RL_AUTO_REPLAY_PROGRESS rl_replay_progress progress = {0};
    if (!rl_cli_number(call, "timeout", 0, INT32_MAX, -1, &seconds, &err)) {
        return rl_cli_misused(call, &err);
    }
    const int status = rl_replay_look_up(call, &log, &progress);
    if (status != RL_CLI_OK) {
        return status;
    }
    rl_replay_bar bar;
    rl_replay_bar_init(&bar, !rl_cli_has(call, "json"));
    rl_interrupt_note();
    const int over =
        rl_replay_progress_await(&progress, seconds < 0 ? -1 : seconds * RL_US_PER_S, &bar, &err);
    if (over < 0) {
        return rl_cli_fail(call, &err);
    }
    rl_replay_print(call, &progress);
    return over ? RL_CLI_OK : RL_CLI_PENDING;
}

static const rl_cli_option list_options[] = {RL_OPTION_JSON};
static const rl_cli_option watch_options[] = {
    {"timeout", "SECONDS", "no longer than that"},
    RL_OPTION_JSON,
};

const rl_cli_command rl_command_replay_list = {
    .name = "replay list",
    .arguments = "",
    .summary = "all replays: id, when, how many, now or later, what became of it, who",
    .for_operators = true,
    .options = list_options,
    .option_count = sizeof list_options / sizeof *list_options,
    .run = run_list,
};

const rl_cli_command rl_command_replay_show = {
    .name = "replay show",
    .arguments = "ID",
    .summary = "one replay: who asked for what, how far it is, what it changed",
    .for_operators = true,
    .least = 1,
    .most = 1,
    .options = list_options,
    .option_count = sizeof list_options / sizeof *list_options,
    .run = run_show,
};

const rl_cli_command rl_command_replay_watch = {
    .name = "replay watch",
    .arguments = "ID",
    .summary = "follow a replay until all of it is executed, or it is cancelled",
    .details =
        "Then says what replay show says. Exit status: 3 where the time was up, or Ctrl-C came, before.",
    .for_operators = true,
    .least = 1,
    .most = 1,
    .options = watch_options,
    .option_count = sizeof watch_options / sizeof *watch_options,
    .run = run_watch,
};
