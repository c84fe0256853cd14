/* task_queue.h: tasks change threads here, first in first out.
 *
 * A reader either blocks (a slot) or is woken through an eventfd that it polls with other things (the
 * consumer thread).
 *
 * Thread: any. Tasks are linked through their own `next`: pushing never fails and allocates nothing.
 */
#ifndef RL_RUNNER_TASK_QUEUE_H
#define RL_RUNNER_TASK_QUEUE_H

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

typedef struct rl_task rl_task;
typedef struct rl_task_queue rl_task_queue;

/* `wake_fd`: an eventfd that gets 1 added after each push; borrowed; -1: none. NULL and TRANSIENT when
 * memory is short. */
rl_task_queue *rl_task_queue_new(int wake_fd, rl_error *err);

/* Frees the queue, which must be empty and without readers. NULL is fine. */
void rl_task_queue_free(rl_task_queue *queue);

void rl_task_queue_push(rl_task_queue *queue, rl_task *task);

/* The oldest task, or NULL at once. */
rl_task *rl_task_queue_pop(rl_task_queue *queue);

/* The oldest task; waits for one. NULL once the queue is closed and empty. */
rl_task *rl_task_queue_wait(rl_task_queue *queue);

/* Lets waiting readers go. */
void rl_task_queue_close(rl_task_queue *queue);

#endif
