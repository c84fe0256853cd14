/* admission.c: see admission.h.
 *
 * The estimate is a weighted mean: `rate` stands for `weight` seconds of observation. A busy second adds itself
 * and takes a little of the weight of all before (exponential forgetting), so that the weight never passes
 * MEMORY_S. At first, and again after quiet times, the weight is small: then a few busy seconds are enough to replace
 * what was only assumed.
 *
 * `seen`, `executing` and `weight` belong to the observing thread; what others read is an atomic.
 */
#include "services/api/admission.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/base/clock.h"

#define NEVER INT64_MIN

/* How long a busy second counts, and how long what was measured is believed without a backlog. */
#define MEMORY_S 30.0
#define QUIET_S 120.0

/* What is assumed of unknown runners: what a small host does in a second, as if seen for so many seconds. */
#define ASSUMED_RATE 10.0
#define ASSUMED_WEIGHT_S 5.0

/* So few unfinished records say nothing. */
#define FEW 8

/* Where refusing ends, as a part of where it begins. */
#define RELIEF 0.8

/* One in so many seconds stands for "nothing at all" where a rate divides. */
#define LEAST_RATE 1e-6

#define MAX_RETRY_S 48 /* and a quarter of it at most on top */
#define ABSENT_RETRY_S 10

struct rl_admission {
    rl_admission_config config;
    _Atomic int64_t finished; /* ever */
    _Atomic int64_t executed_us;
    rl_admission_sight seen; /* last; its now_us is NEVER before the first */
    int64_t seen_finished;
    int64_t seen_executed_us;
    double executing; /* at a time, lately */
    double weight;    /* of `rate`, in seconds */
    _Atomic double rate;
    _Atomic bool refusing;
    _Atomic int64_t members;         /* negative: never known */
    _Atomic int64_t absent_since_us; /* NEVER: there are members, or it is not known */
};

rl_admission *rl_admission_new(const rl_admission_config *config, rl_error *err) {
    rl_admission *admission = calloc(1, sizeof(*admission));
    if (!admission) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    admission->config = *config;
    admission->seen.now_us = NEVER;
    admission->weight = ASSUMED_WEIGHT_S;
    atomic_init(&admission->rate, ASSUMED_RATE);
    atomic_init(&admission->members, -1);
    atomic_init(&admission->absent_since_us, NEVER);
    return admission;
}

void rl_admission_free(rl_admission *admission) {
    free(admission);
}

void rl_admission_finished(rl_admission *admission, int64_t executed_us) {
    atomic_fetch_add_explicit(&admission->executed_us, executed_us > 0 ? executed_us : 0,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&admission->finished, 1, memory_order_relaxed);
}

/* --- observing --- */

static void note_members(rl_admission *admission, const rl_admission_sight *sight) {
    if (sight->members < 0) {
        return;
    }
    atomic_store(&admission->members, sight->members);
    if (sight->members > 0) {
        atomic_store(&admission->absent_since_us, NEVER);
    } else if (atomic_load(&admission->absent_since_us) == NEVER) {
        atomic_store(&admission->absent_since_us, sight->now_us);
    }
}

/* Whether runners were there and had more to do than they could, at both ends of the time between two sights. */
static bool was_busy(const rl_admission *admission, const rl_admission_sight *sight) {
    const double enough = FEW + 2 * admission->executing;
    return admission->seen.members != 0 && sight->members != 0 && (double)admission->seen.backlog > enough &&
           (double)sight->backlog > enough;
}

static void learn_busy(rl_admission *admission, double seconds, int64_t finished) {
    const double kept = admission->weight * exp(-seconds / MEMORY_S);
    const double rate = atomic_load(&admission->rate);
    admission->weight = kept + seconds;
    atomic_store(&admission->rate, (rate * kept + (double)finished) / admission->weight);
}

static void forget(rl_admission *admission, double seconds) {
    const double kept = exp(-seconds / QUIET_S);
    const double rate = atomic_load(&admission->rate);
    admission->weight *= kept;
    if (admission->weight < ASSUMED_WEIGHT_S) {
        admission->weight = ASSUMED_WEIGHT_S;
    }
    if (rate < ASSUMED_RATE) {
        atomic_store(&admission->rate, ASSUMED_RATE + (rate - ASSUMED_RATE) * kept);
    }
}

/* Takes in what happened since the last sight. */
static void learn(rl_admission *admission, const rl_admission_sight *sight) {
    const int64_t finished = atomic_load(&admission->finished) - admission->seen_finished;
    const int64_t executed_us = atomic_load(&admission->executed_us) - admission->seen_executed_us;
    const double seconds = (double)(sight->now_us - admission->seen.now_us) / (double)RL_US_PER_S;
    const double share = 1 - exp(-seconds / MEMORY_S);
    admission->executing +=
        share * ((double)executed_us / (double)RL_US_PER_S / seconds - admission->executing);
    if (was_busy(admission, sight)) {
        learn_busy(admission, seconds, finished);
    } else if (sight->members != 0) {
        forget(admission, seconds);
    }
}

/* How many unfinished records are so many that the next one would wait too long. */
static double limit_of(const rl_admission *admission) {
    const double limit =
        atomic_load(&admission->rate) * (double)admission->config.longest_wait_us / (double)RL_US_PER_S;
    return limit > FEW ? limit : FEW;
}

static double relief_of(const rl_admission *admission) {
    const double relief = RELIEF * limit_of(admission);
    return relief > FEW ? relief : FEW;
}

void rl_admission_observe(rl_admission *admission, const rl_admission_sight *sight) {
    if (rl_admission_is_off(admission)) {
        return;
    }
    note_members(admission, sight);
    if (admission->seen.now_us != NEVER && sight->now_us > admission->seen.now_us) {
        learn(admission, sight);
    }
    admission->seen = *sight;
    admission->seen_finished = atomic_load(&admission->finished);
    admission->seen_executed_us = atomic_load(&admission->executed_us);
    const double backlog = (double)sight->backlog;
    if (backlog > limit_of(admission)) {
        atomic_store(&admission->refusing, true);
    } else if (backlog <= relief_of(admission)) {
        atomic_store(&admission->refusing, false);
    }
}

/* --- judging --- */

static double divisor(const rl_admission *admission) {
    const double rate = atomic_load_explicit(&admission->rate, memory_order_relaxed);
    return rate > LEAST_RATE ? rate : LEAST_RATE;
}

static int spread(double seconds, uint32_t draw) {
    const int base = seconds < 1 ? 1 : seconds > MAX_RETRY_S ? MAX_RETRY_S : (int)ceil(seconds);
    return base + (int)((uint64_t)draw * ((uint64_t)base / 4 + 1) >> 32);
}

static bool is_absent(const rl_admission *admission, int64_t now_us) {
    const int64_t since_us = atomic_load_explicit(&admission->absent_since_us, memory_order_relaxed);
    return since_us != NEVER && now_us - since_us >= admission->config.absence_us;
}

static bool is_too_long(const rl_admission *admission, int64_t backlog) {
    const double length = (double)backlog;
    return length > FEW && (length > limit_of(admission) ||
                            (atomic_load_explicit(&admission->refusing, memory_order_relaxed) &&
                             length > relief_of(admission)));
}

rl_admission_judgement rl_admission_judge(const rl_admission *admission, int64_t backlog, uint32_t draw,
                                          int64_t now_us) {
    rl_admission_judgement ret = {.verdict = RL_ADMITTED};
    if (rl_admission_is_off(admission)) {
        return ret;
    }
    const double rate = divisor(admission);
    ret.wait_us = (int64_t)((double)backlog / rate * (double)RL_US_PER_S);
    if (is_absent(admission, now_us)) {
        ret.verdict = RL_REFUSED_ABSENT;
        ret.retry_after_s = spread(ABSENT_RETRY_S, draw);
    } else if (is_too_long(admission, backlog)) {
        ret.verdict = RL_REFUSED_WAIT;
        ret.retry_after_s = spread(((double)backlog - relief_of(admission)) / rate, draw);
    }
    return ret;
}

bool rl_admission_is_off(const rl_admission *admission) {
    return admission->config.longest_wait_us == 0;
}

int64_t rl_admission_absent_us(const rl_admission *admission, int64_t now_us) {
    const int64_t since_us = atomic_load(&admission->absent_since_us);
    return since_us == NEVER ? 0 : now_us - since_us;
}

rl_admission_stats rl_admission_statistics(const rl_admission *admission) {
    return (rl_admission_stats){.rate = atomic_load(&admission->rate),
                                .members = atomic_load(&admission->members)};
}
