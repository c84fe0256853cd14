/* reaper.h: removing containers behind the back of those who wait for a result.
 *
 * A removal takes the Engine 40 to 80 ms, which no client should wait for; it begins a moment later, so
 * that it does not compete with the result either. Discarded containers go into a
 * bounded queue that a few threads empty; when it is full the caller removes its own, which slows the slot
 * down to the pace of the Engine. What cannot be removed is left to the sweep (sweep.h), which one of the
 * threads makes every half minute.
 *
 * Thread: rl_reaper_add from any thread. Lock: one, guarding the queue and the flag to stop.
 */
#ifndef RL_RUNNER_REAPER_H
#define RL_RUNNER_REAPER_H

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "services/runner/agent_link.h"
#include "services/runner/engine.h"

typedef struct rl_reaper rl_reaper;

typedef struct {
    rl_engine *engine;
    const char *project;
    rl_log *log;             /* may be NULL */
    rl_metric *removal_time; /* may be NULL, as the others */
    rl_metric *waiting;      /* containers in the queue */
    rl_metric *swept;
} rl_reaper_options;

/* Starts the threads. What the options point at is borrowed until rl_reaper_free. */
rl_reaper *rl_reaper_new(const rl_reaper_options *options, rl_error *err);

/* Removes what is queued, then stops. */
void rl_reaper_free(rl_reaper *reaper);

/* Hands over a container. `link` (may be NULL) is its stream, which is closed when its turn comes: until then an agent
 * that has done its work lingers, and the Engine has nothing to clear up. */
void rl_reaper_add(rl_reaper *reaper, const char *container_id, rl_agent_link *link);

RL_DEFINE_CLEANUP(rl_reaper_slot, rl_reaper, rl_reaper_free)
#define RL_AUTO_REAPER RL_CLEANUP(rl_reaper_slot)

#endif
