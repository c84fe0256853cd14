/* pool.c: giving containers away, and the beginning and end of the pool. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "services/runner/pool_parts.h"

#define REFILLERS_PER_SLOT 4 /* the Engine waits as much as it computes: so many at once serve it best */
#define HOLD_US (600 * RL_US_PER_MS) /* a lone compilation ends before; who finds none meanwhile ends it */
#define PATIENCE_MIN_US (50 * RL_US_PER_MS) /* bounds of how long a taker waits for a refill */
#define PATIENCE_MAX_US (1 * RL_US_PER_S)

/* ---- taking ---- */

void rl_pool_count_discard(rl_pool *pool, rl_pool_reason reason) {
    rl_metric_add(pool->discards[reason], 1);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

/* The oldest fit one. Called and returns with the lock held, lets it go in between. */
static rl_pool_entry *take_fit(rl_pool *pool, rl_pool_language *l) {
    rl_pool_entry *taken;
    while ((taken = rl_pool_remove_after(l, 0)) != NULL) {
        pthread_mutex_unlock(&pool->lock);
        bool fit = pool->options.keeper.is_fit(pool->options.keeper.context, l->manifest, &taken->warm);
        if (!fit) {
            rl_pool_drop(pool, taken, RL_POOL_UNFIT);
        }
        pthread_mutex_lock(&pool->lock);
        if (fit) {
            return taken;
        }
    }
    return NULL;
}

/* The program that is about to run comes first: most are over sooner than a container starts. */
static void hold_back(rl_pool *pool, int64_t now_us) {
    if (pool->hold_until_us < now_us) {
        pool->hold_until_us = now_us + HOLD_US;
    }
}

bool rl_pool_take(rl_pool *pool, const char *name, rl_warm *ret) {
    pthread_mutex_lock(&pool->lock);
    rl_pool_language *l = rl_pool_find(pool, name);
    if (!l || !l->kept) {
        pthread_mutex_unlock(&pool->lock);
        return false;
    }
    int64_t now_us = rl_clock_us();
    int64_t until_us = now_us + clamp(pool->refill_us, PATIENCE_MIN_US, PATIENCE_MAX_US);
    rl_demand_note(&l->demand, now_us);
    rl_pool_set_targets(pool, now_us);
    hold_back(pool, now_us);
    rl_pool_entry *taken = take_fit(pool, l);
    if (!taken) {
        pool->pressed_until_us = now_us + RL_POOL_PRESSED_US;
        l->missed_us = now_us;
        pthread_cond_broadcast(&pool->changed);
    }
    while (!taken && l->coming > l->waiting && !pool->stopping && rl_clock_us() < until_us) {
        l->waiting++;
        rl_cond_wait_until(&pool->changed, &pool->lock, until_us);
        l->waiting--;
        taken = take_fit(pool, l);
    }
    rl_metric_add(taken ? l->hits : l->misses, 1);
    rl_metric_observe_us(pool->wait_time, rl_clock_us() - now_us);
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    if (taken) {
        *ret = taken->warm;
        free(taken);
    }
    return taken != NULL;
}

/* ---- beginning and end ---- */

/* Metrics of one name have to be made one after the other, hence the columns. */
static void make_metrics(rl_pool *pool, rl_metrics *metrics) {
    static const struct {
        size_t at;
        bool is_gauge;
        const char *name, *help;
    } columns[] = {
        {offsetof(rl_pool_language, idle_now), true, "runlog_runner_pool_idle", "warm containers"},
        {offsetof(rl_pool_language, target_now), true, "runlog_runner_pool_target", "warm containers wanted"},
        {offsetof(rl_pool_language, hits), false, "runlog_runner_pool_hits_total",
         "submissions that got a warm container"},
        {offsetof(rl_pool_language, misses), false, "runlog_runner_pool_misses_total",
         "submissions for which there was no warm container"},
    };
    for (size_t column = 0; column < sizeof columns / sizeof columns[0]; column++) {
        for (size_t i = 0; i < pool->count; i++) {
            char labels[96];
            snprintf(labels, sizeof labels, "lang=\"%s\"", pool->languages[i].manifest->name);
            rl_metric **metric = (rl_metric **)(void *)((char *)&pool->languages[i] + columns[column].at);
            *metric = (columns[column].is_gauge ? rl_metrics_gauge : rl_metrics_counter)(
                metrics, columns[column].name, labels, columns[column].help);
        }
    }
    static const char *const reasons[RL_POOL_REASON_COUNT] = {"unfit", "gone",    "mute",
                                                              "old",   "surplus", "closing"};
    for (size_t i = 0; i < RL_POOL_REASON_COUNT; i++) {
        char labels[32];
        snprintf(labels, sizeof labels, "reason=\"%s\"", reasons[i]);
        pool->discards[i] = rl_metrics_counter(metrics, "runlog_runner_pool_discards_total", labels,
                                               "warm containers that no submission got");
    }
    pool->refills = rl_metrics_counter(metrics, "runlog_runner_pool_refills_total", NULL,
                                       "containers started in the background");
    pool->failures = rl_metrics_counter(metrics, "runlog_runner_pool_refill_failures_total", NULL,
                                        "containers that could not be started in the background");
    pool->refill_time = rl_metrics_histogram(metrics, "runlog_runner_pool_refill_seconds", NULL,
                                             "how long one start in the background takes");
    pool->wait_time = rl_metrics_histogram(metrics, "runlog_runner_pool_wait_seconds", NULL,
                                           "how long a submission waits for the pool, hit or miss");
}

static bool start_threads(rl_pool *pool, rl_error *err) {
    int failure = pthread_create(&pool->keeper, NULL, rl_pool_run_keeper, pool);
    pool->has_keeper = failure == 0;
    size_t wanted =
        (size_t)clamp((int64_t)pool->options.slots * REFILLERS_PER_SLOT, 1, RL_POOL_REFILLERS_MAX);
    while (failure == 0 && pool->refiller_count < wanted) {
        failure = pthread_create(&pool->refillers[pool->refiller_count], NULL, rl_pool_run_refiller, pool);
        pool->refiller_count += failure == 0 ? 1 : 0;
    }
    return failure == 0 || rl_error_set_errno(err, RL_TRANSIENT, failure, "cannot start the pool");
}

rl_pool *rl_pool_new(const rl_pool_options *options, rl_error *err) {
    size_t count = rl_manifests_count(options->languages);
    RL_AUTO_POOL rl_pool *pool = calloc(1, sizeof *pool + count * sizeof pool->languages[0]);
    rl_pool_wish *wishes = calloc(count + 1, sizeof *wishes);
    if (!pool || !wishes) {
        free(wishes);
        free(RL_STEAL(pool));
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the pool");
        return NULL;
    }
    pool->options = *options;
    pool->wishes = wishes;
    pool->count = count;
    for (size_t i = 0; i < count; i++) {
        pool->languages[i].manifest = rl_manifests_at(options->languages, i);
    }
    if (options->metrics) {
        make_metrics(pool, options->metrics);
    }
    pthread_mutex_init(&pool->lock, NULL);
    rl_cond_init(&pool->changed);
    return start_threads(pool, err) ? RL_STEAL(pool) : NULL;
}

static void stop_threads(rl_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    if (pool->has_keeper) {
        pthread_join(pool->keeper, NULL);
    }
    for (size_t i = 0; i < pool->refiller_count; i++) {
        pthread_join(pool->refillers[i], NULL);
    }
}

void rl_pool_free(rl_pool *pool) {
    if (!pool) {
        return;
    }
    stop_threads(pool);
    for (size_t i = 0; i < pool->count; i++) {
        for (rl_pool_entry *left; (left = rl_pool_remove_after(&pool->languages[i], 0)) != NULL;) {
            rl_pool_drop(pool, left, RL_POOL_CLOSING);
        }
    }
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    free(pool->wishes);
    free(pool);
}

void rl_pool_keep(rl_pool *pool, const char *name) {
    pthread_mutex_lock(&pool->lock);
    rl_pool_language *l = rl_pool_find(pool, name);
    if (l && (!l->kept || l->backoff_us > 0)) {
        l->kept = true;
        l->backoff_us = 0;
        rl_pool_set_targets(pool, rl_clock_us());
        pthread_cond_broadcast(&pool->changed);
    }
    pthread_mutex_unlock(&pool->lock);
}

bool rl_pool_offer(rl_pool *pool, const char *name, rl_warm *warm) {
    rl_pool_entry *added = calloc(1, sizeof *added);
    if (!added) {
        return false; /* it is only a favour */
    }
    pthread_mutex_lock(&pool->lock);
    rl_pool_language *l = rl_pool_find(pool, name);
    bool room = l && rl_pool_have(l) < l->target && rl_pool_has_room(pool, l) && !pool->stopping;
    if (room) {
        *added = (rl_pool_entry){
            .warm = *warm, .serial = ++pool->next_serial, .ready_us = rl_clock_us(), .prepared = true};
        rl_pool_insert(l, added);
        pthread_cond_broadcast(&pool->changed);
    }
    pthread_mutex_unlock(&pool->lock);
    if (!room) {
        free(added);
    }
    return room;
}

size_t rl_pool_idle(rl_pool *pool, const char *name) {
    pthread_mutex_lock(&pool->lock);
    const rl_pool_language *l = rl_pool_find(pool, name);
    size_t idle = l ? l->idle : 0;
    pthread_mutex_unlock(&pool->lock);
    return idle;
}
