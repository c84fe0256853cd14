/* intake.h: the loop in which the runner's consumer thread lives.
 *
 * Theory of operation
 * -------------------
 * One thread owns the consumers, the partitions and their windows, and every task that is not with a slot
 * or with the producer. It sleeps in poll(2) on four descriptors: an eventfd, to which librdkafka (a queue
 * got its first record, a callback is due) and the task queue (a task came home) add, two that tell of
 * submissions and replays that were cancelled, and one that says "stop". After each wake-up it serves the group, takes care of the tasks that came home, starts as
 * many records as there are free slots, and lets commits and revocations go on. Nothing in it blocks; no
 * record is taken that cannot be started at once.
 *
 * A task that could not be finished for want of Docker, an image or Kafka is parked: kept here, with its
 * place in the window, until its pause is over. While an emission is parked, or as many executions as there
 * are slots, nothing new is taken: the log is the better place to wait.
 *
 * What is cancelled (controls.h) is known before it starts, and answered without being executed. What runs is stopped
 * at once, what is parked is no longer; what waits in a partition is answered when its turn comes. The same goes for what
 * belongs to a cancelled replay, only that nobody is told: its records are done without an answer.
 *
 * A suspect (lease.h) of two losses runs alone: once one is at hand nothing else starts until the slots are empty, its
 * attempt has been written down, and it has ended. A suspect of one loss runs like any other record.
 *
 * Stopping: nothing more is taken; what runs may end within the grace period, what does not is cancelled
 * and left to another runner; watermarks are committed, for which a rebalance is waited out that holds them up; the
 * group is left. Where the producer has failed for good, what runs is cancelled at once and the rest is the same: the
 * next runner finds no suspects. A consumer that has failed can hand nothing back any more.
 */
#ifndef RL_RUNNER_INTAKE_H
#define RL_RUNNER_INTAKE_H

#include "services/runner/cancelled_ids.h"
#include "services/runner/cancelled_replays.h"
#include "services/runner/dispatch.h"
#include "services/runner/emit.h"
#include "services/runner/lanes.h"

typedef struct rl_intake rl_intake;

/* Everything is borrowed for the intake's life. */
typedef struct {
    const rl_stream_config *stream;
    const char *group;
    const char *const *lanes; /* topics, each with a membership of its own */
    size_t lane_count;        /* 1..RL_LANES_MAX */
    size_t window;
    int64_t drain_us;    /* how long a revocation waits for what runs */
    int64_t grace_us;    /* how long stopping does */
    int stop_fd;         /* readable once the runner is to stop; readable again: at once */
    const char *replays; /* which of the lanes is theirs, whose records are none of `cancelled`; or NULL */
    rl_cancelled_ids *cancelled;             /* NULL: nothing ever is */
    rl_cancelled_replays *cancelled_replays; /* the same; the executor's, too */
    rl_slots *slots;
    rl_emitter *emitter;
    rl_runner_metrics *metrics;
    rl_log *log;
} rl_intake_options;

/* Joins the group, once for each lane. */
rl_intake *rl_intake_new(const rl_intake_options *options, rl_error *err);

/* Runs until it was told to stop (true) or cannot go on (false, FATAL). */
bool rl_intake_run(rl_intake *intake, rl_error *err);

/* Any thread: for readiness. */
bool rl_intake_is_joined(const rl_intake *intake);
const char *rl_intake_refused(const rl_intake *intake); /* as rl_membership_refused */
bool rl_intake_is_stopping(const rl_intake *intake);

/* Frees. Slots and producer must have been freed: every task is home. NULL is fine. */
void rl_intake_free(rl_intake *intake);

#endif
