/* intake_tasks.c: what becomes of a task that comes home. */
#include "services/runner/intake_parts.h"
#include "services/runner/task_log.h"

#define RETRY_MIN_US (200 * RL_US_PER_MS)
#define RETRY_MAX_US (10 * RL_US_PER_S)
#define IMAGE_PAUSE_US (5 * RL_US_PER_S)
#define IMAGE_QUIET_US (30 * RL_US_PER_S)

void rl_intake_enlist(rl_intake *intake, rl_task *task) {
    task->older = intake->newest;
    task->newer = NULL;
    if (intake->newest) {
        intake->newest->newer = task;
    }
    intake->newest = task;
    intake->tasks++;
}

static void delist(rl_intake *intake, rl_task *task) {
    if (task->older) {
        task->older->newer = task->newer;
    }
    if (task->newer) {
        task->newer->older = task->older;
    } else {
        intake->newest = task->older;
    }
    intake->tasks--;
}

void rl_intake_end(rl_intake *intake, rl_task *task, bool done) {
    if (!done) {
        rl_metric_add(intake->o.metrics->abandoned, 1);
    }
    delist(intake, task);
    rl_lanes_end_stay(intake->lanes, &task->stay, rl_clock_us());
    if (task->stay.tenant) {
        task->stay.tenant->working--;
    }
    rl_partition_release(task->partition, task->offset, task->epoch, done);
    rl_task_free(task);
}

/* ---- parking ---- */

void rl_intake_park(rl_intake *intake, rl_task *task, int64_t not_before_us) {
    if (atomic_load(&task->abandoned) || (intake->phase != RL_INTAKE_RUNNING && !rl_emitter_owes(task))) {
        rl_intake_end(intake, task, false);
        return;
    }
    if (task->solo && !rl_emitter_owes(task)) {
        /* Others need not wait for it, maybe for minutes; but no loss is put down to it meanwhile. */
        rl_partition_park_suspect(task->partition, task->epoch);
    }
    rl_parking_add(&intake->parked, task, not_before_us);
}

/* As park, after a pause that grows. */
static void park_and_back_off(rl_intake *intake, rl_task *task, const char *event) {
    rl_task_log_failure(intake->o.log, RL_LOG_WARN, event, task);
    rl_metric_add(intake->o.metrics->repeated, 1);
    task->backoff_us = rl_backoff_next_us(task->backoff_us, RETRY_MIN_US, RETRY_MAX_US);
    rl_intake_park(intake, task, rl_clock_us() + task->backoff_us);
}

void rl_intake_end_all(rl_intake *intake, rl_task *list) {
    while (list) {
        rl_task *task = list;
        list = task->next;
        rl_intake_end(intake, task, false);
    }
}

/* ---- tasks that come home ---- */

static void on_undelivered(rl_intake *intake, rl_task *task);

void rl_intake_emit(rl_intake *intake, rl_task *task) {
    if (atomic_load(&task->abandoned)) {
        rl_intake_end(intake, task, false);
        return;
    }
    if (task->emitted_us == 0) {
        task->emitted_us = rl_clock_us();
    }
    if (!rl_emitter_send(intake->o.emitter, task, &task->err)) {
        on_undelivered(intake, task); /* refused at once is refused all the same */
    }
}

static void on_delivered(rl_intake *intake, rl_task *task) {
    if (rl_emitter_owes(task)) {
        rl_metric_add(intake->o.metrics->dead_letters, 1);
        rl_intake_emit(intake, task);
        return;
    }
    rl_runner_metrics *metrics = intake->o.metrics;
    rl_metric_observe_us(metrics->emit, rl_clock_us() - task->emitted_us);
    if (task->id[0]) {
        rl_metric_add(metrics->finished[task->verdict], 1);
    } else {
        rl_metric_add(metrics->dead_letters, 1);
    }
    rl_task_log(intake->o.log, RL_LOG_INFO, task->id[0] ? "submission.finished" : "submission.refused", task,
                RL_S("verdict", task->id[0] ? rl_verdict_name(task->verdict) : NULL),
                RL_I("took_us", rl_clock_us() - task->taken_us));
    rl_intake_end(intake, task, true);
}

/* librdkafka tries for ever what can be cured by trying; what comes back here is something else. A full local
 * queue aside, which is TRANSIENT. */
static void on_undelivered(rl_intake *intake, rl_task *task) {
    rl_metric_add(intake->o.metrics->emit_errors[task->err.error_class], 1);
    if (task->err.error_class == RL_FATAL) {
        intake->fatal = task->err;
        rl_intake_park(intake, task, INT64_MAX);
        return;
    }
    if (task->err.error_class == RL_INVALID) {
        rl_task_log_failure(intake->o.log, RL_LOG_ERROR, "submission.emit_refused", task);
        if (task->dead_letter) {
            task->dead_letter =
                false; /* the broker takes no record of that size: the offset stays in the log */
        } else if (!rl_emitter_shrink(intake->o.emitter, task)) {
            rl_error_set(&intake->fatal, RL_FATAL, 0, "the broker refuses even a result without contents");
            intake->condemns = true;
            rl_intake_park(intake, task, INT64_MAX);
            return;
        }
        if (!rl_emitter_owes(task)) {
            rl_intake_end(intake, task, true);
            return;
        }
    }
    park_and_back_off(intake, task, "submission.emit_retried");
}

/* Every record that waits would say the same every few seconds. */
static void complain_about_image(rl_intake *intake, const rl_task *task) {
    int64_t now_us = rl_clock_us();
    if (intake->image_logged_us == 0 || now_us - intake->image_logged_us >= IMAGE_QUIET_US) {
        intake->image_logged_us = now_us;
        rl_task_log(intake->o.log, RL_LOG_WARN, "language.unavailable", task,
                    RL_S("class", rl_error_class_name(RL_TRANSIENT)), RL_S("error", task->err.message),
                    RL_I("submissions", intake->parked.images + 1));
    }
}

/* A record that is nobody's submission, or that ends runners. */
static void note_refusal(const rl_intake *intake, const rl_task *task) {
    rl_task_log(intake->o.log, RL_LOG_WARN, "submission.set_aside", task,
                RL_S("class", rl_error_class_name(task->refusal.error_class)),
                RL_S("error", task->refusal.message));
    rl_metric_add(intake->o.metrics->execute_errors[task->refusal.error_class], 1);
}

void rl_intake_welcome(rl_intake *intake, rl_task *task) {
    rl_lanes_end_stay(intake->lanes, &task->stay, rl_clock_us());
    if (task == intake->solo) {
        intake->solo = NULL;
    }
    switch (task->state) {
    case RL_TASK_DECIDED:
        if (task->dead_letter) {
            note_refusal(intake, task);
        }
        rl_intake_emit(intake, task);
        return;
    case RL_TASK_RETRY:
        rl_metric_add(intake->o.metrics->execute_errors[task->err.error_class], 1);
        park_and_back_off(intake, task, "submission.retried");
        return;
    case RL_TASK_IMAGE_AWAY:
        rl_metric_add(intake->o.metrics->execute_errors[RL_TRANSIENT], 1);
        rl_metric_add(intake->o.metrics->repeated, 1);
        complain_about_image(intake, task);
        rl_intake_park(intake, task, rl_clock_us() + IMAGE_PAUSE_US);
        return;
    case RL_TASK_DELIVERED:
        on_delivered(intake, task);
        return;
    case RL_TASK_UNDELIVERED:
        on_undelivered(intake, task);
        return;
    case RL_TASK_SKIPPED:
        rl_metric_add(intake->o.metrics->replays_dropped, 1);
        rl_task_log(intake->o.log, RL_LOG_DEBUG, "submission.dropped", task,
                    RL_I("generation", atomic_load(&task->generation)));
        rl_intake_end(intake, task, true);
        return;
    case RL_TASK_TAKEN:
    case RL_TASK_DROPPED:
        rl_intake_end(intake, task, false);
        return;
    }
}
