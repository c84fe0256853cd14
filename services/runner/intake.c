/* intake.c: the loop. See intake.h. */
#include "services/runner/intake.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "services/runner/intake_parts.h"

#define LONGEST_SLEEP_US (1 * RL_US_PER_S)
#define STRIDE_LEAST 16 /* of the longest lease of a partition */
#define STRIDE_MOST 256

/* ---- hooks of the membership ---- */

static void on_withdraw(void *context, rl_partition *partition) {
    rl_intake *intake = context;
    rl_intake_end_all(intake, rl_parking_take(&intake->parked, rl_parking_is_run_of, partition));
}

static void on_abandon(void *context, rl_partition *partition) {
    rl_intake *intake = context;
    rl_intake_end_all(intake, rl_parking_take(&intake->parked, rl_parking_is_of, partition));
    for (rl_task *task = intake->newest; task; task = task->older) {
        if (task->partition == partition) {
            rl_task_abandon(task);
        }
    }
}

/* ---- the loop ---- */

static int sleep_ms(const rl_intake *intake, int64_t now_us) {
    int64_t until_us = now_us + LONGEST_SLEEP_US;
    int64_t due_us = rl_lanes_due_us(intake->lanes, now_us);
    int64_t parked_us = rl_parking_next_us(&intake->parked, now_us);
    until_us = due_us < until_us ? due_us : until_us;
    until_us = parked_us < until_us ? parked_us : until_us;
    if (intake->phase != RL_INTAKE_RUNNING && intake->phase_until_us < until_us) {
        until_us = intake->phase_until_us;
    }
    int64_t sleep_us = until_us > now_us ? until_us - now_us : 0;
    return (int)((sleep_us + RL_US_PER_MS - 1) / RL_US_PER_MS);
}

/* Waits; true when the runner is asked to stop. */
static bool await(rl_intake *intake, int timeout_ms) {
    struct pollfd fds[] = {
        {.fd = intake->wake_fd, .events = POLLIN},
        {.fd = intake->o.stop_fd, .events = POLLIN},
        {.fd = intake->o.cancelled ? rl_cancelled_ids_fd(intake->o.cancelled) : -1, .events = POLLIN},
        {.fd = intake->o.cancelled_replays ? rl_cancelled_replays_fd(intake->o.cancelled_replays) : -1,
         .events = POLLIN}};
    const nfds_t count = sizeof fds / sizeof fds[0];
    if (poll(fds, count, timeout_ms) <= 0) {
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
    for (nfds_t i = 2; i < count; i++) {
        ssize_t ignored = fds[i].revents ? read(fds[i].fd, drop, 8) : 0;
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
    rl_metric_set(intake->o.metrics->produce_queue, rl_emitter_pending(intake->o.emitter));
    rl_metric_set(intake->o.metrics->slots_busy, (int64_t)rl_slots_busy(intake->o.slots));
}

/* true, and the end has begun, once nothing can be sent any more. */
static bool look_at_producer(rl_intake *intake) {
    /* What it could not send is parked by now, or comes back; a runner that takes on more would repeat it. */
    bool failed =
        intake->fatal.error_class != RL_OK || rl_emitter_has_failed(intake->o.emitter, &intake->fatal);
    if (failed && !intake->failing) {
        intake->failing = true;
        rl_log_failure(intake->o.log, RL_LOG_ERROR, "runner.failing", &intake->fatal);
        rl_intake_begin_failing(intake);
    }
    return failed;
}

/* false: there is no orderly end. */
static bool turn(rl_intake *intake) {
    rl_error err = RL_ERROR_INIT;
    if (!rl_lanes_poll(intake->lanes, &err)) {
        intake->fatal = err;
        return false;
    }
    rl_task *task;
    while ((task = rl_task_queue_pop(intake->home)) != NULL) {
        rl_intake_welcome(intake, task);
    }
    rl_intake_heed_cancels(intake);
    int64_t now_us = rl_clock_us();
    rl_intake_resume_parked(intake, now_us);
    rl_intake_start_new(intake, now_us);
    rl_lanes_advance(intake->lanes, now_us);
    rl_intake_advance_stop(intake, now_us);
    show(intake);
    return !look_at_producer(intake) || !intake->condemns;
}

bool rl_intake_run(rl_intake *intake, rl_error *err) {
    rl_metric_set(intake->o.metrics->slots, (int64_t)rl_slots_count(intake->o.slots));
    while (intake->phase != RL_INTAKE_ENDED) {
        if (!turn(intake)) {
            atomic_store(&intake->stopping, true);
            rl_intake_abandon_all(intake);
            break;
        }
        if (intake->phase != RL_INTAKE_ENDED && await(intake, sleep_ms(intake, rl_clock_us()))) {
            rl_intake_begin_stop(intake);
        }
    }
    if (intake->fatal.error_class != RL_OK && err) {
        *err = intake->fatal;
    }
    return intake->fatal.error_class == RL_OK;
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
        .slots = rl_slots_count(intake->o.slots),
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

const char *rl_intake_refused(const rl_intake *intake) {
    return rl_lanes_refused(intake->lanes, rl_clock_us());
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
        rl_intake_end(intake, task, false);
    }
    rl_intake_end_all(intake, rl_parking_take(&intake->parked, rl_parking_is_any, NULL));
    rl_task_free(intake->spare);
    rl_lanes_free(intake->lanes);
    rl_task_queue_free(intake->home);
    close(intake->wake_fd);
    free(intake);
}
