/* parking.h: tasks that wait for another try, and for how long.
 *
 * Parked is what could not be finished for want of something that comes back: an execution without Docker,
 * an execution without its language or its image, an emission without Kafka. A task keeps its place in its partition's
 * window meanwhile.
 *
 * Thread: the consumer thread. Plain value: zeroed is empty. Tasks are linked through their own `next`.
 */
#ifndef RL_RUNNER_PARKING_H
#define RL_RUNNER_PARKING_H

#include "services/runner/task.h"

typedef struct {
    rl_task *tasks; /* in no order */
    size_t runs;    /* executions that met an outage */
    size_t images;  /* executions whose language, or its image, is missing */
    size_t emissions;
} rl_parking;

/* Parks the task until `not_before_us`, monotonic. */
void rl_parking_add(rl_parking *parking, rl_task *task, int64_t not_before_us);

/* Which tasks to take out. */
typedef bool (*rl_parking_choice)(const rl_task *task, const void *context);

/* Takes out what `chosen` picks, as a list linked through `next`. */
rl_task *rl_parking_take(rl_parking *parking, rl_parking_choice chosen, const void *context);

/* Choices: those whose pause is over (context: const int64_t *now_us), those of a partition, those of a
 * partition that are still to be executed, all that are still to be executed, all. */
bool rl_parking_is_due(const rl_task *task, const void *now_us);
bool rl_parking_is_of(const rl_task *task, const void *partition);
bool rl_parking_is_run_of(const rl_task *task, const void *partition);
bool rl_parking_is_run(const rl_task *task, const void *unused);
bool rl_parking_is_any(const rl_task *task, const void *unused);

/* When the next pause ends; INT64_MAX: none does. Those that are over do not count: they wait for something
 * else. */
int64_t rl_parking_next_us(const rl_parking *parking, int64_t now_us);

size_t rl_parking_count(const rl_parking *parking);

#endif
