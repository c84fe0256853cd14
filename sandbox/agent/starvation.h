/* starvation.h: how long processes have been ready to run and did not get a processor.
 *
 * A wall limit is there for programs that sleep, or wait for what never comes. A program that computes on a host
 * with too much to do uses up wall time as well, and through no fault of its own. The kernel tells the two apart:
 * the second number of /proc/PID/schedstat is the time, in nanoseconds, that a process waited on a run queue
 * (Documentation/scheduler/sched-stats.rst).
 *
 * Thread: any.
 */
#ifndef RL_SANDBOX_AGENT_STARVATION_H
#define RL_SANDBOX_AGENT_STARVATION_H

#include <stdint.h>

/* The longest such time of any process below `proc_root` ("/proc") but process 1, in microseconds; 0 where the kernel does
 * not tell. Reads one short file per process: for the moment when it matters, not for every check. */
int64_t rl_starvation_us(const char *proc_root);

#endif
