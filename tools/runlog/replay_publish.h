/* replay_publish.h: the chosen submissions onto the lane for replays.
 *
 * The programs are read again where they stand, in the order of the log, and written to submissions.replay with the replay's
 * generation. No more than a given number wait there at a time, and no more than a given number go there in a second: what is
 * not there yet needs no cancelling, and another replay gets its turn.
 *
 * It can end anywhere, and leaves nothing behind that is half done: what stands on submissions.replay is published, and the
 * rest is published by going on (`runlog replay resume`).
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_REPLAY_PUBLISH_H
#define RL_TOOLS_REPLAY_PUBLISH_H

#include "tools/runlog/replay_progress.h"

typedef struct {
    const rl_replay_selection *selection; /* where the chosen ones stand */
    double rate_per_second;               /* 0: no bound */
    int64_t ahead;                        /* how many may wait or run at a time; 0: no bound */
    bool held;
} rl_replay_publish_options;

typedef enum {
    RL_REPLAY_PUBLISHED,   /* all that could be read again */
    RL_REPLAY_INTERRUPTED, /* Ctrl-C */
    RL_REPLAY_STOPPED,     /* cancelled or discarded meanwhile */
} rl_replay_published;

/* Publishes what is chosen and not published yet; waits until it is acknowledged. */
bool rl_replay_publish(rl_replay_progress *progress, const rl_replay_publish_options *options,
                       rl_replay_bar *bar, rl_replay_published *ret, rl_error *err);

/* Makes a submission one of a replay: of that generation, without what was meant for the client that waited for the first
 * run (deadline, callback, trace), and never answered from a cache. Pure. */
void rl_replay_renew(rl_submission *submission, int64_t generation, bool held);

/* How long to wait before the next one, when `sent` have been in `took_us`. Pure. */
int64_t rl_replay_pace_us(double rate_per_second, int64_t sent, int64_t took_us);

/* Narrows `ranges` to where chosen submissions stand that are not published. Pure. */
void rl_replay_narrow_to_missing(const rl_replay_table *table, rl_log_ranges *ranges);

#endif
