#include "services/runner/prestart.h"

#include <errno.h>

#include "lib/base/clock.h"
#include "services/runner/job.h"

#define ANSWER_US (10 * RL_US_PER_S)

static rl_container_status await_pong(rl_container *container, rl_error *err) {
    rl_agent_message message;
    rl_error failure = RL_ERROR_INIT;
    switch (rl_agent_link_next(container->link, NULL, rl_clock_us() + ANSWER_US, &message, &failure)) {
    case RL_LINK_MESSAGE:
        if (message.type == RL_AGENT_PONG) {
            return RL_CONTAINER_READY;
        }
        rl_error_set(err, RL_INVALID, 0, "the agent does not start what its language prestarts");
        return RL_CONTAINER_DIED;
    case RL_LINK_ENDED:
        rl_error_set(err, RL_TRANSIENT, 0, "the agent ended while it waited: %s",
                     rl_agent_link_last_words(container->link));
        return RL_CONTAINER_DIED;
    case RL_LINK_SILENT:
        rl_error_set(err, RL_TRANSIENT, ETIMEDOUT, "the agent did not answer in time");
        return RL_CONTAINER_TRANSIENT;
    case RL_LINK_BROKEN:
    case RL_LINK_CANCELLED:
        break;
    }
    if (err) {
        *err = failure;
    }
    return RL_CONTAINER_TRANSIENT;
}

rl_container_status rl_prestart(rl_container *container, const rl_manifest *manifest, const rl_limits *limits,
                                rl_error *err) {
    if (manifest->prestart_count == 0 || !container->can_prepare || !container->can_ping) {
        return RL_CONTAINER_READY;
    }
    rl_agent_job job;
    /* The PONG says that the agent has taken it up. */
    if (!rl_job_fill_preparation(manifest, limits, container->uid, container->memory_bytes, &job, err) ||
        !rl_agent_link_send_preparation(container->link, &job, err) ||
        !rl_agent_link_send_ping(container->link, err)) {
        return RL_CONTAINER_TRANSIENT;
    }
    return await_pong(container, err);
}
