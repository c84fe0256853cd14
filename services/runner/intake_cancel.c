/* intake_cancel.c: what is cancelled while the runner has it.
 *
 * A cancelled task goes the way of every other one, through a slot, which answers it instead of executing it
 * (execute.c). So it needs a free slot for a moment, but no container, no image and no Docker.
 */
#include "services/runner/intake_parts.h"
#include "services/runner/task_log.h"

void rl_intake_heed_cancels(rl_intake *intake) {
    const uint64_t version = intake->o.cancelled ? rl_cancelled_ids_version(intake->o.cancelled) : 0;
    if (version == intake->cancels_seen) {
        return;
    }
    intake->cancels_seen = version;
    for (rl_task *task = intake->newest; task; task = task->older) {
        rl_intake_heed_cancel(intake, task);
    }
}

void rl_intake_heed_cancel(rl_intake *intake, rl_task *task) {
    if (!intake->o.cancelled || !task->key[0] || task->is_replay || atomic_load(&task->cancelled) ||
        !rl_cancelled_ids_have(intake->o.cancelled, task->key)) {
        return;
    }
    rl_task_cancel(task);
}

bool rl_intake_is_due(const rl_task *task, const void *now_us) {
    return (atomic_load(&task->cancelled) && !rl_emitter_owes(task)) || rl_parking_is_due(task, now_us);
}
