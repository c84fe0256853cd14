/* replay_selection.h: which submissions of the log a replay is about.
 *
 * What was asked for (time, offsets, ids, languages, verdicts, tenants) and where the log ended when it was: the same selection
 * read again up to the same ends chooses the same submissions, however much has been written since. So it is kept, as
 * JSON, in the record of the replay, for whoever wants to know later and for `runlog replay resume`.
 *
 * Ranges of offsets are written "submissions/3@100-199", both ends included.
 *
 * Pure. Memory: its own, freed with it. Thread: one at a time.
 */
#ifndef RL_TOOLS_REPLAY_SELECTION_H
#define RL_TOOLS_REPLAY_SELECTION_H

#include <jansson.h>

#include "lib/base/clock.h"
#include "lib/codec/id.h"
#include "lib/codec/submission.h"
#include "lib/codec/verdict.h"
#include "tools/runlog/log_scan.h"

/* As many as fit into the record of a replay. */
#define RL_REPLAY_MAX_IDS 20000

typedef struct {
    const char **items; /* sorted; owned, and so are the texts */
    size_t count, capacity;
} rl_replay_names;

/* {0} selects everything, and rl_replay_selection_free makes it that again. */
typedef struct {
    int64_t since_us, until_us; /* when it was accepted: from, and before; 0: no bound */
    rl_log_ranges offsets;      /* none: all; only these ranges, which may overlap */
    rl_replay_names ids, languages, tenants;
    uint32_t verdicts; /* a bit for each rl_verdict of the visible result; 0: all but CANCELLED */
    int64_t limit;     /* the newest so many; 0: all */
    /* What of the log was read for it. */
    rl_log_ranges submissions; /* of submissions and submissions.batch */
    rl_log_ranges results;
} rl_replay_selection;

void rl_replay_selection_free(rl_replay_selection *selection);

/* Each adds one, as it is written on the command line; INVALID where it is none. */
bool rl_replay_selection_add_offsets(rl_replay_selection *selection, const char *text, rl_error *err);
bool rl_replay_selection_add_id(rl_replay_selection *selection, const char *id, rl_error *err);
bool rl_replay_selection_add_language(rl_replay_selection *selection, const char *name, rl_error *err);
bool rl_replay_selection_add_tenant(rl_replay_selection *selection, const char *name, rl_error *err);
bool rl_replay_selection_add_verdict(rl_replay_selection *selection, const char *name, rl_error *err);

/* Whether anything was asked for: what selects everything by mistake is a costly mistake. */
bool rl_replay_selection_is_empty(const rl_replay_selection *selection);

/* Whether a submission that stands there is asked for, as far as can be told without its result. `lane` is that of
 * the topic. */
bool rl_replay_selection_takes(const rl_replay_selection *selection, const rl_submission *submission,
                               rl_lane lane, int32_t partition, int64_t offset);

/* Whether one with this visible result is. */
bool rl_replay_selection_takes_verdict(const rl_replay_selection *selection, rl_verdict verdict);

/* From when on, and until when, Kafka may have the records that it is about; 0: no bound. Wall clock, with room for clocks that
 * differ. */
void rl_replay_selection_times(const rl_replay_selection *selection, int64_t *ret_since_us,
                               int64_t *ret_until_us);

/* As JSON and back; freed by the caller. INVALID where it is none. */
json_t *rl_replay_selection_json(const rl_replay_selection *selection);
bool rl_replay_selection_read(const json_t *json, rl_replay_selection *ret, rl_error *err);

/* The topic of a lane that clients write, and back; false for any other topic. */
const char *rl_replay_topic(rl_lane lane);
bool rl_replay_lane(const char *topic, rl_lane *ret_lane);

#define RL_AUTO_REPLAY_SELECTION RL_CLEANUP(rl_replay_selection_free)

/* How far clocks of hosts may differ. */
#define RL_REPLAY_CLOCKS_US (10 * 60 * RL_US_PER_S)

#endif
