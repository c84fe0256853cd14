/* replay_plan.h: which of the submissions that were found are replayed, and what that costs.
 *
 * Pure. Thread: one at a time.
 */
#ifndef RL_TOOLS_REPLAY_PLAN_H
#define RL_TOOLS_REPLAY_PLAN_H

#include <jansson.h>

#include "tools/runlog/replay_selection.h"
#include "tools/runlog/replay_table.h"

/* Found submissions are chosen, or left out for the first of these reasons. */
typedef struct {
    int64_t chosen;
    int64_t deleted;
    int64_t pending;   /* without a result that clients see */
    int64_t cancelled; /* as nobody asked for those */
    int64_t verdict;   /* has another verdict than asked for */
    int64_t limit;     /* older than the newest so many */
    int64_t busy_us;   /* how long the chosen ones took up a slot when they were executed */
} rl_replay_plan;

/* Marks the chosen ones in `table`, whose results are known. `ret` gets the counts. TRANSIENT when memory is short. */
bool rl_replay_plan_make(rl_replay_table *table, const rl_replay_selection *selection, rl_replay_plan *ret,
                         rl_error *err);

/* {"count", "slotSeconds", "languages": {name: count}, "verdicts": {name: count}, "leftOut": {reason: count}, "seconds"}: the last one
 * is how long it takes with `slots` (0: not known) and at `rate` a second (0: as fast as may be); null where neither is given.
 * Freed by the caller. */
json_t *rl_replay_plan_json(const rl_replay_plan *plan, const rl_replay_table *table, int64_t slots,
                            double rate);

/* The same for people. */
void rl_replay_plan_print(const json_t *plan, FILE *out);

/* {name: count} of the entries' languages or verdicts. */
typedef const char *(*rl_replay_name_of)(const rl_replay_table *table, const rl_replay_entry *entry);

/* Counts the entries for which `name_of` has a name. Freed by the caller. */
json_t *rl_replay_count_by(const rl_replay_table *table, rl_replay_name_of name_of);

#endif
