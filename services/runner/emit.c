/* emit.c: encoding, sending, and what to do with a result that does not fit. */
#include "services/runner/emit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/dead_letter.h"
#include "lib/stream/message.h"

#define EVENT_MAX_BYTES 4096

struct rl_emitter {
    rl_emitter_options o;
};

rl_emitter *rl_emitter_new(const rl_emitter_options *options, rl_error *err) {
    rl_emitter *emitter = malloc(sizeof *emitter);
    if (!emitter) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    emitter->o = *options;
    return emitter;
}

void rl_emitter_free(rl_emitter *emitter) {
    free(emitter);
}

bool rl_emitter_has_failed(const rl_emitter *emitter, rl_error *err) {
    return rl_producer_has_failed(emitter->o.producer, err);
}

int rl_emitter_pending(const rl_emitter *emitter) {
    return rl_producer_pending(emitter->o.producer);
}

void rl_emitter_started(rl_emitter *emitter, const rl_submission *submission, int32_t attempt) {
    const rl_started started = {
        .id = submission->id,
        .generation = submission->generation,
        .attempt = attempt,
        .runner = emitter->o.runner,
        .started_us = rl_wall_clock_us(),
    };
    RL_AUTO_BUFFER rl_buffer bytes;
    rl_buffer_init(&bytes, EVENT_MAX_BYTES);
    if (!rl_started_encode(emitter->o.codec, &started, &bytes, NULL)) {
        return; /* news may be lost */
    }
    const rl_record record = {
        .topic = emitter->o.events_topic,
        .partition = RD_KAFKA_PARTITION_UA,
        .key = rl_bytes_of(submission->id),
        .value = rl_buffer_bytes(&bytes),
    };
    (void)rl_producer_send(emitter->o.producer, &record, NULL, NULL, NULL); /* may be lost, too */
}

/* The same answer without its bulk. */
static rl_finished too_large(const rl_finished *finished) {
    rl_finished small = {
        .id = finished->id,
        .generation = finished->generation,
        .attempt = finished->attempt,
        .runner = finished->runner,
        .verdict = RL_VERDICT_SYSTEM_ERROR,
        .message = "the result is too large for a record",
        .submission = finished->submission,
        .image_digest = finished->image_digest,
        .queued_us = finished->queued_us,
        .started_us = finished->started_us,
        .finished_us = finished->finished_us,
    };
    return small;
}

bool rl_emitter_owe(rl_emitter *emitter, rl_task *task, rl_finished *finished, rl_error *err) {
    finished->attempt = task->attempt;
    finished->runner = emitter->o.runner;
    if (!finished->message) {
        finished->message = "";
    }
    if (!finished->image_digest) {
        finished->image_digest = "";
    }
    rl_error failure = RL_ERROR_INIT;
    rl_buffer_free(&task->finished);
    bool ok = rl_finished_encode(emitter->o.codec, finished, &task->finished, &failure);
    if (!ok && failure.error_class == RL_INVALID) {
        *finished = too_large(finished);
        rl_buffer_free(&task->finished);
        ok = rl_finished_encode(emitter->o.codec, finished, &task->finished, &failure);
    }
    if (!ok) {
        rl_buffer_free(&task->finished);
        if (err) {
            *err = failure;
        }
        return rl_error_prefix(err, "cannot encode the result");
    }
    task->verdict = finished->verdict;
    (void)snprintf(task->id, sizeof task->id, "%s", finished->id);
    return true;
}

bool rl_emitter_shrink(rl_emitter *emitter, rl_task *task) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(4 * (size_t)RL_FINISHED_MAX_BYTES);
    rl_finished finished;
    if (!arena ||
        !rl_finished_decode(emitter->o.codec, rl_buffer_bytes(&task->finished), arena, &finished, NULL)) {
        return false;
    }
    rl_finished small = too_large(&finished);
    if (strcmp(finished.message, small.message) == 0) {
        if (!finished.submission) {
            return false;
        }
        small.submission = NULL;
    }
    return rl_emitter_owe(emitter, task, &small, NULL);
}

bool rl_emitter_owes(const rl_task *task) {
    return task->dead_letter || task->finished.size > 0;
}

/* On the producer's thread. */
static void on_report(void *context, int32_t partition, int64_t offset, const rl_error *err) {
    (void)partition;
    (void)offset;
    rl_task *task = context;
    if (err) {
        task->err = *err;
        task->state = RL_TASK_UNDELIVERED;
    } else {
        if (task->dead_letter) {
            task->dead_letter = false;
        } else {
            rl_buffer_free(&task->finished);
        }
        task->state = RL_TASK_DELIVERED;
    }
    rl_task_queue_push(task->home, task);
}

static bool send_dead_letter(rl_emitter *emitter, rl_task *task, rl_error *err) {
    const rl_dead_letter letter = {
        .topic = emitter->o.dead_letter_topic,
        .message = task->message,
        .why = &task->refusal,
        .attempt = task->attempt,
        .service = "runlog-runner",
    };
    return rl_dead_letter_send(emitter->o.producer, &letter, on_report, task, err);
}

static bool send_finished(rl_emitter *emitter, rl_task *task, rl_error *err) {
    const rl_header traceparent = {RL_HEADER_TRACEPARENT, rl_bytes_of(task->traceparent)};
    const rl_record record = {
        .topic = emitter->o.results_topic,
        .partition = RD_KAFKA_PARTITION_UA,
        .key = rl_bytes_of(task->id),
        .value = rl_buffer_bytes(&task->finished),
        .headers = &traceparent,
        .header_count = task->traceparent[0] ? 1 : 0,
    };
    return rl_producer_send(emitter->o.producer, &record, on_report, task, err);
}

bool rl_emitter_send(rl_emitter *emitter, rl_task *task, rl_error *err) {
    return task->dead_letter ? send_dead_letter(emitter, task, err) : send_finished(emitter, task, err);
}
