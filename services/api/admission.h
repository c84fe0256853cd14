/* admission.h: whether one more submission of a lane would be answered in time.
 *
 * The wait is estimated as backlog / rate: records that wait for the group, by what the group finishes in a second.
 * What waits is what the group has not committed, without what has been finished beyond the committed offsets, and
 * without what is being executed. Where it is longer than the operator allows, the client is told to come back later, at once, instead
 * of being given an id that it polls in vain. So too where the group has had no member for some time, with a
 * backlog or without. docs/adr/0011-admission.md says why it is done in this way.
 *
 * The rate must be what the runners can do, not what they happened to be asked for. It is measured only while more
 * waits than is being executed, and forgotten with time:
 *   - under a backlog: finished / time, where the last half minute counts most;
 *   - without one it says nothing, and a low rate of earlier days rises again, within minutes, to what is assumed
 *     of runners that nobody has seen at work: ten a second;
 *   - a time without a single result counts only once the longest program would have ended in it;
 *   - a time in which nothing was seen, or results were committed that were not, says nothing;
 *   - while there is no member it stays as it is: runners that come back will be as fast as they were.
 * What is executed at a time follows from how long each finished submission executed (Little's law). Programs that
 * last for minutes lengthen the memory to three times as much, so that they are seen in it.
 *
 * An estimate from a handful of records is none: up to 8 unfinished ones, everything is admitted. Refusing begins above
 * the longest wait and ends at four fifths of it, so that it does not flutter. A backlog that falls ends it without
 * anybody's help, and it falls whenever the runners finish something, as nothing is added.
 *
 * Pure: no Kafka, no clock, no chance. Thread: one observes; any may call the others at the same time.
 */
#ifndef RL_API_ADMISSION_H
#define RL_API_ADMISSION_H

#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

typedef struct rl_admission rl_admission;

typedef struct {
    int64_t longest_wait_us; /* 0: everything is admitted */
    int64_t absence_us;      /* how long the group may be without a member */
} rl_admission_config;

/* Nothing seen yet. NULL and TRANSIENT when memory is short. */
rl_admission *rl_admission_new(const rl_admission_config *config, rl_error *err);
void rl_admission_free(rl_admission *admission);

/* A submission of the lane has been finished, for the first time, after executing for `executed_us`. */
void rl_admission_finished(rl_admission *admission, int64_t executed_us);

/* The same of one that was answered without being executed: cancelled or expired in the queue. It waits no more, and says
 * nothing about what runners can do. */
void rl_admission_skipped(rl_admission *admission);

typedef struct {
    int64_t now_us;   /* monotonic */
    int64_t backlog;  /* records of the lane that are not committed */
    int64_t members;  /* of the group; negative: not known */
    int64_t appended; /* records of the lane ever; negative: not known */
} rl_admission_sight;

/* What was seen just now, about once a second. Where nothing could be seen, it is not called. */
void rl_admission_observe(rl_admission *admission, const rl_admission_sight *sight);

typedef enum {
    RL_ADMITTED,
    RL_REFUSED_WAIT,   /* the estimated wait is too long */
    RL_REFUSED_ABSENT, /* nobody is there to execute anything */
} rl_admission_verdict;

/* A longer wait is told as this one, a day. */
#define RL_ADMISSION_MOST_WAIT_US (INT64_C(86400) * 1000000)

typedef struct {
    rl_admission_verdict verdict;
    int64_t wait_us; /* the estimate, up to RL_ADMISSION_MOST_WAIT_US */
    int retry_after_s; /* 1 to 60, where refused: when it is likely to be admitted, spread a little by `draw` so that not
                          all come back at once */
} rl_admission_judgement;

/* `backlog`: as in a sight, at this moment. `draw`: a random number. */
rl_admission_judgement rl_admission_judge(const rl_admission *admission, int64_t backlog, uint32_t draw,
                                          int64_t now_us);

/* Whether everything is admitted because the operator wants it so. */
bool rl_admission_is_off(const rl_admission *admission);

/* How long the group has been without a member; 0 where it has one, or nobody knows, or has known for a while. */
int64_t rl_admission_absent_us(const rl_admission *admission, int64_t now_us);

typedef struct {
    double rate;     /* finished per second, as estimated */
    int64_t members; /* when last known; negative: never */
} rl_admission_stats;
rl_admission_stats rl_admission_statistics(const rl_admission *admission);

RL_DEFINE_CLEANUP(rl_admission_slot, rl_admission, rl_admission_free)
#define RL_AUTO_ADMISSION RL_CLEANUP(rl_admission_slot)

#endif
