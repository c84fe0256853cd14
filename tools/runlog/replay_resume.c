/* replay_resume.c: `runlog replay resume ID`: publishes what an interrupted start has not.
 *
 * The record of the replay says what was selected and up to where the log was read for it, so that reading it again chooses the
 * same submissions. What stands on submissions.replay with the generation has been published.
 */
#include <inttypes.h>

#include "lib/base/clock.h"
#include "lib/stream/topics.h"
#include "tools/runlog/interrupt.h"
#include "tools/runlog/replay_request.h"
#include "tools/runlog/replay_run.h"
#include "tools/runlog/service.h"

static bool check(const rl_replay_case *one, rl_error *err) {
    if (one->cancelled_us > 0 || one->decided != RL_REPLAY_UNDECIDED) {
        return rl_error_set(err, RL_INVALID, 0, "%s was %s", one->id,
                            one->decided == RL_REPLAY_APPLIED     ? "applied"
                            : one->decided == RL_REPLAY_DISCARDED ? "discarded"
                                                                  : "cancelled");
    }
    return true;
}

/* Marks what the lane has, or had, of it. */
static bool mark_published(rl_replay_log *log, const rl_replay_case *one, rl_replay_table *table,
                           rl_error *err) {
    RL_AUTO_RANGES rl_log_ranges lane = {0};
    return rl_replay_log_note_topic(log, RL_TOPIC_SUBMISSIONS_REPLAY, one->requested_us - RL_REPLAY_CLOCKS_US,
                                    &lane, err) &&
           rl_replay_log_published(log, &lane, one->generation, false, table, err);
}

static int go_on(const rl_cli_call *call, rl_replay_log *log, const rl_replay_case *one,
                 rl_replay_selection *selection, int64_t ahead) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_REPLAY_TABLE rl_replay_table *table = NULL;
    RL_AUTO_REPLAY_JOIN rl_replay_join *join = NULL;
    RL_AUTO_RANGES rl_log_ranges results = {0};
    RL_AUTO_REPLAY_PROGRESS rl_replay_progress progress = {0};
    rl_replay_plan plan;
    int64_t unreadable = 0;
    if (!rl_replay_survey(log, selection, &table, &join, &plan, &unreadable, &err) ||
        !mark_published(log, one, table, &err) ||
        !rl_replay_log_note_topic(log, RL_TOPIC_RESULTS, one->requested_us - RL_REPLAY_CLOCKS_US, &results,
                                  &err)) {
        return rl_cli_fail(call, &err);
    }
    if (plan.chosen != one->count) {
        (void)fprintf(stderr, "%" PRId64 " of the %" PRId64 " that were chosen can be read\n", plan.chosen,
                      one->count);
    }
    rl_replay_join_begin(join, one->generation);
    if (!rl_replay_log_results(log, &results, table, join, &err) ||
        !rl_replay_progress_begin(log, one->id, RL_STEAL(table), RL_STEAL(join), &results, &progress, &err)) {
        return rl_cli_fail(call, &err);
    }
    const rl_replay_publish_options options = {
        .selection = selection,
        .rate_per_second = one->rate_per_second,
        .ahead = ahead,
        .held = one->apply_later,
    };
    return rl_replay_carry_out(call, &progress, &options);
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_REPLAY_AUDIT rl_replay_audit audit = {0};
    RL_AUTO_REPLAY_SELECTION rl_replay_selection selection = {0};
    int64_t ahead = 0;
    RL_AUTO_REPLAY_LOG rl_replay_log *log =
        rl_replay_request_ahead(call, &ahead, &err) ? rl_replay_log_open(call, &err) : NULL;
    if (!log) {
        return rl_cli_misused(call, &err);
    }
    const rl_replay_case *one =
        rl_replay_audit_read(log, &audit, &err) ? rl_replay_audit_find(&audit, call->words[0], &err) : NULL;
    RL_AUTO_JSON json_t *json = one ? json_loads(one->selection, 0, NULL) : NULL;
    if (!one || !check(one, &err) || !rl_replay_selection_read(json, &selection, &err)) {
        return rl_cli_fail(call, &err);
    }
    rl_interrupt_note();
    return go_on(call, log, one, &selection, ahead);
}

static const rl_cli_option options[] = {RL_OPTION_AHEAD, RL_OPTION_WATCH, RL_OPTION_DETACH, RL_OPTION_JSON};

const rl_cli_command rl_command_replay_resume = {
    .name = "replay resume",
    .arguments = "ID",
    .summary = "publish what an interrupted replay start has not",
    .details =
        "The same submissions are chosen again, and those that stand in the lane are passed over. Do not\n"
        "run it beside the start that it resumes, or one beside the other: some would be executed twice,\n"
        "with one result all the same. What retention has removed meanwhile cannot be published: status 1.\n"
        "Status 3: Ctrl-C came while it waited for the last of them to be executed.",
    .for_operators = true,
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
