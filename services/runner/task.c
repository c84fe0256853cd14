/* task.c: making and unmaking of a task. */
#include "services/runner/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/codec/result.h"
#include "lib/stream/message.h"

/* A record without a trace, or with something else in its place, is nobody's. */
static void join_trace(rl_task *task) {
    rl_bytes parent = {0};
    (void)rl_message_header(task->message, RL_HEADER_TRACEPARENT, &parent);
    (void)rl_trace_continue(parent, task->traceparent);
}

rl_task *rl_task_new(rl_task_queue *home, rl_error *err) {
    RL_AUTO_CANCEL_TOKEN rl_cancel_token *cancel = rl_cancel_token_new(err);
    if (!cancel) {
        return NULL;
    }
    rl_task *task = calloc(1, sizeof *task);
    if (!task) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    task->home = home;
    task->cancel = RL_STEAL(cancel);
    rl_buffer_init(&task->finished, RL_FINISHED_MAX_BYTES);
    return task;
}

void rl_task_begin(rl_task *task, const rl_taken *taken) {
    task->partition = taken->partition;
    task->offset = taken->message->offset;
    task->epoch = taken->partition->epoch;
    task->message = taken->message;
    task->attempt = taken->attempt;
    task->solo = taken->solo;
    task->condemned = taken->condemned;
    task->taken_us = rl_clock_us();
    atomic_store(&task->generation, 0);
    task->stay = (rl_stay){.lane = taken->lane, .tenant = taken->tenant};
    task->state = RL_TASK_TAKEN;
    rl_bytes key = rl_message_key(task->message);
    if (rl_id_has_form(key)) {
        memcpy(task->key, key.data, RL_ID_LENGTH);
    }
    join_trace(task);
}

bool rl_task_note_unfair(rl_task *task, int64_t now_us, int64_t patience_us) {
    if (task->unfair_us == 0) {
        task->unfair_us = now_us;
    }
    task->unfair_ends++;
    return now_us - task->unfair_us < patience_us && task->unfair_ends < RL_TASK_UNFAIR_MOST;
}

void rl_task_drop_message(rl_task *task) {
    if (task->message) {
        rd_kafka_message_destroy(task->message);
        task->message = NULL;
    }
}

void rl_task_free(rl_task *task) {
    if (!task) {
        return;
    }
    rl_task_drop_message(task);
    rl_buffer_free(&task->finished);
    rl_cancel_token_free(task->cancel);
    free(task);
}

void rl_task_abandon(rl_task *task) {
    atomic_store(&task->abandoned, true);
    rl_cancel_token_set(task->cancel);
}

void rl_task_cancel(rl_task *task) {
    atomic_store(&task->cancelled, true);
    rl_cancel_token_set(task->cancel);
}
