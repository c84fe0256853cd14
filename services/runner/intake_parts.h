/* intake_parts.h: what the intake's own files share: the loop (intake.c), what starts (intake_start.c), what is
 * cancelled meanwhile (intake_cancel.c), tasks that come home (intake_tasks.c), and the way to the end (intake_stop.c).
 *
 * Thread: the consumer thread only, but for `stopping`.
 */
#ifndef RL_RUNNER_INTAKE_PARTS_H
#define RL_RUNNER_INTAKE_PARTS_H

#include <stdatomic.h>

#include "lib/base/clock.h"
#include "services/runner/intake.h"
#include "services/runner/parking.h"

typedef enum {
    RL_INTAKE_RUNNING,
    RL_INTAKE_DRAINING,   /* what runs may end */
    RL_INTAKE_CANCELLING, /* what still runs is being stopped */
    RL_INTAKE_COMMITTING, /* until the coordinator knows all of it */
    RL_INTAKE_LEAVING,    /* the group */
    RL_INTAKE_ENDED,
} rl_intake_phase;

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
    rl_intake_phase phase;
    int64_t phase_until_us;
    int64_t commit_until_us; /* the longest that COMMITTING waits for the end of a rebalance */
    int64_t image_logged_us;
    uint64_t cancels_seen; /* the version of the set that all tasks have been held against */
    atomic_bool stopping;
    rl_error fatal; /* RL_OK: none */
    bool failing;   /* and all has been stopped because of it */
    bool condemns;  /* it is a record's doing, and what is leased is to remain suspect */
};

/* ---- intake_start.c ---- */

/* Starts what is parked and whose pause is over, as far as there are slots. */
void rl_intake_resume_parked(rl_intake *intake, int64_t now_us);

/* Takes records as long as there are slots for them. */
void rl_intake_start_new(rl_intake *intake, int64_t now_us);

/* ---- intake_cancel.c ---- */

/* Stops what is here and has been cancelled since the last call. */
void rl_intake_heed_cancels(rl_intake *intake);

/* The same for one task. */
void rl_intake_heed_cancel(rl_intake *intake, rl_task *task);

/* An rl_parking_choice: whose pause is over, or has lost its sense, as there is to be no other try. */
bool rl_intake_is_due(const rl_task *task, const void *now_us);

/* ---- intake_tasks.c ---- */

/* From here to rl_intake_end the task is one of the intake's. */
void rl_intake_enlist(rl_intake *intake, rl_task *task);

/* The end of a task that is here. `done`: its record is answered. */
void rl_intake_end(rl_intake *intake, rl_task *task, bool done);

/* As rl_intake_end, of a list linked through `next`, unanswered. */
void rl_intake_end_all(rl_intake *intake, rl_task *list);

/* Keeps a task until `not_before_us`, monotonic; or ends it, where it has no other try here. */
void rl_intake_park(rl_intake *intake, rl_task *task, int64_t not_before_us);

/* Sends the next thing that the task owes. */
void rl_intake_emit(rl_intake *intake, rl_task *task);

/* A task has come home from its slot or from the producer. */
void rl_intake_welcome(rl_intake *intake, rl_task *task);

/* ---- intake_stop.c ---- */

/* Somebody asks the runner to stop; asked twice: at once. */
void rl_intake_begin_stop(rl_intake *intake);

/* Nothing can be sent any more: stops all that runs and goes the rest of the way. Nothing, where it is a record's doing,
 * or where the end is near anyway. */
void rl_intake_begin_failing(rl_intake *intake);

/* As many steps towards the end as are due. */
void rl_intake_advance_stop(rl_intake *intake, int64_t now_us);

/* Stops all that runs; none of it is answered. */
void rl_intake_abandon_all(rl_intake *intake);

#endif
