/* intake_stop.c: stopping, step by step: see intake.h. */
#include "services/runner/intake_parts.h"

#define CANCEL_PATIENCE_US (3 * RL_US_PER_S)
#define COMMIT_PATIENCE_US (3 * RL_US_PER_S)
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
    rl_intake_end_all(intake, rl_parking_take(&intake->parked, rl_parking_is_run, NULL));
}

void rl_intake_abandon_all(rl_intake *intake) {
    rl_log(intake->o.log, RL_LOG_WARN, "runner.submissions_handed_back", RL_I("submissions", intake->tasks));
    rl_intake_end_all(intake, rl_parking_take(&intake->parked, rl_parking_is_any, NULL));
    for (rl_task *task = intake->newest; task; task = task->older) {
        rl_task_abandon(task);
    }
}

/* One step, if one is due. */
static void step_stop(rl_intake *intake, int64_t now_us) {
    bool late = now_us >= intake->phase_until_us;
    if (intake->phase == RL_INTAKE_DRAINING && intake->tasks > 0 && late) {
        rl_intake_abandon_all(intake);
        rl_lanes_surrender(intake->lanes);
        enter(intake, RL_INTAKE_CANCELLING, CANCEL_PATIENCE_US);
    } else if ((intake->phase == RL_INTAKE_DRAINING && intake->tasks == 0) ||
               (intake->phase == RL_INTAKE_CANCELLING && (intake->tasks == 0 || late))) {
        enter(intake, RL_INTAKE_COMMITTING, COMMIT_PATIENCE_US);
    } else if (intake->phase == RL_INTAKE_COMMITTING && (rl_lanes_are_committed(intake->lanes) || late)) {
        rl_lanes_leave(intake->lanes);
        enter(intake, RL_INTAKE_LEAVING, LEAVE_PATIENCE_US);
    } else if (intake->phase == RL_INTAKE_LEAVING && (rl_lanes_are_closed(intake->lanes) || late)) {
        intake->phase = RL_INTAKE_ENDED;
    }
}

void rl_intake_advance_stop(rl_intake *intake, int64_t now_us) {
    rl_intake_phase before;
    do {
        before = intake->phase;
        step_stop(intake, now_us);
    } while (intake->phase != before);
}
