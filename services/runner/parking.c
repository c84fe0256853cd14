/* parking.c: a list; it is short. */
#include "services/runner/parking.h"

#include "services/runner/emit.h"

/* A task's kind does not change while it is parked. */
static size_t *count_of(rl_parking *parking, const rl_task *task) {
    if (rl_emitter_owes(task)) {
        return &parking->emissions;
    }
    return task->state == RL_TASK_IMAGE_AWAY ? &parking->images : &parking->runs;
}

void rl_parking_add(rl_parking *parking, rl_task *task, int64_t not_before_us) {
    task->not_before_us = not_before_us;
    task->next = parking->tasks;
    parking->tasks = task;
    *count_of(parking, task) += 1;
}

rl_task *rl_parking_take(rl_parking *parking, rl_parking_choice chosen, const void *context) {
    rl_task *taken = NULL;
    rl_task **link = &parking->tasks;
    while (*link) {
        rl_task *task = *link;
        if (!chosen(task, context)) {
            link = &task->next;
            continue;
        }
        *link = task->next;
        *count_of(parking, task) -= 1;
        task->next = taken;
        taken = task;
    }
    return taken;
}

bool rl_parking_is_due(const rl_task *task, const void *now_us) {
    return task->not_before_us <= *(const int64_t *)now_us;
}

bool rl_parking_is_of(const rl_task *task, const void *partition) {
    return task->partition == partition;
}

bool rl_parking_is_run_of(const rl_task *task, const void *partition) {
    return task->partition == partition && !rl_emitter_owes(task);
}

bool rl_parking_is_run(const rl_task *task, const void *unused) {
    (void)unused;
    return !rl_emitter_owes(task);
}

bool rl_parking_is_any(const rl_task *task, const void *unused) {
    (void)task;
    (void)unused;
    return true;
}

int64_t rl_parking_next_us(const rl_parking *parking, int64_t now_us) {
    int64_t next_us = INT64_MAX;
    for (const rl_task *task = parking->tasks; task; task = task->next) {
        if (task->not_before_us > now_us && task->not_before_us < next_us) {
            next_us = task->not_before_us;
        }
    }
    return next_us;
}

size_t rl_parking_count(const rl_parking *parking) {
    return parking->runs + parking->images + parking->emissions;
}
