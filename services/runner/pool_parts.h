/* pool_parts.h: what the pool's own files share: its queues (pool_queues.c), the threads that fill them
 * (pool_refill.c), the thread that looks after them (pool_keeper.c), and what others call (pool.c).
 *
 * Thread: as the functions say; the lock is the pool's.
 */
#ifndef RL_RUNNER_POOL_PARTS_H
#define RL_RUNNER_POOL_PARTS_H

#include <pthread.h>

#include "lib/base/clock.h"
#include "services/runner/pool.h"
#include "services/runner/pool_policy.h"

#define RL_POOL_REFILLERS_MAX 8
#define RL_POOL_TICK_US (1 * RL_US_PER_S)    /* idle containers are looked at */
#define RL_POOL_PRESSED_US (1 * RL_US_PER_S) /* how long a submission that found nothing counts as pressure */

typedef struct rl_pool_entry {
    struct rl_pool_entry *next; /* younger */
    rl_warm warm;
    uint64_t serial; /* in the order in which they became ready */
    int64_t ready_us;
    bool prepared;
} rl_pool_entry;

typedef struct {
    const rl_manifest *manifest;
    bool kept;
    rl_demand demand;
    rl_pool_entry *oldest; /* by serial */
    size_t idle;
    size_t coming;  /* being opened, or out of the queue for a check */
    size_t waiting; /* takers who wait for one of those */
    size_t target;
    int64_t missed_us;     /* when one was last asked for in vain; 0: never */
    int64_t not_before_us; /* after a failure */
    int64_t backoff_us;    /* 0: the last one could be started */
    rl_metric *idle_now, *target_now, *hits, *misses;
} rl_pool_language;

struct rl_pool {
    rl_pool_options options;
    rl_metric *refills, *failures, *refill_time, *wait_time, *discards[RL_POOL_REASON_COUNT];
    pthread_t keeper, refillers[RL_POOL_REFILLERS_MAX];
    bool has_keeper;
    size_t refiller_count;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool stopping;
    uint64_t next_serial;
    size_t programs, starts;  /* of containers: refills and cold ones */
    int64_t refill_us;        /* what one takes, averaged */
    int64_t hold_until_us;    /* after a take */
    int64_t pressed_until_us; /* after one that found nothing */
    rl_pool_wish *wishes;     /* one per language, scratch */
    size_t count;
    rl_pool_language languages[];
};

/* ---- the queues; all with the lock held but the last ---- */

/* NULL: it is none of the options'. */
rl_pool_language *rl_pool_find(rl_pool *pool, const char *name);

void rl_pool_insert(rl_pool_language *l, rl_pool_entry *added);

/* The oldest one that is younger than `serial`; NULL: none. */
rl_pool_entry *rl_pool_remove_after(rl_pool_language *l, uint64_t serial);

/* Whether one that is ready now has nobody waiting for it. */
bool rl_pool_would_wait(const rl_pool_language *l, int64_t now_us);

/* Idle ones, and those that will be. */
size_t rl_pool_have(const rl_pool_language *l);
size_t rl_pool_total(const rl_pool *pool);

/* Whether one more of this language is within the bounds of the pool. */
bool rl_pool_has_room(const rl_pool *pool, const rl_pool_language *l);

/* Shares the pool's size out by what is asked for at this time. */
void rl_pool_set_targets(rl_pool *pool, int64_t now_us);

/* Discards, counts and frees it. Without the lock. */
void rl_pool_drop(rl_pool *pool, rl_pool_entry *unwanted, rl_pool_reason reason);

/* ---- threads; `context` is the pool ---- */

void *rl_pool_run_refiller(void *context);
void *rl_pool_run_keeper(void *context);

#endif
