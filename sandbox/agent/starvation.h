/* starvation.h: how long a program has been ready to run and did not get a processor.
 *
 * A wall limit is there for programs that sleep, or wait for what never comes. A program that computes on a host
 * with too much to do uses up wall time as well, and through no fault of its own. The kernel tells the two apart:
 * the second number of /proc/PID/task/TID/schedstat is the time, in nanoseconds, that a thread waited on a run queue
 * (Documentation/scheduler/sched-stats.rst). The file of a process itself is its first thread's, which in many
 * programs only waits for the others.
 *
 * What a thread waited goes with it when it ends, so walks over all threads add it up. The kernel counts a wait when it
 * is over: one of 50 ms is found by one walk of many. When two threads have waited since the same moment, it is
 * taken for the same time, and only what one waited longer than the other is added. A chain of short processes is seen
 * as far as walks meet them while they live.
 *
 * Thread: any, one at a time.
 */
#ifndef RL_SANDBOX_AGENT_STARVATION_H
#define RL_SANDBOX_AGENT_STARVATION_H

#include <stddef.h>
#include <stdint.h>

/* Threads that are looked at; where there are more, the rest does not count, so that a walk stays short. */
#define RL_STARVATION_THREADS 512

/* A thread, and when its figure last grew: what others have added to the total since then is the same time. */
typedef struct rl_waiter {
    int32_t id;
    int64_t waited_us;
    int64_t total_then_us;
} rl_waiter;

typedef struct rl_starvation {
    int64_t begun_us;
    int64_t total_us;
    size_t count;
    rl_waiter seen[RL_STARVATION_THREADS]; /* by the last walk, in its order */
} rl_starvation;

/* From now on. */
void rl_starvation_begin(rl_starvation *starvation, int64_t now_us);

/* The threads that are there already: what they have waited before the beginning does not count. */
void rl_starvation_rebase(rl_starvation *starvation, const char *proc_root);

/* Walks over all threads below `proc_root` ("/proc") but those of process 1. Returns how long the program has been kept
 * waiting since the beginning, in microseconds, never more than has passed; 0 where the kernel does not tell. Reads one
 * short file per thread: not for every check. */
int64_t rl_starvation_note(rl_starvation *starvation, const char *proc_root, int64_t now_us);

#endif
