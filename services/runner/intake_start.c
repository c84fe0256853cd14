/* intake_start.c: which record starts next, and when. */
#include <string.h>

#include "lib/stream/message.h"
#include "services/runner/intake_parts.h"
#include "services/runner/task_log.h"

#define IMAGES_MAX 256 /* records waiting for an image: each holds a descriptor and a fetched batch */

static bool has_free_slot(const rl_intake *intake) {
    return rl_slots_busy(intake->o.slots) < rl_slots_count(intake->o.slots);
}

static void start(rl_intake *intake, rl_task *task) {
    intake->solo = task->solo ? task : NULL;
    rl_lanes_begin_stay(intake->lanes, &task->stay, rl_clock_us());
    rl_slots_start(intake->o.slots, task);
}

/* Whether it is the turn of a suspect whose pause is over: one that has been begun elsewhere goes first, and while a
 * rebalance holds commits up none can be begun. */
static bool is_next_alone(const rl_intake *intake, const rl_task *task, int64_t now_us) {
    const rl_partition *partition = task->partition;
    if (rl_lanes_have_begun_suspect(intake->lanes)) {
        return partition->epoch == task->epoch && rl_partition_has_begun_suspect(partition);
    }
    return !rl_lanes_are_rebalancing(intake->lanes, now_us);
}

/* A suspect of two losses runs alone, from the note that counts its attempt on: if this runner is lost meanwhile, it was
 * that record and no other. */
static bool may_start(rl_intake *intake, const rl_task *task, int64_t now_us) {
    if (intake->solo) {
        return false;
    }
    if (!task->solo) {
        return has_free_slot(intake) && !rl_lanes_have_begun_suspect(intake->lanes);
    }
    if (!is_next_alone(intake, task, now_us)) {
        return false;
    }
    intake->solo_due = true;
    return rl_slots_busy(intake->o.slots) == 0 && rl_partition_resume_suspect(task->partition, task->epoch);
}

void rl_intake_resume_parked(rl_intake *intake, int64_t now_us) {
    intake->solo_due = false;
    rl_task *due = rl_parking_take(&intake->parked, rl_intake_is_due, &now_us);
    while (due) {
        rl_task *task = due;
        due = task->next;
        if (rl_emitter_owes(task)) {
            rl_intake_emit(intake, task);
        } else if (may_start(intake, task, now_us)) {
            start(intake, task);
        } else {
            rl_parking_add(&intake->parked, task, now_us); /* looked at again as soon as something wakes us */
        }
    }
}

static bool takes_work(const rl_intake *intake) {
    return intake->phase == RL_INTAKE_RUNNING && !intake->solo && !intake->solo_due &&
           has_free_slot(intake) && intake->parked.emissions == 0 &&
           intake->parked.runs < rl_slots_count(intake->o.slots) && intake->parked.images < IMAGES_MAX;
}

/* Suspects first: they are the oldest, and what else runs would have to end for them anyway. */
static bool take(rl_intake *intake, int64_t now_us, rl_taken *ret) {
    if (!rl_lanes_have_suspect(intake->lanes, now_us)) {
        return !rl_lanes_have_begun_suspect(intake->lanes) && rl_lanes_take(intake->lanes, ret);
    }
    return rl_slots_busy(intake->o.slots) == 0 && rl_lanes_take_suspect(intake->lanes, now_us, ret);
}

/* What is not tried for the first time is told. */
static void tell_try(const rl_intake *intake, const rl_task *task) {
    if (task->attempt <= 1) {
        return;
    }
    rl_runner_metrics *metrics = intake->o.metrics;
    rl_metric_add(task->condemned ? metrics->condemned
                  : task->solo    ? metrics->tried_alone
                                  : metrics->tried_again,
                  1);
    rl_task_log_write(intake->o.log, RL_LOG_WARN,
                      task->condemned ? "submission.condemned"
                      : task->solo    ? "submission.tried_alone"
                                      : "submission.tried_again",
                      task, NULL, 0);
}

/* What runs is not free until it ends. */
static void charge_all(rl_intake *intake, int64_t now_us) {
    for (rl_task *task = intake->newest; task; task = task->older) {
        rl_lanes_charge_stay(intake->lanes, &task->stay, now_us);
    }
}

void rl_intake_start_new(rl_intake *intake, int64_t now_us) {
    if (takes_work(intake)) {
        charge_all(intake, now_us);
    }
    while (takes_work(intake)) {
        rl_error err = RL_ERROR_INIT;
        if (!intake->spare && !(intake->spare = rl_task_new(intake->home, &err))) {
            rl_log_failure(intake->o.log, RL_LOG_ERROR, "intake.short_of_resources", &err);
            return; /* again at the next wake-up, a second from now at the latest */
        }
        rl_taken taken;
        if (!take(intake, now_us, &taken)) {
            return;
        }
        rl_task *task = RL_STEAL(intake->spare);
        rl_task_begin(task, &taken);
        task->is_replay = intake->o.replays && strcmp(taken.partition->topic, intake->o.replays) == 0;
        rl_intake_heed_cancel(intake, task);
        rl_intake_enlist(intake, task);
        rl_metric_add(intake->o.metrics->consumed, 1);
        rl_metric_observe_us(intake->o.metrics->fetch, rl_message_age_us(task->message));
        tell_try(intake, task);
        start(intake, task);
    }
}
