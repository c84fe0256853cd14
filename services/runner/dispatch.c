/* dispatch.c: threads behind one queue. A slot is free again before its task is sent home, so that the
 * consumer thread, woken by the task, finds the slot free as well. */
#include "services/runner/dispatch.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MAX_SLOTS 1024

struct rl_slots {
    rl_task_queue *waiting;
    rl_slot_work work;
    void *context;
    atomic_size_t busy;
    size_t count; /* threads running */
    pthread_t threads[];
};

static void *slot(void *argument) {
    rl_slots *slots = argument;
    rl_task *task;
    while ((task = rl_task_queue_wait(slots->waiting)) != NULL) {
        slots->work(slots->context, task);
        atomic_fetch_sub(&slots->busy, 1);
        rl_task_queue_push(task->home, task);
    }
    return NULL;
}

rl_slots *rl_slots_new(size_t count, rl_slot_work work, void *context, rl_error *err) {
    if (count < 1 || count > MAX_SLOTS) {
        rl_error_set(err, RL_INVALID, 0, "%zu slots: expected 1 to %d", count, MAX_SLOTS);
        return NULL;
    }
    rl_slots *slots = calloc(1, sizeof *slots + count * sizeof slots->threads[0]);
    if (!slots) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    slots->work = work;
    slots->context = context;
    slots->waiting = rl_task_queue_new(-1, err);
    if (!slots->waiting) {
        free(slots);
        return NULL;
    }
    for (; slots->count < count; slots->count++) {
        int failed = pthread_create(&slots->threads[slots->count], NULL, slot, slots);
        if (failed) {
            rl_error_set_errno(err, RL_TRANSIENT, failed, "cannot start slot %zu", slots->count);
            rl_slots_free(slots);
            return NULL;
        }
    }
    return slots;
}

size_t rl_slots_count(const rl_slots *slots) {
    return slots->count;
}

size_t rl_slots_busy(const rl_slots *slots) {
    return atomic_load(&slots->busy);
}

void rl_slots_start(rl_slots *slots, rl_task *task) {
    atomic_fetch_add(&slots->busy, 1);
    rl_task_queue_push(slots->waiting, task);
}

void rl_slots_free(rl_slots *slots) {
    if (!slots) {
        return;
    }
    rl_task_queue_close(slots->waiting);
    for (size_t i = 0; i < slots->count; i++) {
        pthread_join(slots->threads[i], NULL);
    }
    rl_task_queue_free(slots->waiting);
    free(slots);
}
