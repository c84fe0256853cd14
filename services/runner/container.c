#include "services/runner/container.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "lib/base/clock.h"

/* Above what distributions give to people and services; 64 Ki live containers on one Engine are enough. */
#define UID_FIRST 200000u
#define UID_COUNT 65536u
#define UID_TRIES 256
#define BODY_MAX ((size_t)1024 * 1024)
#define ANSWER_US (30 * RL_US_PER_S) /* of attach, and from the start to READY; a busy host takes its time */

/* Where the search for a free uid begins: anywhere, so that runners do not queue for the same ones. */
static uint32_t random_offset(void) {
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
        random = (uint32_t)rl_clock_us();
    }
    return random % UID_COUNT;
}

static bool try_uid(rl_engine *engine, const rl_container_spec *spec, uint32_t uid, rl_container *container,
                    rl_error *err) {
    rl_container_spec mine = *spec;
    mine.uid = uid;
    container->uid = uid;
    char name[32];
    snprintf(name, sizeof name, "runlog-uid-%u", uid);
    RL_AUTO_BUFFER rl_buffer body;
    rl_buffer_init(&body, BODY_MAX);
    return rl_container_spec_write(&mine, &body, err) &&
           rl_engine_create(engine, name, body.data, container->id, err);
}

static rl_container_status create(rl_engine *engine, const rl_container_spec *spec, rl_container *container,
                                  rl_error *err) {
    uint32_t offset = random_offset();
    for (uint32_t i = 0; i < UID_TRIES; i++) {
        rl_error failure = RL_ERROR_INIT;
        if (try_uid(engine, spec, UID_FIRST + (offset + i) % UID_COUNT, container, &failure)) {
            return RL_CONTAINER_READY;
        }
        container->id[0] = '\0';
        if (failure.code == 409) {
            continue;
        }
        if (err) {
            *err = failure;
        }
        if (failure.error_class == RL_TRANSIENT) {
            return RL_CONTAINER_TRANSIENT;
        }
        return failure.code == 404 ? RL_CONTAINER_NO_IMAGE : RL_CONTAINER_UNUSABLE;
    }
    rl_error_set(err, RL_TRANSIENT, EAGAIN, "no free user id among %d tried", UID_TRIES);
    return RL_CONTAINER_TRANSIENT;
}

static rl_container_status status_of(const rl_error *failure) {
    return failure->error_class == RL_TRANSIENT ? RL_CONTAINER_TRANSIENT : RL_CONTAINER_UNUSABLE;
}

static rl_container_status attach(rl_engine *engine, rl_container *container, rl_error *err) {
    rl_error failure = RL_ERROR_INIT;
    char version[RL_API_VERSION_SIZE];
    rl_engine_api_version(engine, version);
    rl_attach *stream =
        rl_attach_open(rl_engine_socket(engine), version, container->id, rl_clock_us() + ANSWER_US, &failure);
    container->link = stream ? rl_agent_link_new(stream, &failure) : NULL;
    if (!container->link && err) {
        *err = failure;
    }
    if (container->link) {
        return RL_CONTAINER_READY;
    }
    /* INVALID: it is gone, somebody has removed it. That says nothing about the image. */
    return failure.error_class == RL_TRANSIENT ? RL_CONTAINER_TRANSIENT : RL_CONTAINER_DIED;
}

static rl_container_status start(rl_engine *engine, rl_container *container, rl_error *err) {
    rl_error failure = RL_ERROR_INIT;
    if (rl_engine_start(engine, container->id, &failure)) {
        return RL_CONTAINER_READY;
    }
    if (err) {
        *err = failure;
    }
    /* 404 means the container, which somebody has removed; what is wrong with an image is a 400. Any other answer
     * is the Engine's inability to start this one, which must not look like an Engine that is away. */
    return failure.code == 404 || failure.code >= 500 ? RL_CONTAINER_DIED : status_of(&failure);
}

static rl_container_status check_ready(const rl_agent_message *message, rl_error *err) {
    if (message->type != RL_AGENT_READY) {
        rl_error_set(err, RL_INVALID, 0, "the agent began with frame %d instead of READY",
                     (int)message->type);
        return RL_CONTAINER_UNUSABLE;
    }
    if (message->ready.protocol_version != RL_AGENT_PROTOCOL_VERSION) {
        rl_error_set(
            err, RL_INVALID, 0,
            "the image's agent speaks protocol version %u, this runner %u: build both from one version",
            message->ready.protocol_version, RL_AGENT_PROTOCOL_VERSION);
        return RL_CONTAINER_UNUSABLE;
    }
    return RL_CONTAINER_READY;
}

static rl_container_status await_ready(rl_container *container, const rl_cancel_token *cancel,
                                       rl_error *err) {
    rl_agent_message message;
    rl_error failure = RL_ERROR_INIT;
    switch (rl_agent_link_next(container->link, cancel, rl_clock_us() + ANSWER_US, &message, &failure)) {
    case RL_LINK_MESSAGE:
        if (message.type == RL_AGENT_READY) {
            container->can_ping = (message.ready.accounting & RL_AGENT_CAN_PING) != 0;
            container->can_snapshot = (message.ready.accounting & RL_AGENT_CAN_SNAPSHOT) != 0;
        }
        container->can_prepare =
            message.type == RL_AGENT_READY && (message.ready.accounting & RL_AGENT_CAN_PREPARE) != 0;
        return check_ready(&message, err);
    case RL_LINK_CANCELLED:
        return RL_CONTAINER_CANCELLED;
    case RL_LINK_BROKEN:
        if (err) {
            *err = failure;
        }
        return status_of(&failure);
    case RL_LINK_ENDED:
        rl_error_set(err, RL_INVALID, 0, "the agent ended before it was ready: %s",
                     rl_agent_link_last_words(container->link));
        return RL_CONTAINER_DIED;
    case RL_LINK_SILENT:
        break;
    }
    rl_error_set(err, RL_TRANSIENT, ETIMEDOUT, "the agent did not say READY in time: %s",
                 rl_agent_link_last_words(container->link));
    return RL_CONTAINER_TRANSIENT;
}

/* The time since `*since_us`, which becomes now. */
static int64_t lap(int64_t *since_us) {
    int64_t now_us = rl_clock_us();
    int64_t elapsed_us = now_us - *since_us;
    *since_us = now_us;
    return elapsed_us;
}

rl_container_status rl_container_open(rl_engine *engine, const rl_container_spec *spec,
                                      const rl_cancel_token *cancel, rl_container *ret, rl_error *err) {
    *ret = (rl_container){
        .memory_bytes = spec->memory_bytes, .processes = spec->processes, .file_bytes = spec->file_bytes};
    int64_t since_us = rl_clock_us();
    rl_container_status status = create(engine, spec, ret, err);
    ret->create_us = lap(&since_us);
    if (status == RL_CONTAINER_READY) {
        status = attach(engine, ret, err);
        ret->attach_us = lap(&since_us);
    }
    if (status == RL_CONTAINER_READY) {
        status = start(engine, ret, err);
        ret->start_us = lap(&since_us);
    }
    if (status == RL_CONTAINER_READY) {
        status = await_ready(ret, cancel, err);
        ret->ready_us = lap(&since_us);
    }
    if (status != RL_CONTAINER_READY && status != RL_CONTAINER_CANCELLED) {
        rl_error_prefix(err, "cannot start a sandbox for %s", spec->language);
    }
    return status;
}

rl_container_status rl_container_set_limits(rl_engine *engine, rl_container *container, int64_t memory_bytes,
                                            int64_t processes, rl_error *err) {
    if (container->memory_bytes == memory_bytes && container->processes == processes) {
        return RL_CONTAINER_READY;
    }
    rl_error failure = RL_ERROR_INIT;
    if (rl_engine_set_limits(engine, container->id, memory_bytes, processes + 1, &failure)) {
        container->memory_bytes = memory_bytes;
        container->processes = processes;
        return RL_CONTAINER_READY;
    }
    if (err) {
        *err = failure;
    }
    if (failure.code == 0) {
        return RL_CONTAINER_TRANSIENT;
    }
    /* 409: it does not run any more. */
    return failure.code == 404 || failure.code == 409 ? RL_CONTAINER_DIED : RL_CONTAINER_UNUSABLE;
}

void rl_container_close(rl_container *container) {
    rl_agent_link_free(container->link);
    container->link = NULL;
}
