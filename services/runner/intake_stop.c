/* intake_stop.c: stopping, step by step: see intake.h. */
#include "services/runner/intake_parts.h"

#define CANCEL_PATIENCE_US (3 * RL_US_PER_S)
#define COMMIT_PATIENCE_US (3 * RL_US_PER_S)
#define LOOK_AGAIN_US (100 * RL_US_PER_MS)
#define LEAVE_PATIENCE_US (5 * RL_US_PER_S)

static void enter(rl_intake *intake, rl_intake_phase next, int64_t patience_us) {
    intake->phase = next;
    intake->phase_until_us = rl_clock_us() + patience_us;
}

void rl_intake_begin_stop(rl_intake *intake) {
    if (intake->phase == RL_INTAKE_DRAINING) {
        intake->phase_until_us = rl_clock_us(); /* asked twice: at once */
    }
    if (intake->phase != RL_INTAKE_RUNNING) {
        return;
    }
    rl_log(intake->o.log, RL_LOG_INFO, "runner.stopping", RL_I("submissions", intake->tasks));
    atomic_store(&intake->stopping, true);
    rl_lanes_hurry(intake->lanes);
    enter(intake, RL_INTAKE_DRAINING, intake->o.grace_us);
    intake->commit_until_us = intake->phase_until_us + CANCEL_PATIENCE_US + COMMIT_PATIENCE_US;
    rl_intake_end_all(intake, rl_parking_take(&intake->parked, rl_parking_is_run, NULL));
}

void rl_intake_abandon_all(rl_intake *intake) {
    rl_log(intake->o.log, RL_LOG_WARN, "runner.submissions_handed_back", RL_I("submissions", intake->tasks));
    rl_intake_end_all(intake, rl_parking_take(&intake->parked, rl_parking_is_any, NULL));
    for (rl_task *task = intake->newest; task; task = task->older) {
        rl_task_abandon(task);
    }
}

/* What still runs ends now, and is handed back without suspicion. */
static void cancel(rl_intake *intake) {
    rl_intake_abandon_all(intake);
    rl_lanes_surrender(intake->lanes);
    enter(intake, RL_INTAKE_CANCELLING, CANCEL_PATIENCE_US);
}

void rl_intake_begin_failing(rl_intake *intake) {
    if (intake->condemns || intake->phase >= RL_INTAKE_COMMITTING) {
        return;
    }
    atomic_store(&intake->stopping, true);
    rl_lanes_hurry(intake->lanes);
    cancel(intake);
    intake->commit_until_us = intake->phase_until_us + COMMIT_PATIENCE_US;
}

/* No commit can be made while a rebalance is under way; leaving without one repeats what has been done. */
static bool is_worth_waiting(const rl_intake *intake, int64_t now_us) {
    return now_us < intake->commit_until_us && rl_lanes_are_rebalancing(intake->lanes, now_us);
}

static void step_committing(rl_intake *intake, int64_t now_us, bool late) {
    if (!rl_lanes_are_committed(intake->lanes)) {
        if (!late) {
            return;
        }
        if (is_worth_waiting(intake, now_us)) {
            enter(intake, RL_INTAKE_COMMITTING, LOOK_AGAIN_US);
            return;
        }
        rl_log_event(intake->o.log, RL_LOG_WARN, "offsets.left_uncommitted");
    }
    rl_lanes_leave(intake->lanes);
    enter(intake, RL_INTAKE_LEAVING, LEAVE_PATIENCE_US);
}

/* One step, if one is due. */
static void step_stop(rl_intake *intake, int64_t now_us) {
    bool late = now_us >= intake->phase_until_us;
    switch (intake->phase) {
    case RL_INTAKE_DRAINING:
        if (intake->tasks == 0) {
            enter(intake, RL_INTAKE_COMMITTING, COMMIT_PATIENCE_US);
        } else if (late) {
            cancel(intake);
        }
        return;
    case RL_INTAKE_CANCELLING:
        if (intake->tasks == 0 || late) {
            enter(intake, RL_INTAKE_COMMITTING, COMMIT_PATIENCE_US);
        }
        return;
    case RL_INTAKE_COMMITTING:
        step_committing(intake, now_us, late);
        return;
    case RL_INTAKE_LEAVING:
        if (late || rl_lanes_are_closed(intake->lanes)) {
            intake->phase = RL_INTAKE_ENDED;
        }
        return;
    case RL_INTAKE_RUNNING:
    case RL_INTAKE_ENDED:
        return;
    }
}

void rl_intake_advance_stop(rl_intake *intake, int64_t now_us) {
    rl_intake_phase before;
    do {
        before = intake->phase;
        step_stop(intake, now_us);
    } while (intake->phase != before);
}
