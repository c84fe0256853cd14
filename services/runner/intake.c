/* intake.c: the loop, and what becomes of a task that comes home. See intake.h. */
#include "services/runner/intake.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "lib/base/clock.h"
#include "services/runner/parking.h"

#define LONGEST_SLEEP_US (1 * RL_US_PER_S)
#define RETRY_MIN_US (200 * RL_US_PER_MS)
#define RETRY_MAX_US (10 * RL_US_PER_S)
#define IMAGE_PAUSE_US (5 * RL_US_PER_S)
#define IMAGE_QUIET_US (30 * RL_US_PER_S)
#define IMAGES_MAX 256  /* records waiting for an image: each holds a descriptor and a fetched batch */
#define STRIDE_LEAST 16 /* of the longest lease of a partition */
#define STRIDE_MOST 256
#define CANCEL_PATIENCE_US (3 * RL_US_PER_S)
#define COMMIT_PATIENCE_US (3 * RL_US_PER_S)
#define LEAVE_PATIENCE_US (5 * RL_US_PER_S)

typedef enum { RUNNING, DRAINING, CANCELLING, COMMITTING, LEAVING, ENDED } phase;

struct rl_intake {
    rl_intake_options o;
    int wake_fd;
    rl_task_queue *home;
    rl_lanes *lanes;
    rl_task *newest; /* of all tasks */
    size_t tasks;
    rl_task *spare; /* made, but without a record yet */
    rl_parking parked;
    rl_task *solo; /* the suspect in a slot: nothing else starts */
    bool solo_due; /* a parked suspect waits for the slots to be empty */
    phase phase;
    int64_t phase_until_us;
    int64_t image_logged_us;
    atomic_bool stopping;
    rl_error fatal;
};

static void enlist(rl_intake *intake, rl_task *task) {
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

/* The end of a task that is here. `done`: its record is answered. */
static void end(rl_intake *intake, rl_task *task, bool done) {
    if (!done) {
        rl_metric_add(intake->o.metrics->abandoned, 1);
    }
    delist(intake, task);
    rl_partition_release(task->partition, task->offset, task->epoch, done);
    rl_task_free(task);
}

/* ---- parking ---- */

static void park(rl_intake *intake, rl_task *task, int64_t not_before_us) {
    if (atomic_load(&task->abandoned) || (intake->phase != RUNNING && !rl_emitter_owes(task))) {
        end(intake, task, false);
        return;
    }
    if (task->solo && !rl_emitter_owes(task)) {
        task->partition->solo_parked = true; /* others need not wait for it, maybe for minutes */
    }
    rl_parking_add(&intake->parked, task, not_before_us);
}

/* As park, after a pause that grows. */
static void park_and_back_off(rl_intake *intake, rl_task *task, const char *event) {
    rl_log(intake->o.log, RL_LOG_WARN, event, RL_S("topic", task->partition->topic),
           RL_I("partition", task->partition->number), RL_I("offset", task->offset),
           RL_S("reason", task->err.message));
    rl_metric_add(intake->o.metrics->repeated, 1);
    task->backoff_us = rl_backoff_next_us(task->backoff_us, RETRY_MIN_US, RETRY_MAX_US);
    park(intake, task, rl_clock_us() + task->backoff_us);
}

static void end_all(rl_intake *intake, rl_task *list) {
    while (list) {
        rl_task *task = list;
        list = task->next;
        end(intake, task, false);
    }
}

/* ---- hooks of the membership ---- */

static void on_withdraw(void *context, rl_partition *partition) {
    rl_intake *intake = context;
    end_all(intake, rl_parking_take(&intake->parked, rl_parking_is_run_of, partition));
}

static void on_abandon(void *context, rl_partition *partition) {
    rl_intake *intake = context;
    end_all(intake, rl_parking_take(&intake->parked, rl_parking_is_of, partition));
    for (rl_task *task = intake->newest; task; task = task->older) {
        if (task->partition == partition) {
            rl_task_abandon(task);
        }
    }
}

/* ---- tasks that come home ---- */

static void on_undelivered(rl_intake *intake, rl_task *task);

static void emit(rl_intake *intake, rl_task *task) {
    if (atomic_load(&task->abandoned)) {
        end(intake, task, false);
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
        emit(intake, task);
        return;
    }
    rl_runner_metrics *metrics = intake->o.metrics;
    rl_metric_observe_us(metrics->emit, rl_clock_us() - task->emitted_us);
    if (task->id[0]) {
        rl_metric_add(metrics->finished[task->verdict], 1);
    } else {
        rl_metric_add(metrics->dead_letters, 1);
    }
    rl_log(intake->o.log, RL_LOG_INFO, task->id[0] ? "submission.finished" : "submission.refused",
           RL_S("id", task->id), RL_S("topic", task->partition->topic),
           RL_I("partition", task->partition->number), RL_I("offset", task->offset),
           RL_S("verdict", task->id[0] ? rl_verdict_name(task->verdict) : NULL),
           RL_I("took_us", rl_clock_us() - task->taken_us));
    end(intake, task, true);
}

/* librdkafka tries for ever what can be cured by trying; what comes back here is something else. A full local
 * queue aside, which is TRANSIENT. */
static void on_undelivered(rl_intake *intake, rl_task *task) {
    if (task->err.error_class == RL_FATAL) {
        intake->fatal = task->err;
        park(intake, task, INT64_MAX);
        return;
    }
    if (task->err.error_class == RL_INVALID) {
        rl_log_failure(intake->o.log, RL_LOG_ERROR, "submission.emit_refused", &task->err);
        if (task->dead_letter) {
            task->dead_letter =
                false; /* the broker takes no record of that size: the offset stays in the log */
        } else if (!rl_emitter_shrink(intake->o.emitter, task)) {
            rl_error_set(&intake->fatal, RL_FATAL, 0, "the broker refuses even a result without contents");
            park(intake, task, INT64_MAX);
            return;
        }
        if (!rl_emitter_owes(task)) {
            end(intake, task, true);
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
        rl_log(intake->o.log, RL_LOG_WARN, "language.unavailable", RL_S("reason", task->err.message),
               RL_I("submissions", intake->parked.images + 1));
    }
}

static void welcome(rl_intake *intake, rl_task *task) {
    if (task == intake->solo) {
        intake->solo = NULL;
    }
    switch (task->state) {
    case RL_TASK_DECIDED:
        emit(intake, task);
        return;
    case RL_TASK_RETRY:
        park_and_back_off(intake, task, "submission.retried");
        return;
    case RL_TASK_IMAGE_AWAY:
        rl_metric_add(intake->o.metrics->repeated, 1);
        complain_about_image(intake, task);
        park(intake, task, rl_clock_us() + IMAGE_PAUSE_US);
        return;
    case RL_TASK_DELIVERED:
        on_delivered(intake, task);
        return;
    case RL_TASK_UNDELIVERED:
        on_undelivered(intake, task);
        return;
    case RL_TASK_TAKEN:
    case RL_TASK_DROPPED:
        end(intake, task, false);
        return;
    }
}

/* ---- starting ---- */

static bool has_free_slot(const rl_intake *intake) {
    return rl_slots_busy(intake->o.slots) < rl_slots_count(intake->o.slots);
}

static void start(rl_intake *intake, rl_task *task) {
    intake->solo = task->solo ? task : NULL;
    if (task->solo) {
        task->partition->solo_parked = false;
    }
    rl_slots_start(intake->o.slots, task);
}

/* A suspect runs alone: if this runner is lost meanwhile, it was that record and no other. */
static bool may_start(const rl_intake *intake, const rl_task *task) {
    return !intake->solo && (task->solo ? rl_slots_busy(intake->o.slots) == 0 : has_free_slot(intake));
}

static void resume_parked(rl_intake *intake, int64_t now_us) {
    intake->solo_due = false;
    rl_task *due = rl_parking_take(&intake->parked, rl_parking_is_due, &now_us);
    while (due) {
        rl_task *task = due;
        due = task->next;
        if (rl_emitter_owes(task)) {
            emit(intake, task);
        } else if (may_start(intake, task)) {
            start(intake, task);
        } else {
            intake->solo_due = intake->solo_due || task->solo;
            park(intake, task, now_us); /* looked at again as soon as a slot wakes us */
        }
    }
}

static bool takes_work(const rl_intake *intake) {
    return intake->phase == RUNNING && !intake->solo && !intake->solo_due && has_free_slot(intake) &&
           intake->parked.emissions == 0 && intake->parked.runs < rl_slots_count(intake->o.slots) &&
           intake->parked.images < IMAGES_MAX;
}

/* Suspects first: they are the oldest, and what else runs would have to end for them anyway. */
static bool take(rl_intake *intake, int64_t now_us, rl_taken *ret) {
    if (!rl_lanes_have_suspect(intake->lanes, now_us)) {
        return rl_lanes_take(intake->lanes, ret);
    }
    return rl_slots_busy(intake->o.slots) == 0 && rl_lanes_take_suspect(intake->lanes, now_us, ret);
}

static void log_suspect(const rl_intake *intake, const rl_task *task) {
    rl_log(intake->o.log, RL_LOG_WARN, task->solo ? "submission.tried_alone" : "submission.condemned",
           RL_S("topic", task->partition->topic), RL_I("partition", task->partition->number),
           RL_I("offset", task->offset), RL_I("attempt", task->attempt));
    rl_metric_add(task->solo ? intake->o.metrics->tried_alone : intake->o.metrics->condemned, 1);
}

static void start_new(rl_intake *intake, int64_t now_us) {
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
        enlist(intake, task);
        rl_metric_add(intake->o.metrics->consumed, 1);
        if (task->solo || task->condemned) {
            log_suspect(intake, task);
        }
        start(intake, task);
    }
}

/* ---- stopping ---- */

static void enter(rl_intake *intake, phase next, int64_t patience_us) {
    intake->phase = next;
    intake->phase_until_us = rl_clock_us() + patience_us;
}

static void begin_stop(rl_intake *intake) {
    if (intake->phase == DRAINING) {
        intake->phase_until_us = rl_clock_us(); /* asked twice: at once */
    }
    if (intake->phase != RUNNING) {
        return;
    }
    rl_log(intake->o.log, RL_LOG_INFO, "runner.stopping", RL_I("submissions", intake->tasks));
    atomic_store(&intake->stopping, true);
    rl_lanes_hurry(intake->lanes);
    enter(intake, DRAINING, intake->o.grace_us);
    end_all(intake, rl_parking_take(&intake->parked, rl_parking_is_run, NULL));
}

static void abandon_all(rl_intake *intake) {
    rl_log(intake->o.log, RL_LOG_WARN, "runner.submissions_handed_back", RL_I("submissions", intake->tasks));
    end_all(intake, rl_parking_take(&intake->parked, rl_parking_is_any, NULL));
    for (rl_task *task = intake->newest; task; task = task->older) {
        rl_task_abandon(task);
    }
}

/* One step, if one is due. */
static void step_stop(rl_intake *intake, int64_t now_us) {
    bool late = now_us >= intake->phase_until_us;
    if (intake->phase == DRAINING && intake->tasks > 0 && late) {
        abandon_all(intake);
        rl_lanes_surrender(intake->lanes);
        enter(intake, CANCELLING, CANCEL_PATIENCE_US);
    } else if ((intake->phase == DRAINING && intake->tasks == 0) ||
               (intake->phase == CANCELLING && (intake->tasks == 0 || late))) {
        enter(intake, COMMITTING, COMMIT_PATIENCE_US);
    } else if (intake->phase == COMMITTING && (rl_lanes_are_committed(intake->lanes) || late)) {
        rl_lanes_leave(intake->lanes);
        enter(intake, LEAVING, LEAVE_PATIENCE_US);
    } else if (intake->phase == LEAVING && (rl_lanes_are_closed(intake->lanes) || late)) {
        intake->phase = ENDED;
    }
}

static void advance_stop(rl_intake *intake, int64_t now_us) {
    phase before;
    do {
        before = intake->phase;
        step_stop(intake, now_us);
    } while (intake->phase != before);
}

/* ---- the loop ---- */

static int sleep_ms(const rl_intake *intake, int64_t now_us) {
    int64_t until_us = now_us + LONGEST_SLEEP_US;
    int64_t due_us = rl_lanes_due_us(intake->lanes, now_us);
    int64_t parked_us = rl_parking_next_us(&intake->parked, now_us);
    until_us = due_us < until_us ? due_us : until_us;
    until_us = parked_us < until_us ? parked_us : until_us;
    if (intake->phase != RUNNING && intake->phase_until_us < until_us) {
        until_us = intake->phase_until_us;
    }
    int64_t sleep_us = until_us > now_us ? until_us - now_us : 0;
    return (int)((sleep_us + RL_US_PER_MS - 1) / RL_US_PER_MS);
}

/* Waits; true when the runner is asked to stop. */
static bool await(rl_intake *intake, int timeout_ms) {
    struct pollfd fds[] = {{.fd = intake->wake_fd, .events = POLLIN},
                           {.fd = intake->o.stop_fd, .events = POLLIN}};
    if (poll(fds, 2, timeout_ms) <= 0) {
        return false;
    }
    char drop[256]; /* an eventfd gives 8 bytes, a signalfd 128 for each signal */
    if (fds[0].revents) {
        ssize_t ignored = read(intake->wake_fd, drop, 8);
        (void)ignored;
    }
    if (fds[1].revents) {
        ssize_t ignored = read(intake->o.stop_fd, drop, sizeof drop);
        (void)ignored;
    }
    return fds[1].revents != 0;
}

static void show(const rl_intake *intake) {
    size_t total, largest;
    rl_lanes_windows(intake->lanes, &total, &largest);
    rl_metric_set(intake->o.metrics->window_records, (int64_t)total);
    rl_metric_set(intake->o.metrics->window_largest, (int64_t)largest);
    rl_metric_set(intake->o.metrics->tasks, (int64_t)intake->tasks);
    rl_metric_set(intake->o.metrics->parked, (int64_t)rl_parking_count(&intake->parked));
    rl_metric_set(intake->o.metrics->slots_busy, (int64_t)rl_slots_busy(intake->o.slots));
}

static bool turn(rl_intake *intake, rl_error *err) {
    if (!rl_lanes_poll(intake->lanes, err)) {
        return false;
    }
    rl_task *task;
    while ((task = rl_task_queue_pop(intake->home)) != NULL) {
        welcome(intake, task);
    }
    int64_t now_us = rl_clock_us();
    resume_parked(intake, now_us);
    start_new(intake, now_us);
    rl_lanes_advance(intake->lanes, now_us);
    advance_stop(intake, now_us);
    show(intake);
    if (intake->fatal.error_class == RL_OK) {
        /* What it could not send is parked by now, or comes back; a runner that takes on more would repeat it. */
        (void)rl_emitter_has_failed(intake->o.emitter, &intake->fatal);
    }
    if (intake->fatal.error_class != RL_OK) {
        if (err) {
            *err = intake->fatal;
        }
        return false;
    }
    return true;
}

bool rl_intake_run(rl_intake *intake, rl_error *err) {
    rl_metric_set(intake->o.metrics->slots, (int64_t)rl_slots_count(intake->o.slots));
    while (intake->phase != ENDED) {
        if (!turn(intake, err)) {
            atomic_store(&intake->stopping, true);
            abandon_all(intake);
            return false;
        }
        if (intake->phase != ENDED && await(intake, sleep_ms(intake, rl_clock_us()))) {
            begin_stop(intake);
        }
    }
    return true;
}

/* Enough of one partition for every slot to take another record while a commit is under way. */
static size_t stride_of(size_t slots) {
    size_t stride = 2 * slots;
    return stride < STRIDE_LEAST ? STRIDE_LEAST : stride > STRIDE_MOST ? STRIDE_MOST : stride;
}

static bool join(rl_intake *intake, rl_error *err) {
    const rl_membership_options options = {
        .stream = intake->o.stream,
        .group = intake->o.group,
        .window = intake->o.window,
        .stride = stride_of(rl_slots_count(intake->o.slots)),
        .drain_us = intake->o.drain_us,
        .wake_fd = intake->wake_fd,
        .withdraw = on_withdraw,
        .abandon = on_abandon,
        .context = intake,
        .log = intake->o.log,
        .metrics = intake->o.metrics,
    };
    intake->lanes = rl_lanes_new(&options, intake->o.lanes, intake->o.lane_count, err);
    return intake->lanes != NULL;
}

rl_intake *rl_intake_new(const rl_intake_options *options, rl_error *err) {
    rl_intake *intake = calloc(1, sizeof *intake);
    if (!intake) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    intake->o = *options;
    intake->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (intake->wake_fd < 0) {
        rl_error_set_errno(err, RL_TRANSIENT, errno, "cannot make an eventfd");
        free(intake);
        return NULL;
    }
    intake->home = rl_task_queue_new(intake->wake_fd, err);
    if (!intake->home || !join(intake, err)) {
        rl_intake_free(intake);
        return NULL;
    }
    return intake;
}

bool rl_intake_is_joined(const rl_intake *intake) {
    return rl_lanes_are_joined(intake->lanes);
}

bool rl_intake_is_stopping(const rl_intake *intake) {
    return atomic_load(&intake->stopping);
}

void rl_intake_free(rl_intake *intake) {
    if (!intake) {
        return;
    }
    rl_task *task;
    while (intake->home && (task = rl_task_queue_pop(intake->home)) != NULL) {
        /* What was acknowledged at the last moment is not committed any more: it is repeated, not lost. */
        end(intake, task, false);
    }
    end_all(intake, rl_parking_take(&intake->parked, rl_parking_is_any, NULL));
    rl_task_free(intake->spare);
    rl_lanes_free(intake->lanes);
    rl_task_queue_free(intake->home);
    close(intake->wake_fd);
    free(intake);
}
