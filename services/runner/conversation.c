#include "services/runner/conversation.h"

#include <errno.h>

#include "lib/base/clock.h"

/* On top of a wall limit before the agent is given up. It kills and drains within milliseconds; the rest is
 * for hosts that are busy or were suspended. */
#define GRACE_US (15 * RL_US_PER_S)

/* For a PONG, on a host that is busy. Whoever does not answer in that time costs a container and no verdict. */
#define PONG_US (3 * RL_US_PER_S)

void rl_transcript_init(rl_transcript *transcript, int64_t output_bytes) {
    *transcript = (rl_transcript){.failed = 0};
    rl_buffer_init(&transcript->out.bytes, (size_t)output_bytes);
    rl_buffer_init(&transcript->err.bytes, (size_t)output_bytes);
    rl_buffer_init(&transcript->compile.bytes, (size_t)output_bytes);
}

void rl_transcript_free(rl_transcript *transcript) {
    rl_buffer_free(&transcript->out.bytes);
    rl_buffer_free(&transcript->err.bytes);
    rl_buffer_free(&transcript->compile.bytes);
}

static bool capture(rl_captured *captured, const rl_agent_output *output, rl_error *err) {
    size_t room = captured->bytes.limit - captured->bytes.size;
    size_t size = output->size < room ? output->size : room;
    captured->truncated |= size < output->size;
    if (!rl_buffer_append(&captured->bytes, output->data, size)) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for a program's output");
    }
    return true;
}

static rl_captured *destination(rl_transcript *transcript, const rl_agent_output *output) {
    if (output->phase == RL_AGENT_PHASE_COMPILE) {
        return &transcript->compile;
    }
    return output->stream == RL_AGENT_STDOUT ? &transcript->out : &transcript->err;
}

static bool send_job(const rl_subject *subject, rl_error *err) {
    rl_agent_job job;
    return rl_job_fill(subject->submission, subject->manifest, subject->limits, subject->container->uid,
                       subject->arena, &job, err) &&
           rl_agent_link_send_job(subject->container->link, &job, err);
}

static bool send_run(const rl_subject *subject, rl_error *err) {
    rl_agent_run run;
    return rl_job_fill_run(subject->submission, subject->manifest, subject->limits,
                           subject->container->memory_bytes, subject->arena, &run, err) &&
           rl_agent_link_send_run(subject->container->link, &run, err);
}

static bool memory_changes(const rl_subject *subject) {
    return subject->manifest->compile &&
           subject->container->memory_bytes != subject->limits->run.memory_bytes;
}

/* Gives the container the run's memory. The kernel may refuse to go below what is in use (cgroup v1); the
 * program then keeps what the compiler had: more than promised, never less. false where the container or the
 * Engine is away. */
static bool change_memory(const rl_subject *subject, rl_error *err) {
    rl_error failure = RL_ERROR_INIT;
    int64_t wanted = subject->limits->run.memory_bytes;
    rl_container_status status = rl_container_set_limits(subject->engine, subject->container, wanted,
                                                         subject->limits->processes, &failure);
    if (status == RL_CONTAINER_READY) {
        return true;
    }
    if (status != RL_CONTAINER_UNUSABLE || subject->container->memory_bytes < wanted) {
        failure.error_class = RL_TRANSIENT;
        if (err) {
            *err = failure;
        }
        return false;
    }
    if (subject->log) {
        rl_log(subject->log, RL_LOG_WARN, "sandbox.memory_kept", RL_S("id", subject->submission->id),
               RL_I("wanted_bytes", wanted), RL_I("kept_bytes", subject->container->memory_bytes),
               RL_S("class", rl_error_class_name(failure.error_class)), RL_S("error", failure.message));
    }
    return true;
}

static rl_talk_status status_of(const rl_error *failure, rl_error *err) {
    if (err) {
        *err = *failure;
    }
    return failure->error_class == RL_INVALID ? RL_TALK_REFUSED : RL_TALK_TRANSIENT;
}

/* Sends PING where it is wanted, JOB, and RUN as well where nothing has to happen in between. */
static rl_talk_status begin(const rl_subject *subject, rl_error *err) {
    rl_error failure = RL_ERROR_INIT;
    bool asks = subject->has_waited && subject->container->can_ping;
    bool sent = (!asks || rl_agent_link_send_ping(subject->container->link, &failure)) &&
                send_job(subject, &failure) && (memory_changes(subject) || send_run(subject, &failure));
    return sent ? RL_TALK_OPEN : status_of(&failure, err);
}

/* The kernel chose a victim for the host's sake. What the program would have done is anybody's guess. */
static rl_talk_status unfair(rl_error *err) {
    rl_error_set(err, RL_TRANSIENT, ENOMEM, "the host ran out of memory");
    return RL_TALK_UNFAIR;
}

/* What COMPILED asks for. DONE: the compile step failed and all is said. */
static rl_talk_status on_compiled(const rl_subject *subject, const rl_agent_result *result,
                                  rl_transcript *transcript, rl_error *err) {
    transcript->facts.compiled = true;
    transcript->facts.compile = *result;
    transcript->compile.truncated |= (result->flags & (RL_AGENT_HIT_STDOUT | RL_AGENT_HIT_STDERR)) != 0;
    if (rl_agent_result_is_hosts_fault(result)) {
        return unfair(err);
    }
    if (!rl_agent_result_is_success(result)) {
        return RL_TALK_DONE;
    }
    if (!memory_changes(subject)) {
        return RL_TALK_OPEN;
    }
    rl_error failure = RL_ERROR_INIT;
    if (!change_memory(subject, &failure) || !send_run(subject, &failure)) {
        return status_of(&failure, err);
    }
    return RL_TALK_OPEN;
}

static rl_talk_status on_done(const rl_agent_result *result, rl_transcript *transcript, rl_error *err) {
    transcript->facts.ran = true;
    transcript->facts.run = *result;
    transcript->out.truncated |= (result->flags & RL_AGENT_HIT_STDOUT) != 0;
    transcript->err.truncated |= (result->flags & RL_AGENT_HIT_STDERR) != 0;
    return rl_agent_result_is_hosts_fault(result) ? unfair(err) : RL_TALK_DONE;
}

static rl_talk_status on_error(const rl_agent_failure *failure, rl_transcript *transcript, rl_error *err) {
    transcript->failed = failure->code;
    transcript->failed_errno = failure->os_error;
    rl_error_set(err, RL_INVALID, (int)failure->os_error, "the agent failed: %s (errno %u)", failure->message,
                 failure->os_error);
    return RL_TALK_FAILED;
}

/* One frame. */
static rl_talk_status on_message(const rl_subject *subject, const rl_agent_message *message,
                                 rl_transcript *transcript, rl_error *err) {
    bool compiled = transcript->facts.compiled;
    switch (message->type) {
    case RL_AGENT_OUTPUT:
        return capture(destination(transcript, &message->output), &message->output, err) ? RL_TALK_OPEN
                                                                                         : RL_TALK_TRANSIENT;
    case RL_AGENT_COMPILED:
        if (!compiled) {
            return on_compiled(subject, &message->result, transcript, err);
        }
        break;
    case RL_AGENT_DONE:
        if (compiled) {
            return on_done(&message->result, transcript, err);
        }
        break;
    case RL_AGENT_ERROR:
        return on_error(&message->failure, transcript, err);
    case RL_AGENT_READY:
    case RL_AGENT_PING:
    case RL_AGENT_PREPARE:
    case RL_AGENT_PONG:
    case RL_AGENT_JOB:
    case RL_AGENT_RUN:
    case RL_AGENT_FILE:
    case RL_AGENT_SNAPSHOT:
        break;
    }
    transcript->failed = RL_AGENT_FAILURE_PROTOCOL;
    rl_error_set(err, RL_INVALID, 0, "the agent sent frame %d out of turn", (int)message->type);
    return RL_TALK_FAILED;
}

/* What the end of a conversation without DONE is called. */
static rl_talk_status cut_short(const rl_subject *subject, rl_link_status status, const rl_error *failure,
                                rl_error *err) {
    const char *last_words = rl_agent_link_last_words(subject->container->link);
    switch (status) {
    case RL_LINK_CANCELLED:
        return RL_TALK_CANCELLED;
    case RL_LINK_ENDED:
        rl_error_set(err, RL_TRANSIENT, 0, "the agent ended too early: %s", last_words);
        return RL_TALK_ENDED;
    case RL_LINK_SILENT:
        rl_error_set(err, RL_TRANSIENT, ETIMEDOUT, "the agent was silent past every limit: %s", last_words);
        return RL_TALK_SILENT;
    case RL_LINK_BROKEN:
    case RL_LINK_MESSAGE:
        break;
    }
    if (err) {
        *err = *failure;
    }
    return failure->error_class == RL_TRANSIENT ? RL_TALK_TRANSIENT : RL_TALK_FAILED;
}

/* Waits for the PONG. OPEN: it has come. */
static rl_talk_status await_sign_of_life(const rl_subject *subject, rl_error *err) {
    rl_agent_message message;
    rl_error failure = RL_ERROR_INIT;
    rl_link_status status = rl_agent_link_next(subject->container->link, subject->cancel,
                                               rl_clock_us() + PONG_US, &message, &failure);
    if (status == RL_LINK_MESSAGE && message.type == RL_AGENT_PONG) {
        return RL_TALK_OPEN;
    }
    if (status == RL_LINK_CANCELLED) {
        return RL_TALK_CANCELLED;
    }
    rl_error_set(err, RL_TRANSIENT, 0, "a container that had waited gave no sign of life");
    return RL_TALK_MUTE;
}

/* How long a phase may be silent. */
static int64_t patience_us(int64_t wall_us) {
    const int64_t most_us = INT64_C(24) * 3600 * RL_US_PER_S; /* no operator's maximum comes near */
    return (wall_us < most_us ? wall_us : most_us) * (1 + RL_AGENT_STARVATION_MAX) + GRACE_US;
}

/* How long each of the two phases took from here, once its last frame has come. */
static void note_times(rl_transcript *transcript, int64_t *since_us) {
    int64_t *phase_us = transcript->facts.ran ? &transcript->ran_us : &transcript->compiled_us;
    if (transcript->facts.compiled && *phase_us == 0) {
        int64_t now_us = rl_clock_us();
        *phase_us = now_us - *since_us;
        *since_us = now_us;
    }
}

rl_talk_status rl_converse(const rl_subject *subject, rl_transcript *transcript, rl_error *err) {
    int64_t since_us = rl_clock_us();
    rl_talk_status status = begin(subject, err);
    if (status == RL_TALK_OPEN && subject->has_waited && subject->container->can_ping) {
        status = await_sign_of_life(subject, err);
    }
    if (status != RL_TALK_OPEN) {
        return status;
    }
    transcript->facts.had_compile_step = subject->manifest->compile != NULL;
    transcript->facts.program_is_users = rl_job_program_is_users(subject->manifest);
    int64_t compile_us = subject->manifest->compile ? subject->limits->compile.wall_us : 0;
    int64_t deadline_us = rl_clock_us() + patience_us(compile_us);
    for (;;) {
        rl_agent_message message;
        rl_error failure = RL_ERROR_INIT;
        rl_link_status link_status =
            rl_agent_link_next(subject->container->link, subject->cancel, deadline_us, &message, &failure);
        if (link_status != RL_LINK_MESSAGE) {
            return cut_short(subject, link_status, &failure, err);
        }
        bool was_compiled = transcript->facts.compiled;
        status = on_message(subject, &message, transcript, err);
        note_times(transcript, &since_us);
        if (status != RL_TALK_OPEN) {
            return status;
        }
        if (transcript->facts.compiled && !was_compiled) {
            deadline_us = rl_clock_us() + patience_us(subject->limits->run.wall_us);
        }
    }
}
