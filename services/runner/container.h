/* container.h: one started container with an agent that is ready, from its creation to its end.
 *
 * The container's name, runlog-uid-N, is the claim to user id N: names are unique on an Engine, so whoever
 * creates it owns the uid among all runners and all stacks that share the Engine, and per-uid quotas of the
 * kernel (inotify, pipes, pending signals) are never shared between two submissions.
 *
 * Thread: a container belongs to one thread at a time; different ones are independent.
 */
#ifndef RL_RUNNER_CONTAINER_H
#define RL_RUNNER_CONTAINER_H

#include "services/runner/agent_link.h"
#include "services/runner/container_spec.h"
#include "services/runner/engine.h"

typedef struct {
    char id[RL_CONTAINER_ID_SIZE]; /* "": nothing has been created */
    uint32_t uid;
    rl_agent_link *link;  /* NULL until attached */
    int64_t memory_bytes; /* the limits that it has now */
    int64_t processes;
    int64_t file_bytes;
    bool can_ping; /* the agent says so */
    bool can_snapshot;
    bool can_prepare;
    int64_t create_us; /* what each step took */
    int64_t attach_us;
    int64_t start_us;
    int64_t ready_us;
} rl_container;

typedef enum {
    RL_CONTAINER_READY,
    RL_CONTAINER_TRANSIENT, /* the Engine is away or short of something */
    RL_CONTAINER_NO_IMAGE,  /* the spec's image does not exist */
    RL_CONTAINER_UNUSABLE,  /* it cannot be started, or says something else than READY in our version */
    RL_CONTAINER_DIED, /* it did not start, or ended before READY: a bad image, the Engine going down, a kill */
    RL_CONTAINER_CANCELLED,
} rl_container_status;

/* Creates, attaches, starts, and waits for READY. `spec->uid` is ignored: a free one is chosen. Whatever is
 * returned, `ret` is to be released with rl_container_close and its id, unless "", removed by the caller. */
rl_container_status rl_container_open(rl_engine *engine, const rl_container_spec *spec,
                                      const rl_cancel_token *cancel, rl_container *ret, rl_error *err);

/* Gives a started container other limits, unless it has them already. READY, TRANSIENT, or DIED; UNUSABLE where the kernel
 * refuses (a memory limit below what is in use): it keeps those that it has. */
rl_container_status rl_container_set_limits(rl_engine *engine, rl_container *container, int64_t memory_bytes,
                                            int64_t processes, rl_error *err);

/* Closes the stream, so that an agent that still runs ends. The container itself stays until it is removed. */
void rl_container_close(rl_container *container);

#define RL_AUTO_CONTAINER RL_CLEANUP(rl_container_close)

#endif
