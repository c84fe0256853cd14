/* replay_run.h: what the commands about replays have in common.
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_REPLAY_RUN_H
#define RL_TOOLS_REPLAY_RUN_H

#include "tools/runlog/cli.h"
#include "tools/runlog/replay_plan.h"
#include "tools/runlog/replay_publish.h"

/* Connects, and reads how far the replay is that `call` names first. RL_CLI_OK, or the status to end with; both are freed by the
 * caller in either case. */
int rl_replay_look_up(const rl_cli_call *call, rl_replay_log **ret_log, rl_replay_progress *ret);

/* Reads what a selection is about, up to the ends noted in it, or to those there are now where it has none yet (they are noted
 * then), and plans. `ret_table` and `ret_join` are freed by the caller in either case. */
bool rl_replay_survey(rl_replay_log *log, rl_replay_selection *selection, rl_replay_table **ret_table,
                      rl_replay_join **ret_join, rl_replay_plan *ret_plan, int64_t *ret_unreadable,
                      rl_error *err);

/* Publishes what is missing, follows it where --watch asks for that or a terminal is there and --detach does not object, and says
 * how it went. Returns the exit status. */
int rl_replay_carry_out(const rl_cli_call *call, rl_replay_progress *progress,
                        const rl_replay_publish_options *options);

/* Prints a replay: everything as JSON, or lines for people. */
void rl_replay_print(const rl_cli_call *call, const rl_replay_progress *progress);

/* One line of JSON. */
void rl_replay_print_json(const json_t *json);

#define RL_OPTION_WATCH {"watch", NULL, "until it is over; otherwise only where standard error is a terminal"}
#define RL_OPTION_DETACH {"detach", NULL, "end when the last one is published, at a terminal too"}

#endif
