/* backlogs.c: see backlogs.h. */
#include "services/api/backlogs.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lib/base/clock.h"

/* Measured about once a second; a few missed measurements do no harm yet. */
#define STALE_US (5 * RL_US_PER_S)

struct rl_backlogs {
    int32_t partitions;
    _Atomic int64_t measured_us; /* INT64_MIN: never */
    _Atomic int32_t held;        /* the choice that holds */
    _Atomic int64_t held_for;    /* so many more records */
    _Atomic int64_t held_until_us;
    _Atomic int64_t lengths[];
};

rl_backlogs *rl_backlogs_new(int32_t partitions, rl_error *err) {
    rl_backlogs *backlogs = calloc(1, sizeof(*backlogs) + (size_t)partitions * sizeof(backlogs->lengths[0]));
    if (!backlogs) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    backlogs->partitions = partitions;
    atomic_init(&backlogs->measured_us, INT64_MIN);
    atomic_init(&backlogs->held_until_us, INT64_MIN);
    return backlogs;
}

void rl_backlogs_free(rl_backlogs *backlogs) {
    free(backlogs);
}

void rl_backlogs_measured(rl_backlogs *backlogs, const int64_t *lengths, int64_t now_us) {
    for (int32_t i = 0; i < backlogs->partitions; i++) {
        atomic_store_explicit(&backlogs->lengths[i], lengths[i], memory_order_relaxed);
    }
    atomic_store(&backlogs->measured_us, now_us);
}

void rl_backlogs_added(rl_backlogs *backlogs, int32_t partition) {
    atomic_fetch_add_explicit(&backlogs->lengths[partition], 1, memory_order_relaxed);
}

static bool is_younger(const rl_backlogs *backlogs, int64_t age_us, int64_t now_us) {
    const int64_t measured_us = atomic_load_explicit(&backlogs->measured_us, memory_order_relaxed);
    return measured_us != INT64_MIN && now_us - measured_us < age_us;
}

int64_t rl_backlogs_total(const rl_backlogs *backlogs, int64_t now_us) {
    int64_t total = 0;
    if (!is_younger(backlogs, RL_BACKLOGS_BELIEVED_US, now_us)) {
        return 0;
    }
    for (int32_t i = 0; i < backlogs->partitions; i++) {
        total += atomic_load_explicit(&backlogs->lengths[i], memory_order_relaxed);
    }
    return total;
}

/* One in `bound`, from 32 random bits, without the modulo's preference beyond 1 in 2^32 / bound. */
static int32_t scale(uint32_t bits, int32_t bound) {
    return (int32_t)((uint64_t)bits * (uint64_t)bound >> 32);
}

/* The shorter of two. */
static int32_t draw_partition(const rl_backlogs *backlogs, uint64_t draw) {
    const int32_t count = backlogs->partitions;
    const int32_t first = scale((uint32_t)draw, count);
    const int32_t step = 1 + scale((uint32_t)(draw >> 32), count - 1);
    const int32_t second = (first + step) % count; /* never the first */
    const int64_t here = atomic_load_explicit(&backlogs->lengths[first], memory_order_relaxed);
    const int64_t there = atomic_load_explicit(&backlogs->lengths[second], memory_order_relaxed);
    return there < here ? second : first;
}

/* Two threads that choose at the same moment may mix their choices up: the partition of the one with the time of the
 * other. Either is a partition to be chosen now. */
static void hold(rl_backlogs *backlogs, int32_t partition, int64_t now_us) {
    const int64_t length = atomic_load_explicit(&backlogs->lengths[partition], memory_order_relaxed);
    atomic_store_explicit(&backlogs->held, partition, memory_order_relaxed);
    atomic_store_explicit(&backlogs->held_for, length / RL_BACKLOGS_HOLD_SHARE, memory_order_relaxed);
    atomic_store_explicit(&backlogs->held_until_us, now_us + RL_BACKLOGS_HOLD_US, memory_order_relaxed);
}

static bool is_held(rl_backlogs *backlogs, int64_t now_us) {
    return now_us < atomic_load_explicit(&backlogs->held_until_us, memory_order_relaxed) &&
           atomic_fetch_sub_explicit(&backlogs->held_for, 1, memory_order_relaxed) > 0;
}

int32_t rl_backlogs_choose(rl_backlogs *backlogs, uint64_t draw, int64_t now_us) {
    if (backlogs->partitions == 1 || !is_younger(backlogs, STALE_US, now_us)) {
        return scale((uint32_t)draw, backlogs->partitions);
    }
    if (is_held(backlogs, now_us)) {
        return atomic_load_explicit(&backlogs->held, memory_order_relaxed);
    }
    const int32_t chosen = draw_partition(backlogs, draw);
    hold(backlogs, chosen, now_us);
    return chosen;
}
