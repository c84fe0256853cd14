/* execute.c: from a record to a verdict. */
#include "services/runner/execute.h"

#include <stdatomic.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/message.h"

/* A decoded submission (4 MiB encoded at most) and four times its output limit. */
#define ARENA_BYTES ((size_t)48 * 1024 * 1024)
#define SCHEMA_TIMEOUT_US (5 * RL_US_PER_S)

/* An answer of our own making. */
static rl_finished answer(const rl_submission *submission, rl_verdict verdict, const char *message) {
    int64_t now_us = rl_wall_clock_us();
    return (rl_finished){
        .id = submission->id,
        .generation = submission->generation,
        .verdict = verdict,
        .message = message,
        .submission = submission,
        .image_digest = "",
        .queued_us = submission->created_us,
        .started_us = now_us,
        .finished_us = now_us,
    };
}

static rl_finished system_error(const rl_submission *submission, const char *message) {
    return answer(submission, RL_VERDICT_SYSTEM_ERROR, message);
}

static void decide(const rl_executor *executor, rl_task *task, rl_finished *finished) {
    bool owed = rl_emitter_owe(executor->emitter, task, finished, &task->err);
    task->state = owed ? RL_TASK_DECIDED : RL_TASK_RETRY;
}

static int64_t record_time_us(const rd_kafka_message_t *message) {
    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
    return timestamp_ms > 0 ? timestamp_ms * RL_US_PER_MS : rl_wall_clock_us();
}

/* Sets the record aside. Whoever polls for it gets an answer all the same, if the key tells who that is, and of a replay a
 * header its generation: the first run has its answer. */
static void refuse(const rl_executor *executor, rl_task *task, const rl_error *why, const char *answer) {
    task->dead_letter = true;
    task->refusal = *why;
    task->state = RL_TASK_DECIDED;
    rl_bytes key = rl_message_key(task->message);
    const int64_t generation = task->is_replay ? rl_message_generation(task->message) : 0;
    if (!rl_id_has_form(key) || (task->is_replay && generation == 0)) {
        return;
    }
    char id[RL_ID_SIZE] = "";
    memcpy(id, key.data, RL_ID_LENGTH);
    rl_submission unknown = {.id = id, .generation = generation, .created_us = record_time_us(task->message)};
    rl_finished finished = system_error(&unknown, answer);
    finished.submission = NULL;
    if (!rl_emitter_owe(executor->emitter, task, &finished, &task->err)) {
        task->dead_letter = false;
        task->state = RL_TASK_RETRY;
    }
}

/* Since when the language has been away; only now where nobody keeps account. */
static int64_t away_since_us(const rl_executor *executor, const char *language, int64_t now_us) {
    return executor->absences ? rl_absences_since_us(executor->absences, language, now_us) : now_us;
}

/* What the submission needs is not here, but may come: an image that is built again, or this runner's successor, which was
 * told of the language that the API knows already. Only where that takes too long there is an `answer`. */
static void wait_for_language(const rl_executor *executor, rl_task *task, const rl_submission *submission,
                              const char *answer) {
    int64_t now_us = rl_clock_us();
    if (task->image_away_us == 0) {
        task->image_away_us = now_us;
    }
    if (now_us - task->image_away_us < executor->patience_us &&
        now_us - away_since_us(executor, submission->lang, now_us) < executor->patience_us) {
        task->state = RL_TASK_IMAGE_AWAY;
        return;
    }
    rl_finished finished = system_error(submission, answer);
    decide(executor, task, &finished);
}

/* The pauses in between grow to ten seconds (parking), so that the host can recover. */
static void run_again(const rl_executor *executor, rl_task *task, const rl_submission *submission) {
    if (rl_task_note_unfair(task, rl_clock_us(), executor->patience_us)) {
        task->state = RL_TASK_RETRY;
        return;
    }
    rl_finished finished =
        system_error(submission, "something outside its sandbox ended it each time it was tried");
    decide(executor, task, &finished);
}

/* A cancelled replay changes no answer. */
static void end_cancelled(const rl_executor *executor, rl_task *task, const rl_submission *submission) {
    if (submission->generation > 0) {
        task->state = RL_TASK_SKIPPED;
        return;
    }
    rl_finished finished = answer(submission, RL_VERDICT_CANCELLED, "");
    decide(executor, task, &finished);
}

static void run(const rl_executor *executor, rl_task *task, const rl_submission *submission,
                const rl_manifest *manifest, rl_arena *arena) {
    rl_emitter_started(executor->emitter, submission, task->attempt);
    int64_t start_us = rl_clock_us();
    rl_finished finished = {0};
    rl_run_status status =
        executor->run(executor->sandbox, submission, manifest, task->cancel, arena, &finished, &task->err);
    rl_metric_observe_us(executor->metrics->sandbox, rl_clock_us() - start_us);
    if (atomic_load(&task->abandoned)) {
        task->state = RL_TASK_DROPPED;
        return;
    }
    const bool ended = status == RL_RUN_DONE || status == RL_RUN_CANCELLED;
    if (atomic_load(&task->cancelled) && (!ended || submission->generation > 0)) {
        end_cancelled(executor, task, submission); /* there is to be no other try */
        return;
    }
    switch (status) {
    case RL_RUN_DONE:
        if (executor->absences) {
            rl_absences_end(executor->absences, submission->lang);
        }
        decide(executor, task, &finished);
        return;
    case RL_RUN_CANCELLED:
        decide(executor, task, &finished);
        return;
    case RL_RUN_TRANSIENT:
        task->unfair_us = 0; /* an outage is not the program's time; how often it was ended still counts */
        task->state = RL_TASK_RETRY;
        return;
    case RL_RUN_UNFAIR:
        run_again(executor, task, submission);
        return;
    case RL_RUN_NO_IMAGE:
        wait_for_language(executor, task, submission,
                          "the language's image is missing or does not start on the runner");
        return;
    }
}

/* The key names the partition's order and what a dead letter answers to: a record whose key is not its id
 * was not written by an API. */
static bool check_key(const rl_task *task, const rl_submission *submission, rl_error *err) {
    if (rl_bytes_equal(rl_message_key(task->message), rl_bytes_of(submission->id))) {
        return true;
    }
    return rl_error_set(err, RL_INVALID, 0, "the record's key is not the submission's id");
}

static bool read_submission(const rl_executor *executor, const rl_task *task, rl_arena *arena,
                            rl_submission *ret, rl_error *err) {
    rl_bytes framed = rl_message_value(task->message);
    return rl_schema_source_resolve(executor->schemas, framed, SCHEMA_TIMEOUT_US, err) &&
           rl_submission_decode(executor->codec, framed, arena, ret, err) && check_key(task, ret, err);
}

/* Later ones have waited for Docker, an image or memory, which is no stage of a submission's way. */
static bool is_first_try(const rl_task *task) {
    return task->backoff_us == 0 && task->image_away_us == 0;
}

/* The generation first: see intake_cancel.c. */
static bool is_cancelled(const rl_executor *executor, rl_task *task, const rl_submission *submission) {
    atomic_store(&task->generation, submission->generation);
    return atomic_load(&task->cancelled) ||
           (submission->generation > 0 && executor->cancelled_replays &&
            rl_cancelled_replays_have(executor->cancelled_replays, submission->generation));
}

static void decide_or_run(const rl_executor *executor, rl_task *task, const rl_submission *submission,
                          rl_arena *arena) {
    int64_t now_us = rl_wall_clock_us();
    if (is_cancelled(executor, task, submission)) {
        end_cancelled(executor, task, submission);
        return;
    }
    if (submission->deadline_us > 0 && now_us > submission->deadline_us) {
        rl_finished finished = system_error(submission, "expired in queue");
        decide(executor, task, &finished);
        return;
    }
    const rl_manifest *manifest = rl_manifests_find(executor->manifests, rl_bytes_of(submission->lang));
    if (!manifest) {
        rl_error_set(&task->err, RL_TRANSIENT, 0, "this runner does not offer %.40s", submission->lang);
        wait_for_language(executor, task, submission, "no runner offers this language");
        return;
    }
    /* Two hosts' clocks: the difference may come out below nothing. Of a replay it says when it was first submitted. */
    int64_t waited_us = now_us - submission->created_us;
    if (is_first_try(task) && submission->generation == 0) {
        rl_metric_observe_us(executor->metrics->queue_wait, waited_us > 0 ? waited_us : 0);
    }
    run(executor, task, submission, manifest, arena);
}

/* Its bytes are not looked at any more: they may be what ends runners. */
static void condemn(const rl_executor *executor, rl_task *task) {
    rl_error why = RL_ERROR_INIT;
    rl_error_set(&why, RL_INVALID, 0,
                 "the runner was lost each of the %d times that it tried this record again, in the end alone",
                 RL_SUSPECT_TRIES);
    refuse(executor, task, &why, "the submission brought its runner down each time it was tried");
}

void rl_execute(void *context, rl_task *task) {
    const rl_executor *executor = context;
    if (atomic_load(&task->abandoned)) {
        task->state = RL_TASK_DROPPED;
        return;
    }
    if (is_first_try(task)) {
        rl_metric_observe_us(executor->metrics->dispatch, rl_clock_us() - task->taken_us);
    }
    if (task->condemned) {
        condemn(executor, task);
        return;
    }
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    if (!arena) {
        rl_error_set(&task->err, RL_TRANSIENT, 0, "out of memory");
        task->state = RL_TASK_RETRY;
        return;
    }
    rl_submission submission;
    rl_error err = RL_ERROR_INIT;
    if (!read_submission(executor, task, arena, &submission, &err)) {
        if (err.error_class == RL_INVALID) {
            refuse(executor, task, &err, "the submission's record could not be read");
        } else {
            task->err = err;
            task->state = RL_TASK_RETRY;
        }
        return;
    }
    decide_or_run(executor, task, &submission, arena);
    if (task->state == RL_TASK_DECIDED) {
        rl_task_drop_message(task);
    }
}
