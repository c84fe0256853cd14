/* bounds.h: what a submission may ask for: no less than what a sandbox needs, no more than the operator allows.
 *
 * The API refuses what lies outside; a runner, which may have been told otherwise, bounds whatever a record says. Both
 * have the maxima from the same variables, by one table, so that one cannot promise what the other does not give.
 *
 * Pure functions over their arguments.
 */
#ifndef RL_MANIFEST_BOUNDS_H
#define RL_MANIFEST_BOUNDS_H

#include <stdbool.h>

#include "lib/base/config.h"
#include "lib/base/error.h"
#include "lib/codec/limits.h"

/* The least that works. */
#define RL_BOUNDS_MEMORY_MIN (INT64_C(16) * 1024 * 1024) /* below it a container does not start */
#define RL_BOUNDS_FILES_MIN (INT64_C(256) * 1024)        /* of the work folder: a size of 0 would mean none */
#define RL_BOUNDS_STACK_MIN (INT64_C(1) * 1024 * 1024)   /* below it not even execve works */
#define RL_BOUNDS_OPEN_FILES_MIN 16

/* The most that the operator allows: part of a service's configuration struct. Bytes and microseconds. */
typedef struct {
    int64_t cpu_us, wall_us, memory_bytes; /* of a compile or run step */
    int64_t output_bytes, file_bytes, stack_bytes, processes, open_files;
} rl_maxima;

/* Their rows in a service's table of options; AT(field) is the offset of an rl_maxima's field. */
#define RL_MAXIMA_OPTIONS(AT)                                                                                \
    {"RUNLOG_SANDBOX_MAX_CPU",                                                                               \
     RL_CONFIG_DURATION,                                                                                     \
     AT(cpu_us),                                                                                             \
     "60s",                                                                                                  \
     INT64_C(1000000),                                                                                       \
     INT64_C(3600000000),                                                                                    \
     "CPU time of a compile or run step at most: the API refuses more, a runner never gives more"},          \
        {"RUNLOG_SANDBOX_MAX_WALL",                                                                          \
         RL_CONFIG_DURATION,                                                                                 \
         AT(wall_us),                                                                                        \
         "122s",                                                                                             \
         INT64_C(1000000),                                                                                   \
         INT64_C(7202000000),                                                                                \
         "elapsed time of a compile or run step at most; twice MAX_CPU and 2s at least"},                    \
        {"RUNLOG_SANDBOX_MAX_MEMORY",                                                                        \
         RL_CONFIG_BYTES,                                                                                    \
         AT(memory_bytes),                                                                                   \
         "2GiB",                                                                                             \
         RL_BOUNDS_MEMORY_MIN,                                                                               \
         INT64_C(1) << 40,                                                                                   \
         "memory of a sandbox, its files included, at most"},                                                \
        {"RUNLOG_SANDBOX_MAX_OUTPUT",                                                                        \
         RL_CONFIG_BYTES,                                                                                    \
         AT(output_bytes),                                                                                   \
         "1MiB",                                                                                             \
         1024,                                                                                               \
         INT64_C(1) << 20,                                                                                   \
         "each of stdout, stderr and the compiler's output at most"},                                        \
        {"RUNLOG_SANDBOX_MAX_FILES",                                                                         \
         RL_CONFIG_BYTES,                                                                                    \
         AT(file_bytes),                                                                                     \
         "512MiB",                                                                                           \
         INT64_C(1) << 20,                                                                                   \
         INT64_C(64) << 30,                                                                                  \
         "size of the work folder at most"},                                                                 \
        {"RUNLOG_SANDBOX_MAX_PROCESSES",                                                                     \
         RL_CONFIG_INT,                                                                                      \
         AT(processes),                                                                                      \
         "256",                                                                                              \
         1,                                                                                                  \
         32768,                                                                                              \
         "processes and threads of a sandbox at most"},                                                      \
        {"RUNLOG_SANDBOX_MAX_STACK",                                                                         \
         RL_CONFIG_BYTES,                                                                                    \
         AT(stack_bytes),                                                                                    \
         "1GiB",                                                                                             \
         RL_BOUNDS_STACK_MIN,                                                                                \
         INT64_C(64) << 30,                                                                                  \
         "stack of a process at most"},                                                                      \
        {"RUNLOG_SANDBOX_MAX_OPEN_FILES",  RL_CONFIG_INT, AT(open_files), "1024", 64, 65536,                 \
         "open files of a process at most"}

/* What no bound of a single option says. false with INVALID: a wall limit that a program within its CPU limit would
 * meet on a busy host. */
bool rl_maxima_check(const rl_maxima *maxima, rl_error *err);

/* The maxima in the form of limits, both phases alike. */
rl_limits rl_maxima_limits(const rl_maxima *maxima);

/* The elapsed time that a phase with this CPU time gets at least: twice as much and 2 s. */
int64_t rl_bounds_least_wall_us(int64_t cpu_us);

/* `limits`, none of them above its maximum: what a language's defaults are under the operator's maxima. */
rl_limits rl_bounds_cut(const rl_limits *limits, const rl_limits *maxima);

#endif
