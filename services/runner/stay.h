/* stay.h: the time that one task spends in a slot, as it is charged to its lane and its tenant.
 *
 * At its beginning what it is expected to last is counted against both (turns.h, tenant_clock.h), from then on what it has
 * really used, and at its end nothing else: lanes.h does it. A task that goes to a slot again has another stay.
 *
 * Thread: the consumer thread. Plain value: zeroed is none.
 */
#ifndef RL_RUNNER_STAY_H
#define RL_RUNNER_STAY_H

#include "services/runner/tenant_clock.h"

typedef struct {
    size_t lane;
    rl_tenant *
        tenant; /* counts the task as working, from taking to the task's end; NULL: charged to the lane alone */
    int64_t begin_us;    /* monotonic; 0: it is in no slot */
    int64_t charged_us;  /* until when it is charged for what it uses */
    int64_t expected_us; /* what is left of the expectation */
} rl_stay;

#endif
