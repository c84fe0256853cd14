/* cancelled_ids.c: a hash table with chains whose entries hang in a list by arrival as well. */
#include "services/runner/cancelled_ids.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/hash.h"

#define FEWEST_BUCKETS 64

typedef struct entry {
    struct entry *chain; /* of its bucket */
    struct entry *later; /* by arrival */
    int64_t until_us;
    char id[RL_ID_LENGTH];
} entry;

struct rl_cancelled_ids {
    pthread_mutex_t lock;
    size_t max, count, bucket_count;
    entry **buckets; /* bucket_count of them; NULL while there are none */
    entry *first, *last;
    _Atomic uint64_t version;
    int wake_fd;
};

rl_cancelled_ids *rl_cancelled_ids_new(size_t max, rl_error *err) {
    rl_cancelled_ids *set = calloc(1, sizeof *set);
    if (!set) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    set->max = max;
    set->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (set->wake_fd < 0) {
        rl_error_set_errno(err, RL_TRANSIENT, errno, "cannot make an eventfd");
        free(set);
        return NULL;
    }
    pthread_mutex_init(&set->lock, NULL);
    return set;
}

void rl_cancelled_ids_free(rl_cancelled_ids *set) {
    if (!set) {
        return;
    }
    for (entry *e = set->first; e;) {
        entry *later = e->later;
        free(e);
        e = later;
    }
    free(set->buckets);
    pthread_mutex_destroy(&set->lock);
    close(set->wake_fd);
    free(set);
}

static uint64_t hash_of(const char *id) {
    return rl_hash(rl_bytes_make(id, RL_ID_LENGTH));
}

/* Where the entry of `id` is hung up, or would be. There are buckets. */
static entry **slot_of(const rl_cancelled_ids *set, const char *id) {
    entry **slot = &set->buckets[hash_of(id) % set->bucket_count];
    while (*slot && memcmp((*slot)->id, id, RL_ID_LENGTH) != 0) {
        slot = &(*slot)->chain;
    }
    return slot;
}

/* Twice the buckets. Staying as it is when memory is short only makes chains longer, unless there are none at all. */
static bool grow(rl_cancelled_ids *set) {
    size_t count = set->bucket_count ? 2 * set->bucket_count : FEWEST_BUCKETS;
    entry **buckets = calloc(count, sizeof(entry *));
    if (!buckets) {
        return set->buckets != NULL;
    }
    free(set->buckets);
    set->buckets = buckets;
    set->bucket_count = count;
    for (entry *e = set->first; e; e = e->later) {
        entry **slot = &buckets[hash_of(e->id) % count];
        e->chain = *slot;
        *slot = e;
    }
    return true;
}

static void drop_first(rl_cancelled_ids *set) {
    entry *e = set->first;
    *slot_of(set, e->id) = e->chain;
    set->first = e->later;
    set->last = set->first ? set->last : NULL;
    set->count--;
    free(e);
}

static rl_cancelled_status add(rl_cancelled_ids *set, const char *id, int64_t until_us) {
    if (set->count >= set->bucket_count && !grow(set)) {
        return RL_CANCELLED_NO_MEMORY;
    }
    if (*slot_of(set, id)) {
        return RL_CANCELLED_KNOWN;
    }
    entry *e = calloc(1, sizeof *e);
    if (!e) {
        return RL_CANCELLED_NO_MEMORY;
    }
    const bool full = set->count >= set->max;
    if (full) {
        drop_first(set);
    }
    memcpy(e->id, id, RL_ID_LENGTH);
    e->until_us = until_us;
    *slot_of(set, id) = e;
    *(set->last ? &set->last->later : &set->first) = e;
    set->last = e;
    set->count++;
    atomic_fetch_add(&set->version, 1);
    return full ? RL_CANCELLED_DISPLACED : RL_CANCELLED_ADDED;
}

rl_cancelled_status rl_cancelled_ids_add(rl_cancelled_ids *set, const char *id, int64_t until_us) {
    pthread_mutex_lock(&set->lock);
    const rl_cancelled_status status = add(set, id, until_us);
    pthread_mutex_unlock(&set->lock);
    if (status == RL_CANCELLED_ADDED || status == RL_CANCELLED_DISPLACED) {
        /* Fails only when the counter is full, and then the reader is awake anyway. */
        ssize_t ignored = write(set->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
        (void)ignored;
    }
    return status;
}

bool rl_cancelled_ids_have(rl_cancelled_ids *set, const char *id) {
    pthread_mutex_lock(&set->lock);
    const bool have = set->buckets && *slot_of(set, id) != NULL;
    pthread_mutex_unlock(&set->lock);
    return have;
}

void rl_cancelled_ids_expire(rl_cancelled_ids *set, int64_t now_us) {
    pthread_mutex_lock(&set->lock);
    while (set->first && set->first->until_us < now_us) {
        drop_first(set);
    }
    pthread_mutex_unlock(&set->lock);
}

size_t rl_cancelled_ids_count(rl_cancelled_ids *set) {
    pthread_mutex_lock(&set->lock);
    const size_t count = set->count;
    pthread_mutex_unlock(&set->lock);
    return count;
}

uint64_t rl_cancelled_ids_version(const rl_cancelled_ids *set) {
    return atomic_load(&set->version);
}

int rl_cancelled_ids_fd(const rl_cancelled_ids *set) {
    return set->wake_fd;
}
