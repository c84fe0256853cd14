#include "lib/manifest/bounds.h"

#include <inttypes.h>

#include "lib/base/clock.h"

int64_t rl_bounds_least_wall_us(int64_t cpu_us) {
    return 2 * cpu_us + 2 * RL_US_PER_S;
}

bool rl_maxima_check(const rl_maxima *maxima, rl_error *err) {
    const int64_t least_us = rl_bounds_least_wall_us(maxima->cpu_us);
    return maxima->wall_us >= least_us || rl_error_set(err, RL_INVALID, 0,
                                                       "RUNLOG_SANDBOX_MAX_WALL must be %" PRId64
                                                       "s at least, twice RUNLOG_SANDBOX_MAX_CPU and 2s: "
                                                       "below that a busy host changes verdicts",
                                                       (least_us + RL_US_PER_S - 1) / RL_US_PER_S);
}

rl_limits rl_maxima_limits(const rl_maxima *maxima) {
    const rl_phase_limits phase = {
        .cpu_us = maxima->cpu_us,
        .wall_us = maxima->wall_us,
        .memory_bytes = maxima->memory_bytes,
    };
    return (rl_limits){
        .compile = phase,
        .run = phase,
        .output_bytes = maxima->output_bytes,
        .file_bytes = maxima->file_bytes,
        .stack_bytes = maxima->stack_bytes,
        .processes = maxima->processes,
        .open_files = maxima->open_files,
    };
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static rl_phase_limits cut_phase(const rl_phase_limits *phase, const rl_phase_limits *maxima) {
    return (rl_phase_limits){
        .cpu_us = least(phase->cpu_us, maxima->cpu_us),
        .wall_us = least(phase->wall_us, maxima->wall_us),
        .memory_bytes = least(phase->memory_bytes, maxima->memory_bytes),
    };
}

rl_limits rl_bounds_cut(const rl_limits *limits, const rl_limits *maxima) {
    return (rl_limits){
        .compile = cut_phase(&limits->compile, &maxima->compile),
        .run = cut_phase(&limits->run, &maxima->run),
        .output_bytes = least(limits->output_bytes, maxima->output_bytes),
        .file_bytes = least(limits->file_bytes, maxima->file_bytes),
        .stack_bytes = least(limits->stack_bytes, maxima->stack_bytes),
        .processes = least(limits->processes, maxima->processes),
        .open_files = least(limits->open_files, maxima->open_files),
    };
}
