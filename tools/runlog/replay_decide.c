/* replay_decide.c: `runlog replay cancel ID`, `runlog replay apply ID`, `runlog replay discard ID`.
 *
 * Each is a record where it takes effect, and then a copy on `replays`, for the audit. What ends in between has taken effect, and is
 * only missing in `replay list`.
 */
#include <inttypes.h>

#include "lib/base/clock.h"
#include "lib/codec/cancel.h"
#include "lib/stream/topics.h"
#include "tools/runlog/confirm.h"
#include "tools/runlog/replay_run.h"
#include "tools/runlog/service.h"

static bool write_cancel(rl_replay_log *log, const rl_replay_case *one, rl_error *err) {
    const rl_cancel cancel = {
        .id = one->id, .tenant = "", .requested_us = rl_wall_clock_us(), .generation = one->generation};
    RL_AUTO_BUFFER rl_buffer bytes;
    rl_buffer_init(&bytes, RL_CANCEL_MAX_BYTES);
    return rl_cancel_encode(rl_replay_log_codec(log), &cancel, &bytes, err) &&
           rl_replay_log_write(log, RL_TOPIC_CONTROLS, one->id, rl_buffer_bytes(&bytes), err) &&
           rl_replay_log_write(log, RL_TOPIC_REPLAYS, one->id, rl_buffer_bytes(&bytes), err);
}

static bool write_decision(rl_replay_log *log, rl_record_kind kind, const rl_replay_case *one,
                           rl_error *err) {
    const rl_replay_decision decision = {
        .replay = one->id, .generation = one->generation, .decided_us = rl_wall_clock_us()};
    RL_AUTO_BUFFER rl_buffer bytes;
    rl_buffer_init(&bytes, RL_REPLAY_MAX_BYTES);
    return rl_replay_decision_encode(rl_replay_log_codec(log), kind, &decision, &bytes, err) &&
           rl_replay_log_write(log, RL_TOPIC_RESULTS, one->id, rl_buffer_bytes(&bytes), err) &&
           rl_replay_log_write(log, RL_TOPIC_REPLAYS, one->id, rl_buffer_bytes(&bytes), err);
}

/* Shows the replay as it is now. */
static int show(const rl_cli_call *call, rl_replay_progress *progress) {
    rl_error err = RL_ERROR_INIT;
    if (!rl_replay_progress_step(progress, &err) || !rl_replay_progress_catch_up(progress, &err)) {
        return rl_cli_fail(call, &err);
    }
    rl_replay_print(call, progress);
    return RL_CLI_OK;
}

/* ---- cancel ---- */

static int run_cancel(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_REPLAY_LOG rl_replay_log *log = NULL;
    RL_AUTO_REPLAY_PROGRESS rl_replay_progress progress = {0};
    const int status = rl_replay_look_up(call, &log, &progress);
    if (status != RL_CLI_OK) {
        return status;
    }
    const rl_replay_case *one = rl_replay_progress_case(&progress);
    if (progress.tally.finished >= one->count) {
        (void)rl_error_set(&err, RL_INVALID, 0, "%s is over: all of it is executed", progress.id);
        return rl_cli_fail(call, &err);
    }
    char question[160];
    (void)snprintf(question, sizeof question, "Cancel %s, of which %" PRId64 " of %" PRId64 " are executed?",
                   progress.id, progress.tally.finished, one->count);
    if (!rl_cli_confirm(call, question, &err)) {
        return rl_cli_misused(call, &err);
    }
    return write_cancel(log, one, &err) ? show(call, &progress) : rl_cli_fail(call, &err);
}

/* ---- apply, discard ---- */

/* Whether there is something to decide. */
static bool check_open(const rl_replay_progress *progress, rl_error *err) {
    const rl_replay_case *one = rl_replay_progress_case(progress);
    if (!one->apply_later) {
        return rl_error_set(err, RL_INVALID, 0,
                            "%s was started with --apply now: its results are visible already", one->id);
    }
    return one->decided == RL_REPLAY_UNDECIDED ||
           rl_error_set(err, RL_INVALID, 0, "%s has been %s", one->id, rl_replay_progress_state(progress));
}

static bool check_finished(const rl_replay_progress *progress, rl_error *err) {
    const rl_replay_case *one = rl_replay_progress_case(progress);
    return progress->tally.finished >= one->count || one->cancelled_us > 0 ||
           rl_error_set(err, RL_INVALID, 0,
                        "%" PRId64 " of %" PRId64 " are executed so far: wait for the others (runlog replay "
                        "watch), or cancel them and apply what there is",
                        progress->tally.finished, one->count);
}

static int run_apply(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_REPLAY_LOG rl_replay_log *log = NULL;
    RL_AUTO_REPLAY_PROGRESS rl_replay_progress progress = {0};
    const int status = rl_replay_look_up(call, &log, &progress);
    if (status != RL_CLI_OK) {
        return status;
    }
    if (!check_open(&progress, &err) || !check_finished(&progress, &err)) {
        return rl_cli_fail(call, &err);
    }
    char question[200];
    (void)snprintf(question, sizeof question,
                   "Replace %" PRId64 " results, %" PRId64 " of them with another verdict and %" PRId64
                   " with other output?",
                   progress.tally.finished - progress.tally.failed, progress.tally.changed_verdicts,
                   progress.tally.changed_outputs);
    if (!rl_cli_confirm(call, question, &err)) {
        return rl_cli_misused(call, &err);
    }
    return write_decision(log, RL_RECORD_APPLIED, rl_replay_progress_case(&progress), &err)
               ? show(call, &progress)
               : rl_cli_fail(call, &err);
}

static int run_discard(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_REPLAY_LOG rl_replay_log *log = NULL;
    RL_AUTO_REPLAY_PROGRESS rl_replay_progress progress = {0};
    const int status = rl_replay_look_up(call, &log, &progress);
    if (status != RL_CLI_OK) {
        return status;
    }
    if (!check_open(&progress, &err)) {
        return rl_cli_fail(call, &err);
    }
    char question[160];
    (void)snprintf(question, sizeof question, "Discard the %" PRId64 " results of %s for good?",
                   progress.tally.finished, progress.id);
    if (!rl_cli_confirm(call, question, &err)) {
        return rl_cli_misused(call, &err);
    }
    const rl_replay_case *one = rl_replay_progress_case(&progress);
    const bool ok = (progress.tally.finished >= one->count || write_cancel(log, one, &err)) &&
                    write_decision(log, RL_RECORD_DISCARDED, one, &err);
    return ok ? show(call, &progress) : rl_cli_fail(call, &err);
}

static const rl_cli_option options[] = {RL_OPTION_YES, RL_OPTION_JSON};

const rl_cli_command rl_command_replay_cancel = {
    .name = "replay cancel",
    .arguments = "ID",
    .summary = "stop a replay: what waits is dropped, what runs is killed",
    .details =
        "Asks first. What is dropped leaves no result and changes no answer; results that are there stay.\n"
        "Asking again is fine. Exit status: 1 where all of it is executed, 2 where it was not confirmed.",
    .for_operators = true,
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run_cancel,
};

const rl_cli_command rl_command_replay_apply = {
    .name = "replay apply",
    .arguments = "ID",
    .summary = "make the results of a replay with --apply later the answers",
    .details =
        "Asks first, and says how many answers change; replay diff says which. Not before all of it is\n"
        "executed, or the rest of it cancelled. There is no way back, other than another replay. Exit\n"
        "status: 1 where it cannot be applied (any more), 2 where it was not confirmed.",
    .for_operators = true,
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run_apply,
};

const rl_cli_command rl_command_replay_discard = {
    .name = "replay discard",
    .arguments = "ID",
    .summary = "drop the results of a replay with --apply later, as if it had not been",
    .details = "Asks first. What is not executed yet is cancelled. Exit status: 1 where there is nothing to\n"
               "discard (any more), 2 where it was not confirmed.",
    .for_operators = true,
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run_discard,
};
