#include "services/runner/reaper.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "services/runner/sweep.h"

#define THREADS 4 /* the Engine waits as much as it computes */
#define QUEUE_SIZE 64
#define DELAY_US                                                                                             \
    (50 * RL_US_PER_MS) /* the result of what ran in it goes first; a queue that fills up does not wait */
#define SWEEP_INTERVAL_US (30 * RL_US_PER_S)

typedef struct {
    char id[RL_CONTAINER_ID_SIZE];
    rl_agent_link *link; /* NULL: closed already */
    int64_t due_us;
} entry;

struct rl_reaper {
    rl_reaper_options options;
    pthread_t threads[THREADS];
    size_t thread_count;
    int64_t next_sweep_us; /* of the first thread alone */
    pthread_mutex_t lock;  /* guards what follows */
    pthread_cond_t changed;
    entry queue[QUEUE_SIZE]; /* a ring */
    size_t first, count;
    bool stopping;
};

static void remove_now(rl_reaper *reaper, const entry *unwanted) {
    rl_error err = RL_ERROR_INIT;
    int64_t start_us = rl_clock_us();
    rl_agent_link_free(unwanted->link);
    if (rl_engine_remove(reaper->options.engine, unwanted->id, &err)) {
        rl_metric_observe_us(reaper->options.removal_time, rl_clock_us() - start_us);
    } else if (reaper->options.log) {
        rl_log_failure(reaper->options.log, RL_LOG_WARN, "sandbox.removal_failed", &err);
    }
}

static void sweep(rl_reaper *reaper) {
    rl_error err = RL_ERROR_INIT;
    size_t removed = 0;
    bool done = rl_sweep_orphans(reaper->options.engine, reaper->options.project, &removed, &err);
    rl_metric_add(reaper->options.swept, (int64_t)removed);
    if (!reaper->options.log) {
        return;
    }
    if (removed > 0) {
        rl_log(reaper->options.log, RL_LOG_WARN, "sandbox.orphans_removed", RL_I("count", removed));
    }
    if (!done) {
        rl_log_failure(reaper->options.log, RL_LOG_WARN, "sandbox.sweep_failed", &err);
    }
}

/* Whether the first one may be removed now. With the lock held. */
static bool is_due(const rl_reaper *reaper) {
    return reaper->count > 0 && (reaper->stopping || reaper->count > QUEUE_SIZE / 4 ||
                                 reaper->queue[reaper->first].due_us <= rl_clock_us());
}

/* Waits for a container to remove, or for `until_us`. false: nothing came by then, or it is time to stop. */
static bool take(rl_reaper *reaper, int64_t until_us, entry *ret, bool *ret_stopping) {
    pthread_mutex_lock(&reaper->lock);
    while (!is_due(reaper) && !reaper->stopping && rl_clock_us() < until_us) {
        int64_t due_us = reaper->count > 0 ? reaper->queue[reaper->first].due_us : until_us;
        rl_cond_wait_until(&reaper->changed, &reaper->lock, due_us < until_us ? due_us : until_us);
    }
    bool taken = is_due(reaper);
    if (taken) {
        *ret = reaper->queue[reaper->first];
        reaper->first = (reaper->first + 1) % QUEUE_SIZE;
        reaper->count--;
        rl_metric_set(reaper->options.waiting, (int64_t)reaper->count);
    }
    *ret_stopping = reaper->stopping;
    pthread_mutex_unlock(&reaper->lock);
    return taken;
}

/* Every thread removes; the one that `sweeps` also looks for orphans from time to time. */
static void work(rl_reaper *reaper, bool sweeps) {
    for (;;) {
        entry unwanted;
        bool stopping = false;
        int64_t until_us = sweeps ? reaper->next_sweep_us : rl_clock_us() + 3600 * RL_US_PER_S;
        if (take(reaper, until_us, &unwanted, &stopping)) {
            remove_now(reaper, &unwanted);
        } else if (stopping) {
            return;
        }
        if (sweeps && !stopping && rl_clock_us() >= reaper->next_sweep_us) {
            sweep(reaper);
            reaper->next_sweep_us = rl_clock_us() + SWEEP_INTERVAL_US;
        }
    }
}

static void *run_sweeper(void *context) {
    work(context, true);
    return NULL;
}

static void *run_remover(void *context) {
    work(context, false);
    return NULL;
}

rl_reaper *rl_reaper_new(const rl_reaper_options *options, rl_error *err) {
    RL_AUTO_REAPER rl_reaper *reaper = calloc(1, sizeof *reaper);
    if (!reaper) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the reaper");
        return NULL;
    }
    reaper->options = *options;
    reaper->next_sweep_us = rl_clock_us() + SWEEP_INTERVAL_US;
    pthread_mutex_init(&reaper->lock, NULL);
    rl_cond_init(&reaper->changed);
    for (size_t i = 0; i < THREADS; i++) {
        int failure = pthread_create(&reaper->threads[i], NULL, i == 0 ? run_sweeper : run_remover, reaper);
        if (failure != 0) {
            rl_error_set_errno(err, RL_TRANSIENT, failure, "cannot start the reaper");
            return NULL;
        }
        reaper->thread_count++;
    }
    return RL_STEAL(reaper);
}

void rl_reaper_free(rl_reaper *reaper) {
    if (!reaper) {
        return;
    }
    pthread_mutex_lock(&reaper->lock);
    reaper->stopping = true;
    pthread_cond_broadcast(&reaper->changed);
    pthread_mutex_unlock(&reaper->lock);
    for (size_t i = 0; i < reaper->thread_count; i++) {
        pthread_join(reaper->threads[i], NULL);
    }
    pthread_cond_destroy(&reaper->changed);
    pthread_mutex_destroy(&reaper->lock);
    free(reaper);
}

void rl_reaper_add(rl_reaper *reaper, const char *container_id, rl_agent_link *link) {
    entry unwanted = {.link = link, .due_us = rl_clock_us() + DELAY_US};
    snprintf(unwanted.id, sizeof unwanted.id, "%s", container_id);
    pthread_mutex_lock(&reaper->lock);
    bool queued = reaper->count < QUEUE_SIZE;
    if (queued) {
        reaper->queue[(reaper->first + reaper->count) % QUEUE_SIZE] = unwanted;
        reaper->count++;
        rl_metric_set(reaper->options.waiting, (int64_t)reaper->count);
        pthread_cond_signal(&reaper->changed);
    }
    pthread_mutex_unlock(&reaper->lock);
    if (!queued) {
        remove_now(reaper, &unwanted);
    }
}
