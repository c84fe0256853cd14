/* submission_in_limits.c: limits of one request.
 *
 * The names and units are those in which results show them. Elapsed time is at least twice the CPU time and 2 s,
 * whatever a request says: on a busy host a program within its CPU time must not fail for the neighbours' sake.
 */
#include <inttypes.h>

#include "lib/base/clock.h"
#include "lib/manifest/bounds.h"
#include "services/api/submission_in_parts.h"

#define KIB 1024
#define PAGE 4096 /* the work folder's files take whole pages */

/* Reads a number of `unit`s into `*limit`, which stays where it is absent. The bounds are in the limit's own unit. */
static bool read_limit(const rl_json_in *object, const char *key, int64_t unit, int64_t min, int64_t max,
                       int64_t *limit, rl_buffer *problem) {
    const rl_json_in field = rl_json_in_member(object, key);
    int64_t units = -1;
    if (!rl_json_in_whole(&field, (min + unit - 1) / unit, max / unit, &units, problem)) {
        return false;
    }
    if (units >= 0) {
        *limit = units * unit;
    }
    return true;
}

static bool read_phase(const rl_json_in *limits, const char *key, const rl_phase_limits *maxima,
                       rl_phase_limits *phase, rl_buffer *problem) {
    const rl_json_in field = rl_json_in_member(limits, key);
    int64_t wall_us = 0; /* absent: what the CPU time says */
    if (!rl_json_in_object(&field, problem) ||
        !read_limit(&field, "cpuMs", RL_US_PER_MS, 1, maxima->cpu_us, &phase->cpu_us, problem) ||
        !read_limit(&field, "wallMs", RL_US_PER_MS, 1, maxima->wall_us, &wall_us, problem) ||
        !read_limit(&field, "memoryKb", KIB, RL_BOUNDS_MEMORY_MIN, maxima->memory_bytes, &phase->memory_bytes,
                    problem)) {
        return false;
    }
    const int64_t least_us = rl_bounds_least_wall_us(phase->cpu_us);
    phase->wall_us = wall_us > least_us ? wall_us : least_us;
    return true;
}

static bool read_limits(const rl_json_in *field, const rl_limits *maxima, rl_limits *limits,
                        rl_buffer *problem) {
    return rl_json_in_object(field, problem) &&
           read_phase(field, "compile", &maxima->compile, &limits->compile, problem) &&
           read_phase(field, "run", &maxima->run, &limits->run, problem) &&
           read_limit(field, "outputBytes", 1, 1, maxima->output_bytes, &limits->output_bytes, problem) &&
           read_limit(field, "fileBytes", 1, RL_BOUNDS_FILES_MIN, maxima->file_bytes, &limits->file_bytes,
                      problem) &&
           read_limit(field, "stackBytes", 1, RL_BOUNDS_STACK_MIN, maxima->stack_bytes, &limits->stack_bytes,
                      problem) &&
           read_limit(field, "processes", 1, 1, maxima->processes, &limits->processes, problem) &&
           read_limit(field, "openFiles", 1, RL_BOUNDS_OPEN_FILES_MIN, maxima->open_files,
                      &limits->open_files, problem);
}

static int64_t room_of(rl_bytes content) {
    return ((int64_t)content.size + PAGE - 1) / PAGE * PAGE;
}

/* What an archive will take nobody knows before it is unpacked. */
static bool check_room(const rl_submission *submission, rl_buffer *problem) {
    int64_t bytes = room_of(submission->source);
    for (size_t i = 0; i < submission->file_count; i++) {
        bytes += submission->files[i].format == RL_FILE_PLAIN ? room_of(submission->files[i].content) : 0;
    }
    if (bytes <= submission->limits.file_bytes) {
        return true;
    }
    (void)rl_buffer_printf(problem,
                           "The files take %" PRId64 " bytes, and the work folder has %" PRId64
                           " (\"limits.fileBytes\")",
                           bytes, submission->limits.file_bytes);
    return false;
}

bool rl_submission_in_limits(const rl_json_in *root, const rl_manifest *manifest, const rl_limits *maxima,
                             rl_submission *submission, rl_buffer *problem) {
    const rl_json_in field = rl_json_in_member(root, "limits");
    submission->limits = rl_bounds_cut(&manifest->limits, maxima);
    return read_limits(&field, maxima, &submission->limits, problem) && check_room(submission, problem);
}
