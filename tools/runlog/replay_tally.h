/* replay_tally.h: how far a replay is, and what it has changed.
 *
 * Pure. Thread: one at a time.
 */
#ifndef RL_TOOLS_REPLAY_TALLY_H
#define RL_TOOLS_REPLAY_TALLY_H

#include <jansson.h>

#include "tools/runlog/replay_table.h"

/* Of the chosen ones. */
typedef struct {
    int64_t published;
    int64_t finished; /* executed, or given up as SYSTEM_ERROR */
    int64_t verdicts[RL_VERDICT_COUNT];
    int64_t
        changed_verdicts; /* another verdict than the answer before it; SYSTEM_ERROR, which replaces none, left out */
    int64_t changed_outputs; /* the same verdict, but other output, files or exit code */
    int64_t failed;          /* those change no answer: SYSTEM_ERROR, as a rule */
} rl_replay_tally;

void rl_replay_tally_count(const rl_replay_table *table, rl_replay_tally *ret);

/* {"published", "finished", "failed", "verdicts": {name: count}, "changedVerdicts", "changedOutputs"}; freed by the caller. */
json_t *rl_replay_tally_json(const rl_replay_tally *tally);

typedef enum { RL_REPLAY_SAME, RL_REPLAY_OTHER_VERDICT, RL_REPLAY_OTHER_OUTPUT } rl_replay_change;

/* What the replay means for one answer. */
rl_replay_change rl_replay_change_of(const rl_replay_entry *entry);

#define RL_REPLAY_LINE_SIZE 160

/* "[#####...............] 250 of 1000 executed, 400 published, 12.5 a second"; `took_us` is since the beginning. */
void rl_replay_tally_line(const rl_replay_tally *tally, int64_t count, int64_t took_us,
                          char out[RL_REPLAY_LINE_SIZE]);

#endif
