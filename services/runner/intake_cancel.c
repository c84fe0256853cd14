/* intake_cancel.c: what is cancelled while the runner has it.
 *
 * A cancelled task goes the way of every other one, through a slot, which answers it instead of executing it, or drops it where
 * it is a replay's (execute.c). So it needs a free slot for a moment, but no container, no image and no Docker.
 */
#include "services/runner/intake_parts.h"
#include "services/runner/task_log.h"

/* Of both sets; it grows with each of them. */
static uint64_t version_of(const rl_intake *intake) {
    return (intake->o.cancelled ? rl_cancelled_ids_version(intake->o.cancelled) : 0) +
           (intake->o.cancelled_replays ? rl_cancelled_replays_version(intake->o.cancelled_replays) : 0);
}

void rl_intake_heed_cancels(rl_intake *intake) {
    const uint64_t version = version_of(intake);
    if (version == intake->cancels_seen) {
        return;
    }
    intake->cancels_seen = version;
    for (rl_task *task = intake->newest; task; task = task->older) {
        rl_intake_heed_cancel(intake, task);
    }
}

/* Of which replay a record is, its slot finds out, which then looks itself whether that is cancelled: it notes the generation
 * before it looks, so that one of the two sees the other's. */
static bool is_cancelled(const rl_intake *intake, const rl_task *task) {
    const int64_t generation = atomic_load(&task->generation);
    if (generation > 0) {
        return intake->o.cancelled_replays &&
               rl_cancelled_replays_have(intake->o.cancelled_replays, generation);
    }
    return intake->o.cancelled && !task->is_replay && task->key[0] &&
           rl_cancelled_ids_have(intake->o.cancelled, task->key);
}

void rl_intake_heed_cancel(rl_intake *intake, rl_task *task) {
    if (!atomic_load(&task->cancelled) && is_cancelled(intake, task)) {
        rl_task_cancel(task);
    }
}

bool rl_intake_is_due(const rl_task *task, const void *now_us) {
    return (atomic_load(&task->cancelled) && !rl_emitter_owes(task)) || rl_parking_is_due(task, now_us);
}
