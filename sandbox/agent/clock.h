/* clock.h: elapsed time of the agent, microseconds of CLOCK_MONOTONIC (wall clocks jump). */
#ifndef RL_SANDBOX_AGENT_CLOCK_H
#define RL_SANDBOX_AGENT_CLOCK_H

#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

static inline int64_t rl_clock_now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* User and system time of a usage record together. */
static inline int64_t rl_clock_cpu_us(const struct rusage *usage) {
    return ((int64_t)usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 + usage->ru_utime.tv_usec +
           usage->ru_stime.tv_usec;
}

#endif
