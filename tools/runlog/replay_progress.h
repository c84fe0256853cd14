/* replay_progress.h: a replay that is under way, or over, as the log has it.
 *
 * What stands on submissions.replay with its generation has been published, what stands on results with it has finished, and the
 * topic replays says whether it was cancelled or decided on. Each step reads what has been written since the step before.
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_REPLAY_PROGRESS_H
#define RL_TOOLS_REPLAY_PROGRESS_H

#include "tools/runlog/replay_audit.h"
#include "tools/runlog/replay_tally.h"

/* Everything but the log is owned. {0} is empty. */
typedef struct {
    rl_replay_log *log;
    char id[RL_REPLAY_ID_SIZE];
    rl_replay_audit audit;
    rl_replay_table *table;
    rl_replay_join *join;
    rl_log_ranges results, published,
        replays; /* empty, at where it goes on; published: none where the table is told by who publishes */
    bool lacks_before; /* submissions came to the table after the answers before the replay had been read */
    rl_replay_tally tally;
    int64_t began_us;   /* monotonic */
    int64_t stepped_us; /* monotonic, when the last step ended */
} rl_replay_progress;

void rl_replay_progress_free(rl_replay_progress *progress);

/* Looks up the replay `id`, and the answers before it, however old they are. What has finished is known from its results where the lane
 * has forgotten it. INVALID where there is no such replay. */
bool rl_replay_progress_open(rl_replay_log *log, const char *id, rl_replay_progress *ret, rl_error *err);

/* One that this process publishes: takes over the table and the join, in any case; both have been read up to the ends of
 * `results` (copied), and the submissions that are to be published are marked as chosen. */
bool rl_replay_progress_begin(rl_replay_log *log, const char *id, rl_replay_table *table,
                              rl_replay_join *join, const rl_log_ranges *results, rl_replay_progress *ret,
                              rl_error *err);

/* Reads what is new. One that fails leaves what it has not read to the next. The answers before submissions that were published since
 * it was opened are not known before rl_replay_progress_catch_up. */
bool rl_replay_progress_step(rl_replay_progress *progress, rl_error *err);

/* The same, but a failure that goes by is none while the last step that succeeded is less than 90 seconds ago. */
bool rl_replay_progress_try_step(rl_replay_progress *progress, rl_error *err);

/* Reads the answers before submissions that steps have added, so that the tally tells what has changed. */
bool rl_replay_progress_catch_up(rl_replay_progress *progress, rl_error *err);

/* Its record and what became of it; until the next step. */
const rl_replay_case *rl_replay_progress_case(const rl_replay_progress *progress);

/* "applied", "discarded", "cancelled", "finished", "published" (all of it stands in the lane), or "publishing": whoever publishes it
 * is at it, or has been interrupted. */
const char *rl_replay_progress_state(const rl_replay_progress *progress);

/* Nothing more will finish: all of it has, or it was cancelled or discarded. */
bool rl_replay_progress_is_over(const rl_replay_progress *progress);

/* The replay, its tally and its state; freed by the caller. */
json_t *rl_replay_progress_json(const rl_replay_progress *progress);

/* Shows on stderr how far it is: a bar that is drawn again and again at a terminal, else a line every ten seconds. */
typedef struct {
    bool shows, terminal, drawn;
    int64_t said_us; /* monotonic */
} rl_replay_bar;

void rl_replay_bar_init(rl_replay_bar *bar, bool shows);
void rl_replay_bar_show(rl_replay_bar *bar, const rl_replay_progress *progress);
void rl_replay_bar_end(rl_replay_bar *bar);

/* Steps (rl_replay_progress_try_step) and catches up, until it is over, the time is up (`timeout_us` < 0: for as long as it takes) or Ctrl-C comes. Returns 1: it is over; 0: it is not;
 * -1: an error. */
int rl_replay_progress_await(rl_replay_progress *progress, int64_t timeout_us, rl_replay_bar *bar,
                             rl_error *err);

#define RL_AUTO_REPLAY_PROGRESS RL_CLEANUP(rl_replay_progress_free)

#endif
