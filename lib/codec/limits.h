/* limits.h: what a submission may spend. Travels in the record, so that a replay runs under what was
 * promised at submit time. All values are effective ones: defaults and clamping have been applied by
 * the API; the runner enforces them as they stand.
 */
#ifndef RL_CODEC_LIMITS_H
#define RL_CODEC_LIMITS_H

#include <stdint.h>

/* One phase: compile or run. */
typedef struct {
    int64_t cpu_us;       /* CPU time of all processes together */
    int64_t wall_us;      /* elapsed time; at least 2 x cpu_us + 2 s, so that a busy host is not a verdict */
    int64_t memory_bytes; /* of the container's cgroup, tmpfs included; swap is off */
} rl_phase_limits;

typedef struct {
    rl_phase_limits compile;
    rl_phase_limits run;
    int64_t output_bytes; /* of each of stdout and stderr, and of the compiler's output */
    int64_t file_bytes;   /* size of the work folder's tmpfs, and of one file */
    int64_t stack_bytes;
    int64_t processes;  /* processes and threads together */
    int64_t open_files; /* per process */
} rl_limits;

#endif
