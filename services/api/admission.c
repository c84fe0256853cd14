/* admission.c: see admission.h.
 *
 * The estimate is a weighted mean: `rate` stands for `weight` seconds of observation. A busy second adds itself
 * and takes a little of the weight of all before (exponential forgetting), so that the weight never passes the
 * memory. At first, and again after quiet times, the weight is small: then a few busy seconds are enough to replace
 * what was only assumed.
 *
 * It is learned in stretches, from one sight to the next or, while nothing is finished, to a later one. `from` is
 * where the stretch began. All but the atomics belongs to the observing thread.
 */
#include "services/api/admission.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/base/clock.h"

#define NEVER INT64_MIN

/* How long a busy second counts, at least and in mean executions, and how long what was measured is believed without a
 * backlog. */
#define MEMORY_S 30.0
#define MEMORY_EXECUTIONS 3.0
#define QUIET_S 120.0

/* No program lasts longer. */
#define LONGEST_S 125.0

/* Nobody looked for so long: what happened meanwhile is not known. */
#define GAP_US (10 * RL_US_PER_S)

/* How long it is believed that there is no member. */
#define ABSENT_BELIEVED_US (15 * RL_US_PER_S)

/* What is assumed of unknown runners: what a small host does in a second, as if seen for so many seconds. */
#define ASSUMED_RATE 10.0
#define ASSUMED_WEIGHT_S 5.0

/* So few unfinished records say nothing. */
#define FEW 8

/* Where refusing ends, as a part of where it begins. */
#define RELIEF 0.8

/* One in so many seconds stands for "nothing at all" where a rate divides. */
#define LEAST_RATE 1e-6

#define MAX_RETRY_S 48       /* and a quarter of it at most on top */
#define UNMEASURED_RETRY_S 5 /* by then the rate is known */
#define ABSENT_RETRY_S 10

struct rl_admission {
    rl_admission_config config;
    _Atomic int64_t finished; /* ever, executed */
    _Atomic int64_t skipped;  /* ever, answered without */
    _Atomic int64_t executed_us;
    int64_t looked_us;        /* the last sight; NEVER: none */
    int64_t unfinished;       /* by then, of the backlog */
    int64_t counted_finished; /* what `unfinished` contains, executed or not */
    int64_t counted_appended;
    rl_admission_sight from;
    int64_t from_finished;
    int64_t from_skipped;
    int64_t from_executed_us;
    int64_t from_unfinished;
    struct {
        double seconds, finished, executed_s;
    } lately;      /* sums that fade with the memory */
    double weight; /* of `rate`, in seconds */
    _Atomic bool measured;
    _Atomic int64_t overstated; /* part of the backlog that is finished */
    _Atomic double executing;   /* at a time, lately */
    _Atomic double rate;
    _Atomic bool refusing;
    _Atomic int64_t members;         /* negative: never known */
    _Atomic int64_t absent_since_us; /* NEVER: there are members, or it is not known */
    _Atomic int64_t absent_seen_us;  /* last */
};

rl_admission *rl_admission_new(const rl_admission_config *config, rl_error *err) {
    rl_admission *admission = calloc(1, sizeof(*admission));
    if (!admission) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    admission->config = *config;
    admission->looked_us = NEVER;
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

void rl_admission_skipped(rl_admission *admission) {
    atomic_fetch_add_explicit(&admission->skipped, 1, memory_order_relaxed);
}

/* --- observing --- */

static void note_members(rl_admission *admission, const rl_admission_sight *sight) {
    if (sight->members < 0) {
        return;
    }
    atomic_store(&admission->members, sight->members);
    if (sight->members > 0) {
        atomic_store(&admission->absent_since_us, NEVER);
        return;
    }
    if (rl_admission_absent_us(admission, sight->now_us) == 0) {
        atomic_store(&admission->absent_since_us, sight->now_us);
    }
    atomic_store(&admission->absent_seen_us, sight->now_us);
}

/* A partition's offset stays behind the slowest record of all that were taken, though later ones are finished: the
 * backlog is never less than what is unfinished, and may be far more. Counting keeps up with it, and whenever the
 * backlog is the smaller, it begins there anew. */
static void count_unfinished(rl_admission *admission, const rl_admission_sight *sight) {
    const int64_t finished = atomic_load(&admission->finished) + atomic_load(&admission->skipped);
    const int64_t added = sight->appended - admission->counted_appended;
    int64_t left = admission->unfinished + added - (finished - admission->counted_finished);
    const bool known = admission->looked_us != NEVER && admission->counted_appended >= 0 && added >= 0;
    left = left > 0 ? left : 0;
    admission->unfinished = known && left < sight->backlog ? left : sight->backlog;
    admission->counted_finished = finished;
    admission->counted_appended = sight->appended;
    atomic_store(&admission->overstated, sight->backlog - admission->unfinished);
}

/* Whether runners were there and had more to do than they could, at both ends of the stretch. */
static bool was_busy(const rl_admission *admission, const rl_admission_sight *sight) {
    const double enough = FEW + 2 * atomic_load(&admission->executing);
    return admission->from.members != 0 && sight->members != 0 &&
           (double)admission->from_unfinished > enough && (double)admission->unfinished > enough;
}

/* Sums up a stretch with those before. Returns for how long it will count, in seconds. */
static double remember(rl_admission *admission, double seconds, double finished, double executed_s) {
    const double count = admission->lately.finished + finished;
    const double mean_s = count > 0 ? (admission->lately.executed_s + executed_s) / count : 0;
    const double memory_s = fmax(MEMORY_S, MEMORY_EXECUTIONS * fmin(mean_s, LONGEST_S));
    const double kept = exp(-seconds / memory_s);
    const double gain = memory_s * (1 - kept) / seconds;
    admission->lately.seconds = admission->lately.seconds * kept + gain * seconds;
    admission->lately.finished = admission->lately.finished * kept + gain * finished;
    admission->lately.executed_s = admission->lately.executed_s * kept + gain * executed_s;
    atomic_store(&admission->executing, admission->lately.executed_s / admission->lately.seconds);
    return memory_s;
}

static void learn_busy(rl_admission *admission, double seconds, double finished, double memory_s) {
    const double fading = exp(-seconds / memory_s);
    const double kept = admission->weight * fading;
    const double added = memory_s * (1 - fading);
    const double rate = atomic_load(&admission->rate);
    admission->weight = kept + added;
    atomic_store(&admission->rate, (rate * kept + finished / seconds * added) / admission->weight);
    atomic_store(&admission->measured, true);
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

/* Whether the group has committed something in a stretch in which no result was seen: then results are on
 * their way, and how many is not known. */
static bool went_on_unseen(const rl_admission *admission, const rl_admission_sight *sight, int64_t finished) {
    return finished == 0 &&
           sight->appended - sight->backlog > admission->from.appended - admission->from.backlog;
}

/* Whether all that happened in a stretch was that some were answered without being executed. */
static bool only_skipped(const rl_admission *admission, int64_t finished) {
    return finished == 0 && atomic_load(&admission->skipped) > admission->from_skipped;
}

/* Takes in the stretch that ends here. */
static void learn(rl_admission *admission, const rl_admission_sight *sight) {
    const int64_t finished = atomic_load(&admission->finished) - admission->from_finished;
    const int64_t executed_us = atomic_load(&admission->executed_us) - admission->from_executed_us;
    const double seconds = (double)(sight->now_us - admission->from.now_us) / (double)RL_US_PER_S;
    if (went_on_unseen(admission, sight, finished) || only_skipped(admission, finished)) {
        return;
    }
    const double memory_s =
        remember(admission, seconds, (double)finished, (double)executed_us / (double)RL_US_PER_S);
    if (was_busy(admission, sight)) {
        learn_busy(admission, seconds, (double)finished, memory_s);
    } else if (sight->members != 0) {
        forget(admission, seconds);
    }
}

static void begin_stretch(rl_admission *admission, const rl_admission_sight *sight) {
    admission->from = *sight;
    admission->from_finished = atomic_load(&admission->finished);
    admission->from_skipped = atomic_load(&admission->skipped);
    admission->from_executed_us = atomic_load(&admission->executed_us);
    admission->from_unfinished = admission->unfinished;
}

/* Whether programs may simply still be executing: members are there and have work, nothing has ended yet, and even the
 * longest might not have. */
static bool is_undecided(const rl_admission *admission, const rl_admission_sight *sight) {
    return atomic_load(&admission->finished) == admission->from_finished && admission->from.members != 0 &&
           sight->members != 0 && admission->from_unfinished > 0 && admission->unfinished > 0 &&
           (double)(sight->now_us - admission->from.now_us) < LONGEST_S * (double)RL_US_PER_S;
}

static bool is_gap(const rl_admission *admission, int64_t now_us) {
    return admission->looked_us == NEVER || now_us <= admission->looked_us ||
           now_us - admission->looked_us > GAP_US;
}

static void take_in(rl_admission *admission, const rl_admission_sight *sight) {
    if (is_gap(admission, sight->now_us)) {
        begin_stretch(admission, sight);
    } else if (!is_undecided(admission, sight)) {
        learn(admission, sight);
        begin_stretch(admission, sight);
    }
    admission->looked_us = sight->now_us;
}

/* How many waiting records are so many that the next one would wait too long. */
static double limit_of(const rl_admission *admission) {
    const double limit =
        atomic_load(&admission->rate) * (double)admission->config.longest_wait_us / (double)RL_US_PER_S;
    return limit > FEW ? limit : FEW;
}

static double relief_of(const rl_admission *admission) {
    const double relief = RELIEF * limit_of(admission);
    return relief > FEW ? relief : FEW;
}

/* What of a backlog waits. */
static double waiting_of(const rl_admission *admission, int64_t backlog) {
    const double waiting =
        (double)(backlog - atomic_load_explicit(&admission->overstated, memory_order_relaxed)) -
        atomic_load_explicit(&admission->executing, memory_order_relaxed);
    return waiting > 0 ? waiting : 0;
}

void rl_admission_observe(rl_admission *admission, const rl_admission_sight *sight) {
    if (rl_admission_is_off(admission)) {
        return;
    }
    note_members(admission, sight);
    count_unfinished(admission, sight);
    take_in(admission, sight);
    const double waiting = waiting_of(admission, sight->backlog);
    if (waiting > limit_of(admission)) {
        atomic_store(&admission->refusing, true);
    } else if (waiting <= relief_of(admission)) {
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
    const int64_t absent_us = rl_admission_absent_us(admission, now_us);
    return absent_us > 0 && absent_us >= admission->config.absence_us;
}

static bool is_too_long(const rl_admission *admission, double waiting) {
    return waiting > FEW && (waiting > limit_of(admission) ||
                             (atomic_load_explicit(&admission->refusing, memory_order_relaxed) &&
                              waiting > relief_of(admission)));
}

static int64_t wait_of(double waiting, double rate) {
    const double wait_us = waiting / rate * (double)RL_US_PER_S;
    return wait_us < (double)RL_ADMISSION_MOST_WAIT_US ? (int64_t)wait_us : RL_ADMISSION_MOST_WAIT_US;
}

rl_admission_judgement rl_admission_judge(const rl_admission *admission, int64_t backlog, uint32_t draw,
                                          int64_t now_us) {
    rl_admission_judgement ret = {.verdict = RL_ADMITTED};
    if (rl_admission_is_off(admission)) {
        return ret;
    }
    const double rate = divisor(admission);
    const double waiting = waiting_of(admission, backlog);
    ret.wait_us = wait_of(waiting, rate);
    if (is_absent(admission, now_us)) {
        ret.verdict = RL_REFUSED_ABSENT;
        ret.retry_after_s = spread(ABSENT_RETRY_S, draw);
    } else if (is_too_long(admission, waiting)) {
        const double seconds = (waiting - relief_of(admission)) / rate;
        ret.verdict = RL_REFUSED_WAIT;
        ret.retry_after_s =
            spread(atomic_load(&admission->measured) ? seconds : fmin(seconds, UNMEASURED_RETRY_S), draw);
    }
    return ret;
}

bool rl_admission_is_off(const rl_admission *admission) {
    return admission->config.longest_wait_us == 0;
}

int64_t rl_admission_absent_us(const rl_admission *admission, int64_t now_us) {
    const int64_t since_us = atomic_load_explicit(&admission->absent_since_us, memory_order_relaxed);
    const int64_t seen_us = atomic_load_explicit(&admission->absent_seen_us, memory_order_relaxed);
    return since_us == NEVER || now_us - seen_us > ABSENT_BELIEVED_US ? 0 : now_us - since_us;
}

rl_admission_stats rl_admission_statistics(const rl_admission *admission) {
    return (rl_admission_stats){.rate = atomic_load(&admission->rate),
                                .members = atomic_load(&admission->members)};
}
