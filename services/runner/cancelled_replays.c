/* cancelled_replays.c: a sorted array. */
#include "services/runner/cancelled_replays.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct rl_cancelled_replays {
    pthread_mutex_t lock;
    size_t count;
    int64_t generations[RL_CANCELLED_REPLAYS_MAX]; /* rising */
    _Atomic uint64_t version;
    int wake_fd;
};

rl_cancelled_replays *rl_cancelled_replays_new(rl_error *err) {
    rl_cancelled_replays *set = calloc(1, sizeof *set);
    if (!set) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    set->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (set->wake_fd < 0) {
        rl_error_set_errno(err, RL_TRANSIENT, errno, "cannot make an eventfd");
        free(set);
        return NULL;
    }
    pthread_mutex_init(&set->lock, NULL);
    return set;
}

void rl_cancelled_replays_free(rl_cancelled_replays *set) {
    if (set) {
        pthread_mutex_destroy(&set->lock);
        close(set->wake_fd);
        free(set);
    }
}

/* The place of the first generation that is not below this one. */
static size_t place_of(const rl_cancelled_replays *set, int64_t generation) {
    size_t low = 0;
    size_t high = set->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (set->generations[middle] < generation) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_there(const rl_cancelled_replays *set, int64_t generation) {
    const size_t place = place_of(set, generation);
    return place < set->count && set->generations[place] == generation;
}

/* Into a set with room. */
static void insert(rl_cancelled_replays *set, int64_t generation) {
    const size_t place = place_of(set, generation);
    memmove(&set->generations[place + 1], &set->generations[place],
            (set->count - place) * sizeof set->generations[0]);
    set->generations[place] = generation;
    set->count++;
    atomic_fetch_add(&set->version, 1);
}

static void drop_lowest(rl_cancelled_replays *set) {
    set->count--;
    memmove(&set->generations[0], &set->generations[1], set->count * sizeof set->generations[0]);
}

bool rl_cancelled_replays_add(rl_cancelled_replays *set, int64_t generation) {
    pthread_mutex_lock(&set->lock);
    const bool known = is_there(set, generation);
    const bool full = !known && set->count == RL_CANCELLED_REPLAYS_MAX;
    const bool adds = !known && !(full && generation < set->generations[0]);
    if (adds && full) {
        drop_lowest(set);
    }
    if (adds) {
        insert(set, generation);
    }
    pthread_mutex_unlock(&set->lock);
    if (adds) {
        /* Fails only when the counter is full, and then the reader is awake anyway. */
        ssize_t ignored = write(set->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
        (void)ignored;
    }
    return !full;
}

bool rl_cancelled_replays_have(rl_cancelled_replays *set, int64_t generation) {
    pthread_mutex_lock(&set->lock);
    const bool have = is_there(set, generation);
    pthread_mutex_unlock(&set->lock);
    return have;
}

size_t rl_cancelled_replays_count(rl_cancelled_replays *set) {
    pthread_mutex_lock(&set->lock);
    const size_t count = set->count;
    pthread_mutex_unlock(&set->lock);
    return count;
}

uint64_t rl_cancelled_replays_version(const rl_cancelled_replays *set) {
    return atomic_load(&set->version);
}

int rl_cancelled_replays_fd(const rl_cancelled_replays *set) {
    return set->wake_fd;
}
