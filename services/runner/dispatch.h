/* dispatch.h: the slots: as many threads as containers may run at once.
 *
 * A slot takes a task, works on it and sends it home. Slots hold no queue worth speaking of: the consumer
 * thread starts a task only when a slot is free, so that what waits, waits in the log, where another
 * runner can take it over.
 *
 * Thread: rl_slots_start and rl_slots_free from the consumer thread; rl_slots_busy from any.
 */
#ifndef RL_RUNNER_DISPATCH_H
#define RL_RUNNER_DISPATCH_H

#include <stddef.h>

#include "services/runner/task.h"

typedef struct rl_slots rl_slots;

/* Works on a task in a slot's thread; leaves its verdict in the task's state. */
typedef void (*rl_slot_work)(void *context, rl_task *task);

/* `count` slots (1..1024). `context` is borrowed until rl_slots_free. NULL and INVALID or TRANSIENT. */
rl_slots *rl_slots_new(size_t count, rl_slot_work work, void *context, rl_error *err);

size_t rl_slots_count(const rl_slots *slots);
size_t rl_slots_busy(const rl_slots *slots);

/* Hands the task to a free slot (one must be free). It comes back through task->home. */
void rl_slots_start(rl_slots *slots, rl_task *task);

/* Waits for what is running and stops the threads. NULL is fine. */
void rl_slots_free(rl_slots *slots);

#endif
