/* usage.c: accounting of one phase. */
#include "sandbox/agent/usage.h"

#include "sandbox/agent/clock.h"

/* A check costs some 30 us. Short programs are looked at often, because their peak passes quickly; long
 * ones every 10 ms, which is also how far a limit can be overshot on one core. */
enum { CHECK_MIN_US = 2000, CHECK_MAX_US = 10000 };

/* A walk over all threads costs some 100 us, and up to a few ms where there are hundreds: it is worth that only once a
 * part of the wall limit is gone, and then this part of the time at most. */
enum { WALK_AFTER = 16, WALK_PAUSE_US = 10000, WALK_SHARE = 64 };

/* What a walk has to add for the program to go on: otherwise the last moments would be nothing but walks. */
enum { ALLOWANCE_MIN_US = 1000 };

static int64_t own_cpu_us(void) {
    struct rusage self;
    getrusage(RUSAGE_SELF, &self); /* cannot fail with these arguments */
    return rl_clock_cpu_us(&self);
}

static int64_t max64(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t clamp64(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

void rl_usage_begin(rl_usage *usage, const rl_cgroup *cgroup) {
    *usage = (rl_usage){.cgroup = cgroup, .at_start = rl_cgroup_read(cgroup)};
    usage->limit_at_start = rl_cgroup_read_limit(cgroup);
    usage->own_cpu_at_start_us = own_cpu_us();
    usage->start_us = rl_clock_now_us();
    rl_starvation_begin(&usage->starvation, usage->start_us);
    usage->next_sample_us = usage->start_us + CHECK_MIN_US;
}

void rl_usage_adopt(rl_usage *usage, int64_t memory_bytes) {
    usage->at_start.memory_bytes = max64(0, usage->at_start.memory_bytes - memory_bytes);
    rl_starvation_rebase(&usage->starvation, "/proc");
}

void rl_usage_add_reaped(rl_usage *usage, const struct rusage *process) {
    usage->reaped_cpu_us += rl_clock_cpu_us(process);
    usage->reaped_peak = max64(usage->reaped_peak, (int64_t)process->ru_maxrss * 1024);
}

int64_t rl_usage_cpu_us(const rl_usage *usage) {
    if (usage->cgroup->cpu_fd < 0) {
        return usage->reaped_cpu_us;
    }
    int64_t container = rl_cgroup_read_cpu_us(usage->cgroup) - usage->at_start.cpu_us;
    return max64(0, container - (own_cpu_us() - usage->own_cpu_at_start_us));
}

static void sample_memory(rl_usage *usage) {
    int64_t above = rl_cgroup_read(usage->cgroup).memory_bytes - usage->at_start.memory_bytes;
    usage->sampled_peak = max64(usage->sampled_peak, above);
}

/* Processes take what they waited with them when they end, so it is noted every now and then. */
static void note_starvation(rl_usage *usage, const rl_agent_limits *limits, int64_t now_us) {
    int64_t most_us = limits->wall_us > INT64_MAX / (RL_AGENT_STARVATION_MAX + 1)
                          ? INT64_MAX
                          : limits->wall_us * RL_AGENT_STARVATION_MAX;
    usage->allowance_us = clamp64(rl_starvation_note(&usage->starvation, "/proc", now_us), 0, most_us);
    int64_t took_us = rl_clock_now_us() - now_us;
    usage->next_walk_us = now_us + max64(WALK_PAUSE_US, took_us * WALK_SHARE);
}

/* Whether the elapsed time is up, with what the program has been kept waiting until this moment. */
static bool met_wall_limit(rl_usage *usage, const rl_agent_limits *limits, int64_t now_us) {
    int64_t elapsed_us = now_us - usage->start_us;
    if (elapsed_us - usage->allowance_us < limits->wall_us) {
        return false;
    }
    note_starvation(usage, limits, now_us);
    return elapsed_us - usage->allowance_us >= limits->wall_us - ALLOWANCE_MIN_US;
}

uint32_t rl_usage_check(rl_usage *usage, const rl_agent_limits *limits, int64_t now_us) {
    int64_t elapsed = now_us - usage->start_us;
    uint32_t hits = met_wall_limit(usage, limits, now_us) ? RL_AGENT_HIT_WALL : 0;
    if (now_us < usage->next_sample_us) {
        return hits;
    }
    sample_memory(usage);
    if (elapsed > limits->wall_us / WALK_AFTER && now_us >= usage->next_walk_us) {
        note_starvation(usage, limits, now_us);
    }
    int64_t cpu = rl_usage_cpu_us(usage);
    hits |= cpu >= limits->cpu_us ? RL_AGENT_HIT_CPU : 0;
    int64_t pause = clamp64(elapsed / 8, CHECK_MIN_US, CHECK_MAX_US);
    usage->next_sample_us = now_us + clamp64(limits->cpu_us - cpu, CHECK_MIN_US, pause);
    return hits;
}

int64_t rl_usage_sleep_us(const rl_usage *usage, const rl_agent_limits *limits, int64_t now_us) {
    int64_t wall_left = limits->wall_us - (now_us - usage->start_us) + usage->allowance_us;
    int64_t until_sample = usage->next_sample_us - now_us;
    return max64(0, wall_left < until_sample ? wall_left : until_sample);
}

/* Whether the container's own limit can have been what the kernel killed for. Where the kernel does not tell, it
 * is believed: a host that is out of memory is rarer than a program that is. */
static bool met_own_limit(const rl_usage *usage) {
    rl_cgroup_limit now = rl_cgroup_read_limit(usage->cgroup);
    return !now.known || now.reached || now.hits > usage->limit_at_start.hits;
}

void rl_usage_finish(rl_usage *usage, const rl_agent_limits *limits, rl_agent_result *result) {
    rl_cgroup_usage now = rl_cgroup_read(usage->cgroup);
    result->cpu_us = rl_usage_cpu_us(usage);
    result->memory_peak_bytes = max64(usage->sampled_peak, usage->reaped_peak);
    result->oom_kills = now.oom_kills - usage->at_start.oom_kills;
    result->forks_refused = now.forks_refused - usage->at_start.forks_refused;
    result->flags |= result->cpu_us >= limits->cpu_us ? RL_AGENT_HIT_CPU : 0;
    result->flags |= result->oom_kills > 0 && met_own_limit(usage) ? RL_AGENT_HIT_MEMORY : 0;
    result->flags |= result->forks_refused > 0 ? RL_AGENT_HIT_PROCESSES : 0;
}
