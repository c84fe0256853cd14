/* pool_keeper.c: idle containers are looked at, each by itself and against the list of the Engine. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "services/runner/pool_parts.h"

#define INVENTORY_US (5 * RL_US_PER_S)    /* the Engine is asked for its list */
#define SURPLUS_AGE_US (60 * RL_US_PER_S) /* before one too many is discarded: demand may come back */

/* What the Engine said, and when: containers younger than that cannot be on it. */
typedef struct {
    bool known;
    rl_engine_row *rows;
    size_t count;
    uint64_t up_to_serial;
} inventory;

static bool is_listed(const inventory *listed, const rl_pool_entry *idle) {
    if (!listed->known || idle->serial > listed->up_to_serial) {
        return true;
    }
    for (size_t i = 0; i < listed->count; i++) {
        if (strcmp(listed->rows[i].id, idle->warm.container.id) == 0) {
            return true;
        }
    }
    return false;
}

/* RL_POOL_REASON_COUNT: it stays. Without the lock; `surplus` says whether it could be spared. */
static rl_pool_reason judge(rl_pool *pool, const rl_pool_language *l, const rl_pool_entry *idle,
                            const inventory *listed, bool surplus) {
    int64_t age_us = rl_clock_us() - idle->ready_us;
    if (!pool->options.keeper.is_fit(pool->options.keeper.context, l->manifest, &idle->warm)) {
        return RL_POOL_UNFIT;
    }
    if (!is_listed(listed, idle)) {
        return RL_POOL_GONE;
    }
    if (age_us > pool->options.longest_idle_us) {
        return RL_POOL_OLD;
    }
    return surplus && age_us > SURPLUS_AGE_US ? RL_POOL_SURPLUS : RL_POOL_REASON_COUNT;
}

/* What was left over when submissions found nothing. Without the lock; false: it is of no use any more. */
static bool catch_up(rl_pool *pool, const rl_pool_language *l, rl_pool_entry *idle) {
    if (!idle->prepared) {
        idle->prepared = pool->options.keeper.prepare(pool->options.keeper.context, l->manifest, &idle->warm,
                                                      NULL) == RL_CONTAINER_READY;
    }
    return idle->prepared;
}

/* Looks at each idle container of a language, one at a time: while it is looked at it counts as coming, so that a
 * taker waits that moment for it. With the lock held, lets it go in between. */
static void check_language(rl_pool *pool, rl_pool_language *l, const inventory *listed) {
    uint64_t serial = 0;
    for (rl_pool_entry *idle; !pool->stopping && (idle = rl_pool_remove_after(l, serial)) != NULL;) {
        serial = idle->serial;
        l->coming++;
        bool surplus = rl_pool_have(l) > l->target;
        bool would_wait = rl_pool_would_wait(l, rl_clock_us());
        pthread_mutex_unlock(&pool->lock);
        rl_pool_reason reason = judge(pool, l, idle, listed, surplus);
        if (reason == RL_POOL_REASON_COUNT && would_wait && !catch_up(pool, l, idle)) {
            reason = RL_POOL_MUTE;
        }
        if (reason != RL_POOL_REASON_COUNT) {
            rl_pool_drop(pool, idle, reason);
        }
        pthread_mutex_lock(&pool->lock);
        l->coming--;
        if (reason == RL_POOL_REASON_COUNT) {
            rl_pool_insert(l, idle);
        }
        if (l->waiting > 0 || reason != RL_POOL_REASON_COUNT) {
            pthread_cond_broadcast(&pool->changed);
        }
    }
}

static void take_inventory(rl_pool *pool, inventory *listed) {
    pthread_mutex_lock(&pool->lock);
    listed->up_to_serial = pool->next_serial;
    pthread_mutex_unlock(&pool->lock);
    rl_error err = RL_ERROR_INIT;
    listed->known =
        pool->options.keeper.list(pool->options.keeper.context, &listed->rows, &listed->count, &err);
}

static bool is_empty(rl_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    bool empty = rl_pool_total(pool) == 0;
    pthread_mutex_unlock(&pool->lock);
    return empty;
}

static void look_after(rl_pool *pool, int64_t *next_inventory_us) {
    inventory listed = {.known = false};
    if (rl_clock_us() >= *next_inventory_us && !is_empty(pool)) {
        take_inventory(pool, &listed);
        *next_inventory_us = rl_clock_us() + INVENTORY_US;
    }
    pthread_mutex_lock(&pool->lock);
    rl_pool_set_targets(pool, rl_clock_us());
    for (size_t i = 0; i < pool->count; i++) {
        check_language(pool, &pool->languages[i], &listed);
    }
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    if (listed.known) {
        free(listed.rows);
    }
}

/* Sleeps until `until_us`; false: it is time to stop. */
static bool rest(rl_pool *pool, int64_t until_us) {
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping && rl_clock_us() < until_us) {
        rl_cond_wait_until(&pool->changed, &pool->lock, until_us);
    }
    bool go_on = !pool->stopping;
    pthread_mutex_unlock(&pool->lock);
    return go_on;
}

void *rl_pool_run_keeper(void *context) {
    rl_pool *pool = context;
    int64_t next_inventory_us = 0;
    while (rest(pool, rl_clock_us() + RL_POOL_TICK_US)) {
        look_after(pool, &next_inventory_us);
    }
    return NULL;
}
