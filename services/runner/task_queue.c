/* task_queue.c: a linked list under one lock.
 *
 * Locks: `lock` guards head, tail and closed; nothing else is locked under it.
 */
#include "services/runner/task_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "services/runner/task.h"

struct rl_task_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    rl_task *head;
    rl_task *tail;
    bool closed;
    int wake_fd;
};

rl_task_queue *rl_task_queue_new(int wake_fd, rl_error *err) {
    rl_task_queue *queue = calloc(1, sizeof *queue);
    if (!queue) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
    queue->wake_fd = wake_fd;
    return queue;
}

void rl_task_queue_free(rl_task_queue *queue) {
    if (queue) {
        pthread_cond_destroy(&queue->changed);
        pthread_mutex_destroy(&queue->lock);
        free(queue);
    }
}

void rl_task_queue_push(rl_task_queue *queue, rl_task *task) {
    task->next = NULL;
    pthread_mutex_lock(&queue->lock);
    if (queue->tail) {
        queue->tail->next = task;
    } else {
        queue->head = task;
    }
    queue->tail = task;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    if (queue->wake_fd >= 0) {
        /* Fails only when the counter is full, and then the reader is awake anyway. */
        ssize_t ignored = write(queue->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
        (void)ignored;
    }
}

static rl_task *pop_locked(rl_task_queue *queue) {
    rl_task *task = queue->head;
    if (task) {
        queue->head = task->next;
        if (!queue->head) {
            queue->tail = NULL;
        }
        task->next = NULL;
    }
    return task;
}

rl_task *rl_task_queue_pop(rl_task_queue *queue) {
    pthread_mutex_lock(&queue->lock);
    rl_task *task = pop_locked(queue);
    pthread_mutex_unlock(&queue->lock);
    return task;
}

rl_task *rl_task_queue_wait(rl_task_queue *queue) {
    pthread_mutex_lock(&queue->lock);
    while (!queue->head && !queue->closed) {
        pthread_cond_wait(&queue->changed, &queue->lock);
    }
    rl_task *task = pop_locked(queue);
    pthread_mutex_unlock(&queue->lock);
    return task;
}

void rl_task_queue_close(rl_task_queue *queue) {
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}
