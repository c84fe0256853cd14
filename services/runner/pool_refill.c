/* pool_refill.c: starting containers in the background, when and of which language. */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "services/runner/pool_parts.h"

#define AFTERMATH_US (50 * RL_US_PER_MS) /* and then its result has reached whoever waits */
#define RETRY_MIN_US (250 * RL_US_PER_MS)
#define RETRY_MAX_US (10 * RL_US_PER_S)
#define RETRY_NO_IMAGE_US (60 * RL_US_PER_S) /* that comes back through somebody's hands, if at all */

/* ---- load ---- */

static size_t *load_of(rl_pool *pool, rl_pool_load load) {
    return load == RL_POOL_PROGRAM ? &pool->programs : &pool->starts;
}

void rl_pool_begin(rl_pool *pool, rl_pool_load load) {
    pthread_mutex_lock(&pool->lock);
    *load_of(pool, load) += 1;
    pthread_mutex_unlock(&pool->lock);
}

void rl_pool_end(rl_pool *pool, rl_pool_load load) {
    pthread_mutex_lock(&pool->lock);
    *load_of(pool, load) -= 1;
    int64_t soon_us = rl_clock_us() + AFTERMATH_US;
    if (pool->programs == 0 && pool->hold_until_us > soon_us) {
        pool->hold_until_us = soon_us;
    }
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
}

/* ---- refilling ---- */

/* Whether `a` is the one to be refilled before `b`: who has nothing, then who has the least of its target. */
static bool is_shorter(const rl_pool_language *a, const rl_pool_language *b) {
    if ((rl_pool_have(a) == 0) != (rl_pool_have(b) == 0)) {
        return rl_pool_have(a) == 0;
    }
    return rl_pool_have(a) * b->target < rl_pool_have(b) * a->target;
}

/* Whether a container may be started now. Where submissions find none, as many at once as serve the Engine best;
 * otherwise what runs comes first. */
static bool may_start(const rl_pool *pool, int64_t now_us) {
    if (now_us < pool->pressed_until_us) {
        return true; /* the threads are the bound */
    }
    return now_us >= pool->hold_until_us &&
           (pool->starts == 0 || pool->starts + pool->programs < pool->options.slots);
}

/* A language whose last one could not be started waits, without keeping the others from anything; then one is tried
 * before there are more. */
static bool is_due(const rl_pool *pool, const rl_pool_language *l, int64_t now_us) {
    return rl_pool_have(l) < l->target && rl_pool_has_room(pool, l) &&
           (l->backoff_us == 0 || (now_us >= l->not_before_us && l->coming == 0));
}

static rl_pool_language *next_to_refill(rl_pool *pool, int64_t now_us) {
    if (!may_start(pool, now_us)) {
        return NULL;
    }
    rl_pool_language *chosen = NULL;
    for (size_t i = 0; i < pool->count; i++) {
        rl_pool_language *l = &pool->languages[i];
        if (is_due(pool, l, now_us) && (!chosen || is_shorter(l, chosen))) {
            chosen = l;
        }
    }
    return chosen;
}

static void note_success(rl_pool *pool, rl_pool_language *l, int64_t took_us) {
    pool->refill_us = pool->refill_us == 0 ? took_us : (3 * pool->refill_us + took_us) / 4;
    l->backoff_us = 0;
    rl_metric_add(pool->refills, 1);
    rl_metric_observe_us(pool->refill_time, took_us);
}

static void note_failure(rl_pool *pool, rl_pool_language *l, rl_container_status status,
                         const rl_error *err) {
    bool again = l->backoff_us >= RETRY_MAX_US / 2; /* the same trouble is logged a few times only */
    bool no_image = status == RL_CONTAINER_NO_IMAGE || status == RL_CONTAINER_UNUSABLE;
    l->backoff_us =
        no_image ? RETRY_NO_IMAGE_US : rl_backoff_next_us(l->backoff_us, RETRY_MIN_US, RETRY_MAX_US);
    l->not_before_us = rl_clock_us() + l->backoff_us;
    rl_metric_add(pool->failures, 1);
    if (pool->options.log && !again) {
        rl_log(pool->options.log, RL_LOG_WARN, "pool.refill_failed", RL_S("language", l->manifest->name),
               RL_S("class", rl_error_class_name(err->error_class)), RL_S("error", err->message));
    }
}

/* Opens one, and prepares it if it will wait. Without the lock. */
static rl_container_status open_one(rl_pool *pool, const rl_pool_language *l, rl_pool_entry *ret,
                                    rl_error *err) {
    const rl_pool_keeper *keeper = &pool->options.keeper;
    rl_container_status status = keeper->open(keeper->context, l->manifest, &ret->warm, err);
    if (status != RL_CONTAINER_READY) {
        return status;
    }
    pthread_mutex_lock(&pool->lock);
    bool would_wait = rl_pool_would_wait(l, rl_clock_us());
    pthread_mutex_unlock(&pool->lock);
    if (would_wait) {
        status = keeper->prepare(keeper->context, l->manifest, &ret->warm, err);
        ret->prepared = status == RL_CONTAINER_READY;
        if (!ret->prepared) {
            keeper->discard(keeper->context, &ret->warm);
        }
    }
    return status;
}

/* Refills by one. Called and returns with the lock held, lets it go in between. */
static void refill(rl_pool *pool, rl_pool_language *l) {
    l->coming++;
    pool->starts++;
    pthread_mutex_unlock(&pool->lock);
    int64_t start_us = rl_clock_us();
    rl_error err = RL_ERROR_INIT;
    rl_pool_entry *added = calloc(1, sizeof *added);
    rl_container_status status = RL_CONTAINER_TRANSIENT;
    if (added) {
        status = open_one(pool, l, added, &err);
    }
    bool ready = status == RL_CONTAINER_READY;
    if (!ready) {
        free(added);
    }
    pthread_mutex_lock(&pool->lock);
    l->coming--;
    pool->starts--;
    if (ready) {
        added->ready_us = rl_clock_us();
        added->serial = ++pool->next_serial;
        rl_pool_insert(l, added);
        note_success(pool, l, added->ready_us - start_us);
    } else {
        note_failure(pool, l, status, &err);
    }
    pthread_cond_broadcast(&pool->changed);
}

void *rl_pool_run_refiller(void *context) {
    rl_pool *pool = context;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        int64_t now_us = rl_clock_us();
        rl_pool_language *l = next_to_refill(pool, now_us);
        if (l) {
            refill(pool, l);
        } else {
            int64_t until_us = pool->hold_until_us > now_us ? pool->hold_until_us : now_us + RL_POOL_TICK_US;
            rl_cond_wait_until(&pool->changed, &pool->lock, until_us);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}
