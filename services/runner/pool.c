/* pool.c: queues of idle containers, the threads that fill them, the thread that looks after them. */
#include "services/runner/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "services/runner/pool_policy.h"

#define REFILLERS_MAX 8
#define REFILLERS_PER_SLOT 4 /* the Engine waits as much as it computes: so many at once serve it best */
#define PRESSED_US (1 * RL_US_PER_S)      /* how long one submission that found nothing counts as pressure */
#define TICK_US (1 * RL_US_PER_S)         /* idle containers are looked at */
#define INVENTORY_US (5 * RL_US_PER_S)    /* the Engine is asked for its list */
#define SURPLUS_AGE_US (60 * RL_US_PER_S) /* before one too many is discarded: demand may come back */
#define HOLD_US (150 * RL_US_PER_MS) /* a program that is over by then is not disturbed by its replacement */
#define AFTERMATH_US (10 * RL_US_PER_MS) /* and then its result has reached whoever waits */
#define RETRY_MIN_US (250 * RL_US_PER_MS)
#define RETRY_MAX_US (10 * RL_US_PER_S)
#define RETRY_NO_IMAGE_US (60 * RL_US_PER_S) /* that comes back through somebody's hands, if at all */
#define PATIENCE_MIN_US (50 * RL_US_PER_MS)  /* bounds of how long a taker waits for a refill */
#define PATIENCE_MAX_US (1 * RL_US_PER_S)
#define PER_SLOT_MAX 4 /* warm containers of one language, for each slot that could take one */

typedef struct entry {
    struct entry *next; /* younger */
    rl_warm warm;
    uint64_t serial; /* in the order in which they became ready */
    int64_t ready_us;
} entry;

typedef struct {
    const rl_manifest *manifest;
    bool kept;
    rl_demand demand;
    entry *oldest; /* by serial */
    size_t idle;
    size_t coming;  /* being opened, or out of the queue for a check */
    size_t waiting; /* takers who wait for one of those */
    size_t target;
    int64_t not_before_us; /* after a failure */
    int64_t backoff_us;    /* 0: the last one could be started */
    rl_metric *idle_now, *target_now, *hits, *misses;
} language;

struct rl_pool {
    rl_pool_options options;
    rl_metric *refills, *failures, *refill_time, *wait_time, *discards[RL_POOL_REASON_COUNT];
    pthread_t keeper, refillers[REFILLERS_MAX];
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
    language languages[];
};

static language *find(rl_pool *pool, const char *name) {
    for (size_t i = 0; i < pool->count; i++) {
        if (strcmp(pool->languages[i].manifest->name, name) == 0) {
            return &pool->languages[i];
        }
    }
    return NULL;
}

/* ---- the queues; all with the lock held ---- */

static void insert(language *l, entry *added) {
    entry **link = &l->oldest;
    while (*link && (*link)->serial < added->serial) {
        link = &(*link)->next;
    }
    added->next = *link;
    *link = added;
    l->idle++;
    rl_metric_set(l->idle_now, (int64_t)l->idle);
}

/* The oldest one that is younger than `serial`; NULL: none. */
static entry *remove_after(language *l, uint64_t serial) {
    entry **link = &l->oldest;
    while (*link && (*link)->serial <= serial) {
        link = &(*link)->next;
    }
    entry *removed = *link;
    if (removed) {
        *link = removed->next;
        l->idle--;
        rl_metric_set(l->idle_now, (int64_t)l->idle);
    }
    return removed;
}

static size_t have(const language *l) {
    return l->idle + l->coming;
}

static void set_targets(rl_pool *pool, int64_t now_us) {
    for (size_t i = 0; i < pool->count; i++) {
        const language *l = &pool->languages[i];
        pool->wishes[i] = (rl_pool_wish){.per_s = rl_demand_rate(&l->demand, now_us),
                                         .when_idle = l->kept ? (size_t)l->manifest->pool : 0};
        if (!l->kept) {
            pool->wishes[i].per_s = 0;
        }
    }
    size_t each = pool->options.slots * PER_SLOT_MAX;
    rl_pool_share(pool->wishes, pool->count, each > 2 ? each : 2, pool->options.size);
    for (size_t i = 0; i < pool->count; i++) {
        pool->languages[i].target = pool->wishes[i].target;
        rl_metric_set(pool->languages[i].target_now, (int64_t)pool->languages[i].target);
    }
}

static size_t total(const rl_pool *pool) {
    size_t sum = 0;
    for (size_t i = 0; i < pool->count; i++) {
        sum += have(&pool->languages[i]);
    }
    return sum;
}

/* ---- discarding ---- */

void rl_pool_count_discard(rl_pool *pool, rl_pool_reason reason) {
    rl_metric_add(pool->discards[reason], 1);
}

/* Without the lock. */
static void discard(rl_pool *pool, entry *unwanted, rl_pool_reason reason) {
    rl_pool_count_discard(pool, reason);
    pool->options.keeper.discard(pool->options.keeper.context, &unwanted->warm);
    free(unwanted);
}

/* ---- taking ---- */

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

/* The oldest fit one. Called and returns with the lock held, lets it go in between. */
static entry *take_fit(rl_pool *pool, language *l) {
    entry *taken;
    while ((taken = remove_after(l, 0)) != NULL) {
        pthread_mutex_unlock(&pool->lock);
        bool fit = pool->options.keeper.is_fit(pool->options.keeper.context, l->manifest, &taken->warm);
        if (!fit) {
            discard(pool, taken, RL_POOL_UNFIT);
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
    language *l = find(pool, name);
    if (!l || !l->kept) {
        pthread_mutex_unlock(&pool->lock);
        return false;
    }
    int64_t now_us = rl_clock_us();
    int64_t until_us = now_us + clamp(pool->refill_us, PATIENCE_MIN_US, PATIENCE_MAX_US);
    rl_demand_note(&l->demand, now_us);
    set_targets(pool, now_us);
    hold_back(pool, now_us);
    entry *taken = take_fit(pool, l);
    if (!taken) {
        pool->pressed_until_us = now_us + PRESSED_US;
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
static bool is_shorter(const language *a, const language *b) {
    if ((have(a) == 0) != (have(b) == 0)) {
        return have(a) == 0;
    }
    return have(a) * b->target < have(b) * a->target;
}

/* Whether a container may be started now. Where submissions find none, as many at once as serve the Engine best;
 * otherwise what runs comes first. */
static bool may_start(const rl_pool *pool, int64_t now_us) {
    if (total(pool) >= pool->options.size) {
        return false;
    }
    if (now_us < pool->pressed_until_us) {
        return true; /* the threads are the bound */
    }
    return now_us >= pool->hold_until_us &&
           (pool->starts == 0 || pool->starts + pool->programs < pool->options.slots);
}

/* A language whose last one could not be started waits, without keeping the others from anything; then one is tried
 * before there are more. */
static bool is_due(const language *l, int64_t now_us) {
    return have(l) < l->target && (l->backoff_us == 0 || (now_us >= l->not_before_us && l->coming == 0));
}

static language *next_to_refill(rl_pool *pool, int64_t now_us) {
    if (!may_start(pool, now_us)) {
        return NULL;
    }
    language *chosen = NULL;
    for (size_t i = 0; i < pool->count; i++) {
        language *l = &pool->languages[i];
        if (is_due(l, now_us) && (!chosen || is_shorter(l, chosen))) {
            chosen = l;
        }
    }
    return chosen;
}

static void note_success(rl_pool *pool, language *l, int64_t took_us) {
    pool->refill_us = pool->refill_us == 0 ? took_us : (3 * pool->refill_us + took_us) / 4;
    l->backoff_us = 0;
    rl_metric_add(pool->refills, 1);
    rl_metric_observe_us(pool->refill_time, took_us);
}

static void note_failure(rl_pool *pool, language *l, rl_container_status status, const rl_error *err) {
    bool again = l->backoff_us >= RETRY_MAX_US / 2; /* the same trouble is logged a few times only */
    bool no_image = status == RL_CONTAINER_NO_IMAGE || status == RL_CONTAINER_UNUSABLE;
    l->backoff_us =
        no_image ? RETRY_NO_IMAGE_US : rl_backoff_next_us(l->backoff_us, RETRY_MIN_US, RETRY_MAX_US);
    l->not_before_us = rl_clock_us() + l->backoff_us;
    rl_metric_add(pool->failures, 1);
    if (pool->options.log && !again) {
        rl_log(pool->options.log, RL_LOG_WARN, "pool.refill_failed", RL_S("language", l->manifest->name),
               RL_S("reason", err->message));
    }
}

/* Opens one. Called and returns with the lock held, lets it go in between. */
static void refill(rl_pool *pool, language *l) {
    l->coming++;
    pool->starts++;
    pthread_mutex_unlock(&pool->lock);
    int64_t start_us = rl_clock_us();
    rl_error err = RL_ERROR_INIT;
    entry *added = calloc(1, sizeof *added);
    rl_container_status status = RL_CONTAINER_TRANSIENT;
    if (added) {
        status = pool->options.keeper.open(pool->options.keeper.context, l->manifest, &added->warm, &err);
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
        insert(l, added);
        note_success(pool, l, added->ready_us - start_us);
    } else {
        note_failure(pool, l, status, &err);
    }
    pthread_cond_broadcast(&pool->changed);
}

static void *run_refiller(void *context) {
    rl_pool *pool = context;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        int64_t now_us = rl_clock_us();
        language *l = next_to_refill(pool, now_us);
        if (l) {
            refill(pool, l);
        } else {
            int64_t until_us = pool->hold_until_us > now_us ? pool->hold_until_us : now_us + TICK_US;
            rl_cond_wait_until(&pool->changed, &pool->lock, until_us);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* ---- looking after idle ones ---- */

/* What the Engine said, and when: containers younger than that cannot be on it. */
typedef struct {
    bool known;
    rl_engine_row *rows;
    size_t count;
    uint64_t up_to_serial;
} inventory;

static bool is_listed(const inventory *listed, const entry *idle) {
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
static rl_pool_reason judge(rl_pool *pool, const language *l, const entry *idle, const inventory *listed,
                            bool surplus) {
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

/* Looks at each idle container of a language, one at a time: while it is looked at it counts as coming, so that a
 * taker waits that moment for it. With the lock held, lets it go in between. */
static void check_language(rl_pool *pool, language *l, const inventory *listed) {
    uint64_t serial = 0;
    for (entry *idle; !pool->stopping && (idle = remove_after(l, serial)) != NULL;) {
        serial = idle->serial;
        l->coming++;
        bool surplus = have(l) > l->target;
        pthread_mutex_unlock(&pool->lock);
        rl_pool_reason reason = judge(pool, l, idle, listed, surplus);
        if (reason != RL_POOL_REASON_COUNT) {
            discard(pool, idle, reason);
        }
        pthread_mutex_lock(&pool->lock);
        l->coming--;
        if (reason == RL_POOL_REASON_COUNT) {
            insert(l, idle);
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
    bool empty = total(pool) == 0;
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
    set_targets(pool, rl_clock_us());
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

static void *run_keeper(void *context) {
    rl_pool *pool = context;
    int64_t next_inventory_us = 0;
    while (rest(pool, rl_clock_us() + TICK_US)) {
        look_after(pool, &next_inventory_us);
    }
    return NULL;
}

/* ---- beginning and end ---- */

/* Metrics of one name have to be made one after the other, hence the columns. */
static void make_metrics(rl_pool *pool, rl_metrics *metrics) {
    static const struct {
        size_t at;
        bool is_gauge;
        const char *name, *help;
    } columns[] = {
        {offsetof(language, idle_now), true, "runlog_runner_pool_idle", "warm containers"},
        {offsetof(language, target_now), true, "runlog_runner_pool_target", "warm containers wanted"},
        {offsetof(language, hits), false, "runlog_runner_pool_hits_total",
         "submissions that got a warm container"},
        {offsetof(language, misses), false, "runlog_runner_pool_misses_total",
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
    int failure = pthread_create(&pool->keeper, NULL, run_keeper, pool);
    pool->has_keeper = failure == 0;
    size_t wanted = (size_t)clamp((int64_t)pool->options.slots * REFILLERS_PER_SLOT, 1, REFILLERS_MAX);
    while (failure == 0 && pool->refiller_count < wanted) {
        failure = pthread_create(&pool->refillers[pool->refiller_count], NULL, run_refiller, pool);
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
        for (entry *left; (left = remove_after(&pool->languages[i], 0)) != NULL;) {
            discard(pool, left, RL_POOL_CLOSING);
        }
    }
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    free(pool->wishes);
    free(pool);
}

void rl_pool_keep(rl_pool *pool, const char *name) {
    pthread_mutex_lock(&pool->lock);
    language *l = find(pool, name);
    if (l && (!l->kept || l->backoff_us > 0)) {
        l->kept = true;
        l->backoff_us = 0;
        set_targets(pool, rl_clock_us());
        pthread_cond_broadcast(&pool->changed);
    }
    pthread_mutex_unlock(&pool->lock);
}

bool rl_pool_offer(rl_pool *pool, const char *name, rl_warm *warm) {
    entry *added = calloc(1, sizeof *added);
    if (!added) {
        return false; /* it is only a favour */
    }
    pthread_mutex_lock(&pool->lock);
    language *l = find(pool, name);
    bool room = l && have(l) < l->target && total(pool) < pool->options.size && !pool->stopping;
    if (room) {
        *added = (entry){.warm = *warm, .serial = ++pool->next_serial, .ready_us = rl_clock_us()};
        insert(l, added);
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
    const language *l = find(pool, name);
    size_t idle = l ? l->idle : 0;
    pthread_mutex_unlock(&pool->lock);
    return idle;
}
