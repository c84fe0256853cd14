/* waiters.c: see waiters.h.
 *
 * Locks: bucket.lock guards the bucket's list and `woken` of the waiters in it.
 */
#include "services/api/waiters.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/codec/id.h"

#define BUCKETS 256

typedef struct {
    pthread_mutex_t lock;
    rl_waiter *first;
} bucket;

struct rl_waiter {
    pthread_cond_t wake;
    rl_waiter *next;
    bucket *in;
    char id[RL_ID_LENGTH];
    bool woken;
    void (*on_wake)(void *context); /* NULL: it blocks and is woken by `wake` */
    void *context;
};

struct rl_waiters {
    bucket buckets[BUCKETS];
    int capacity;
    _Atomic int count;  /* of those that block */
    _Atomic int called; /* of the others */
    _Atomic bool closed;
};

static bucket *bucket_of(rl_waiters *waiters, const char *id) {
    unsigned hash = 5381;
    for (size_t i = 0; i < RL_ID_LENGTH; i++) {
        hash = hash * 33 + (unsigned char)id[i];
    }
    return &waiters->buckets[hash % BUCKETS];
}

rl_waiters *rl_waiters_new(int capacity, rl_error *err) {
    rl_waiters *waiters = calloc(1, sizeof(*waiters));
    if (!waiters) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory for waiters");
        return NULL;
    }
    waiters->capacity = capacity;
    for (size_t i = 0; i < BUCKETS; i++) {
        pthread_mutex_init(&waiters->buckets[i].lock, NULL);
    }
    return waiters;
}

void rl_waiters_free(rl_waiters *waiters) {
    if (!waiters) {
        return;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        pthread_mutex_destroy(&waiters->buckets[i].lock);
    }
    free(waiters);
}

rl_waiter *rl_waiter_new(void) {
    rl_waiter *waiter = calloc(1, sizeof(*waiter));
    if (waiter) {
        rl_cond_init(&waiter->wake);
    }
    return waiter;
}

rl_waiter *rl_waiter_new_called(void (*on_wake)(void *context), void *context) {
    rl_waiter *waiter = rl_waiter_new();
    if (waiter) {
        waiter->on_wake = on_wake;
        waiter->context = context;
    }
    return waiter;
}

void rl_waiter_free(rl_waiter *waiter) {
    if (waiter) {
        pthread_cond_destroy(&waiter->wake);
        free(waiter);
    }
}

static _Atomic int *count_of(rl_waiters *waiters, const rl_waiter *waiter) {
    return waiter->on_wake ? &waiters->called : &waiters->count;
}

bool rl_waiters_enter(rl_waiters *waiters, rl_waiter *waiter, const char *id) {
    _Atomic int *count = count_of(waiters, waiter);
    const int before = atomic_fetch_add(count, 1);
    if ((!waiter->on_wake && before >= waiters->capacity) || atomic_load(&waiters->closed)) {
        atomic_fetch_sub(count, 1);
        return false;
    }
    memcpy(waiter->id, id, RL_ID_LENGTH);
    waiter->in = bucket_of(waiters, id);
    waiter->woken = false;
    pthread_mutex_lock(&waiter->in->lock);
    waiter->next = waiter->in->first;
    waiter->in->first = waiter;
    if (waiter->on_wake && atomic_load(&waiters->closed)) {
        waiter->on_wake(waiter->context); /* rl_waiters_close may have been past this bucket */
    }
    pthread_mutex_unlock(&waiter->in->lock);
    return true;
}

rl_wait_status rl_waiters_wait(rl_waiters *waiters, rl_waiter *waiter, int64_t deadline_us) {
    rl_wait_status status = RL_WAIT_WOKEN;
    pthread_mutex_lock(&waiter->in->lock);
    while (!waiter->woken) {
        if (atomic_load(&waiters->closed)) {
            status = RL_WAIT_CLOSED;
            break;
        }
        if (rl_cond_wait_until(&waiter->wake, &waiter->in->lock, deadline_us) == ETIMEDOUT) {
            status = waiter->woken ? RL_WAIT_WOKEN : RL_WAIT_TIMEOUT;
            break;
        }
    }
    waiter->woken = false;
    pthread_mutex_unlock(&waiter->in->lock);
    return status;
}

void rl_waiters_leave(rl_waiters *waiters, rl_waiter *waiter) {
    pthread_mutex_lock(&waiter->in->lock);
    rl_waiter **slot = &waiter->in->first;
    while (*slot != waiter) {
        slot = &(*slot)->next;
    }
    *slot = waiter->next;
    pthread_mutex_unlock(&waiter->in->lock);
    atomic_fetch_sub(count_of(waiters, waiter), 1);
}

/* With the bucket's lock held. */
static void rouse(rl_waiter *waiter) {
    if (waiter->on_wake) {
        waiter->on_wake(waiter->context);
    } else {
        pthread_cond_signal(&waiter->wake);
    }
}

void rl_waiters_wake(rl_waiters *waiters, const char *id) {
    bucket *b = bucket_of(waiters, id);
    pthread_mutex_lock(&b->lock);
    for (rl_waiter *waiter = b->first; waiter; waiter = waiter->next) {
        if (memcmp(waiter->id, id, RL_ID_LENGTH) == 0) {
            waiter->woken = true;
            rouse(waiter);
        }
    }
    pthread_mutex_unlock(&b->lock);
}

void rl_waiters_close(rl_waiters *waiters) {
    atomic_store(&waiters->closed, true);
    for (size_t i = 0; i < BUCKETS; i++) {
        bucket *b = &waiters->buckets[i];
        pthread_mutex_lock(&b->lock);
        for (rl_waiter *waiter = b->first; waiter; waiter = waiter->next) {
            rouse(waiter);
        }
        pthread_mutex_unlock(&b->lock);
    }
}

int rl_waiters_count(const rl_waiters *waiters) {
    return atomic_load(&waiters->count) + atomic_load(&waiters->called);
}
