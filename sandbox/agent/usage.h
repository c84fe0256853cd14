/* usage.h: what a phase has used so far, and which limits that meets.
 *
 * Two sources are joined: the container's control groups, by difference from the phase's start, and the
 * resource usage of every process that was reaped. Thread: the agent's only one.
 */
#ifndef RL_SANDBOX_AGENT_USAGE_H
#define RL_SANDBOX_AGENT_USAGE_H

#include "sandbox/agent/cgroup.h"
#include "sandbox/agent/starvation.h"
#include "sandbox/protocol.h"

#include <sys/resource.h>

typedef struct rl_usage {
    const rl_cgroup *cgroup;
    int64_t start_us;
    rl_cgroup_usage at_start;
    rl_cgroup_limit limit_at_start;
    int64_t own_cpu_at_start_us;
    int64_t reaped_cpu_us;  /* sum over reaped processes */
    int64_t reaped_peak;    /* largest resident size of one of them, bytes */
    int64_t sampled_peak;   /* bytes above the start's */
    int64_t allowance_us;   /* added to the wall limit for time that a busy host did not give */
    int64_t next_sample_us; /* when memory is looked at again */
    int64_t next_walk_us;   /* when threads are, at the earliest */
    rl_starvation starvation;
} rl_usage;

/* Takes the starting figures now. `cgroup` outlives it. */
void rl_usage_begin(rl_usage *usage, const rl_cgroup *cgroup);

/* The program is a process that lived before the beginning (standby.h): `memory_bytes` are its own and count, what it has
 * waited for a processor so far does not. Right after rl_usage_begin. */
void rl_usage_adopt(rl_usage *usage, int64_t memory_bytes);

/* Adds a process that wait4() returned. */
void rl_usage_add_reaped(rl_usage *usage, const struct rusage *process);

/* CPU time of the phase so far, microseconds. */
int64_t rl_usage_cpu_us(const rl_usage *usage);

/* If it is time: samples memory and returns the RL_AGENT_HIT_CPU and RL_AGENT_HIT_WALL that are met. */
uint32_t rl_usage_check(rl_usage *usage, const rl_agent_limits *limits, int64_t now_us);

/* How long poll() may sleep, microseconds: until the next check, or the end of the elapsed time. */
int64_t rl_usage_sleep_us(const rl_usage *usage, const rl_agent_limits *limits, int64_t now_us);

/* The final figures and their flags, once every process is reaped. */
void rl_usage_finish(rl_usage *usage, const rl_agent_limits *limits, rl_agent_result *result);

#endif
