/* pool_queues.c: a queue of idle containers for each language, and how many each is to hold. */
#include <stdlib.h>
#include <string.h>

#include "services/runner/pool_parts.h"

#define PER_SLOT_MAX 4 /* warm containers of one language, for each slot that could take one */

rl_pool_language *rl_pool_find(rl_pool *pool, const char *name) {
    for (size_t i = 0; i < pool->count; i++) {
        if (strcmp(pool->languages[i].manifest->name, name) == 0) {
            return &pool->languages[i];
        }
    }
    return NULL;
}

void rl_pool_insert(rl_pool_language *l, rl_pool_entry *added) {
    rl_pool_entry **link = &l->oldest;
    while (*link && (*link)->serial < added->serial) {
        link = &(*link)->next;
    }
    added->next = *link;
    *link = added;
    l->idle++;
    rl_metric_set(l->idle_now, (int64_t)l->idle);
}

rl_pool_entry *rl_pool_remove_after(rl_pool_language *l, uint64_t serial) {
    rl_pool_entry **link = &l->oldest;
    while (*link && (*link)->serial <= serial) {
        link = &(*link)->next;
    }
    rl_pool_entry *removed = *link;
    if (removed) {
        *link = removed->next;
        l->idle--;
        rl_metric_set(l->idle_now, (int64_t)l->idle);
    }
    return removed;
}

bool rl_pool_would_wait(const rl_pool_language *l, int64_t now_us) {
    return l->waiting == 0 && (l->missed_us == 0 || now_us - l->missed_us >= RL_POOL_PRESSED_US);
}

size_t rl_pool_have(const rl_pool_language *l) {
    return l->idle + l->coming;
}

/* Of memory, one that waits. */
static int64_t bytes_of(const rl_pool *pool, const rl_pool_language *l) {
    return RL_POOL_CONTAINER_BYTES + (pool->options.prestarts ? l->manifest->prestart_bytes : 0);
}

static int64_t memory_of(const rl_pool *pool) {
    return pool->options.memory_bytes > 0 ? pool->options.memory_bytes : INT64_MAX;
}

void rl_pool_set_targets(rl_pool *pool, int64_t now_us) {
    for (size_t i = 0; i < pool->count; i++) {
        const rl_pool_language *l = &pool->languages[i];
        pool->wishes[i] = (rl_pool_wish){.per_s = rl_demand_rate(&l->demand, now_us),
                                         .when_idle = l->kept ? (size_t)l->manifest->pool : 0,
                                         .bytes = bytes_of(pool, l)};
        if (!l->kept) {
            pool->wishes[i].per_s = 0;
        }
    }
    size_t each = pool->options.slots * PER_SLOT_MAX;
    rl_pool_share(pool->wishes, pool->count, each > 2 ? each : 2, pool->options.size, memory_of(pool));
    for (size_t i = 0; i < pool->count; i++) {
        pool->languages[i].target = pool->wishes[i].target;
        rl_metric_set(pool->languages[i].target_now, (int64_t)pool->languages[i].target);
    }
}

size_t rl_pool_total(const rl_pool *pool) {
    size_t sum = 0;
    for (size_t i = 0; i < pool->count; i++) {
        sum += rl_pool_have(&pool->languages[i]);
    }
    return sum;
}

bool rl_pool_has_room(const rl_pool *pool, const rl_pool_language *l) {
    int64_t bytes = bytes_of(pool, l);
    for (size_t i = 0; i < pool->count; i++) {
        bytes += (int64_t)rl_pool_have(&pool->languages[i]) * bytes_of(pool, &pool->languages[i]);
    }
    return rl_pool_total(pool) < pool->options.size && bytes <= memory_of(pool);
}

void rl_pool_drop(rl_pool *pool, rl_pool_entry *unwanted, rl_pool_reason reason) {
    rl_pool_count_discard(pool, reason);
    pool->options.keeper.discard(pool->options.keeper.context, &unwanted->warm);
    free(unwanted);
}
