/* replay_request.h: what `runlog replay start` was asked for.
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_REPLAY_REQUEST_H
#define RL_TOOLS_REPLAY_REQUEST_H

#include "tools/runlog/cli.h"
#include "tools/runlog/replay_selection.h"

#define RL_REPLAY_AHEAD 1000

typedef struct {
    rl_replay_selection selection;
    bool apply_later;
    double rate_per_second; /* 0: as fast as may be */
    int64_t ahead;          /* how many may wait in the lane; 0: no bound */
    int64_t slots;          /* of the runners, for the estimate; 0: not told */
    char by[128];           /* who asks */
} rl_replay_request;

/* Reads the options, and the files that they name. `now_us`: wall clock. INVALID where something is not as it should be, or
 * nothing was selected. `ret` is freed by the caller in either case. */
bool rl_replay_request_parse(const rl_cli_call *call, int64_t now_us, rl_replay_request *ret, rl_error *err);
void rl_replay_request_free(rl_replay_request *request);

/* --ahead alone, which resuming has as well. */
bool rl_replay_request_ahead(const rl_cli_call *call, int64_t *ret, rl_error *err);

#define RL_AUTO_REPLAY_REQUEST RL_CLEANUP(rl_replay_request_free)
#define RL_OPTION_AHEAD {"ahead", "N", "how many may wait or run at a time; 1000 otherwise, 0: no bound"}

#endif
