/* container_spec.h: the body of POST /containers/create, where most of the sandbox's promise is written down.
 *
 * What it says, and why, in the order of the code:
 *   - the agent of the image is PID 1 as uid 0 without any capability but those to become another uid and to
 *     kill; it cannot gain others (no-new-privileges), and the user's code runs as a uid of its own
 *   - its channel is standard input and output; StdinOnce, or closing one direction would close both
 *   - no network, twice: NetworkDisabled spares the Engine a network sandbox and half the time of a start
 *   - private IPC, cgroup and process namespaces; no pseudo-terminals
 *   - nothing is writable but three tmpfs that belong to the user: the work folder, /tmp and a small /dev/shm
 *   - whatever the image says: the agent is what starts, and no health check of the image's runs beside it
 *   - memory without swap, processes, one CPU
 *   - rlimits: the ceilings of all jobs, the same for every container. The agent lowers them to what a job may
 *     have, so that no job's limits, however odd, make a container that cannot start
 *   - no log file: the Engine would write the program's output to disk a second time
 *
 * Pure. Thread: any.
 */
#ifndef RL_RUNNER_CONTAINER_SPEC_H
#define RL_RUNNER_CONTAINER_SPEC_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/codec/limits.h"
#include "lib/manifest/bounds.h"

#define RL_SANDBOX_WORK_DIR "/box"
#define RL_SANDBOX_TEMP_DIR "/tmp"
/* What the API holds requests to, and a runner whatever a record says. */
#define RL_SANDBOX_MEMORY_MIN RL_BOUNDS_MEMORY_MIN

#define RL_SANDBOX_PROCESSES_MIN 32 /* the Engine's own runtime has threads of its own while it starts one */
#define RL_SANDBOX_FILES_MIN RL_BOUNDS_FILES_MIN
#define RL_SANDBOX_STACK_MIN RL_BOUNDS_STACK_MIN
#define RL_SANDBOX_OPEN_FILES_MIN RL_BOUNDS_OPEN_FILES_MIN

/* Where the operator sets no ceiling. */
#define RL_SANDBOX_STACK_MAX (INT64_C(1024) * 1024 * 1024)
#define RL_SANDBOX_FILE_MAX (INT64_C(1) << 40)
#define RL_SANDBOX_OPEN_FILES_MAX 4096

#define RL_LABEL_PROJECT "runlog.project"
#define RL_LABEL_RUNNER "runlog.runner"
#define RL_LABEL_LANGUAGE "runlog.lang"

typedef struct {
    const char *image;   /* name or id */
    const char *project; /* labels, by which orphans are found */
    const char *runner;
    const char *language;
    const char *runtime;  /* "": the Engine's default */
    const char *seccomp;  /* profile, JSON */
    const char *apparmor; /* name of a profile; NULL or "": the Engine's own */
    uint32_t uid;         /* of the user's code, and its gid */
    int64_t memory_bytes; /* at least RL_SANDBOX_MEMORY_MIN */
    int64_t processes;    /* of the user; the agent is one more. At least RL_SANDBOX_PROCESSES_MIN */
    int64_t file_bytes;   /* size of the work folder */
    rl_limits ceilings;   /* of any job: what no limit inside can be raised above */
} rl_container_spec;

/* Appends the JSON body to `out`. false with TRANSIENT when memory is short. */
bool rl_container_spec_write(const rl_container_spec *spec, rl_buffer *out, rl_error *err);

#endif
