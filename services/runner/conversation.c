/* conversation.c: what the agent says, and what follows from it. */
#include "services/runner/conversation.h"

#include <errno.h>

#include "lib/base/clock.h"
#include "services/runner/conversation_parts.h"

/* On top of a wall limit before the agent is given up. It kills and drains within milliseconds; the rest is
 * for hosts that are busy or were suspended. */
#define GRACE_US (15 * RL_US_PER_S)

/* For a PONG, on a host that is busy. Whoever does not answer in that time costs a container and no verdict. */
#define PONG_US (3 * RL_US_PER_S)

/* How long a step may be silent. */
static int64_t patience_us(int64_t wall_us) {
    const int64_t most_us = INT64_C(24) * 3600 * RL_US_PER_S; /* no operator's maximum comes near */
    return (wall_us < most_us ? wall_us : most_us) * (1 + RL_AGENT_STARVATION_MAX) + GRACE_US;
}

/* A run begins now, as far as the watch is concerned. */
static void await_run(rl_talk *talk) {
    talk->deadline_us = rl_clock_us() + patience_us(talk->subject->limits->run.wall_us);
}

/* The kernel chose a victim for the host's sake. What the program would have done is anybody's guess. */
static rl_talk_status unfair(rl_error *err) {
    rl_error_set(err, RL_TRANSIENT, ENOMEM, "the host ran out of memory");
    return RL_TALK_UNFAIR;
}

static rl_talk_status nonsense(rl_talk *talk, const char *what, rl_error *err) {
    talk->transcript->failed = RL_AGENT_FAILURE_PROTOCOL;
    rl_error_set(err, RL_INVALID, 0, "the agent sent %s out of turn", what);
    return RL_TALK_FAILED;
}

/* ---- what it says ---- */

/* How long the step that has just ended took. */
static int64_t lap_us(rl_talk *talk) {
    int64_t now_us = rl_clock_us();
    int64_t took_us = now_us - talk->since_us;
    talk->since_us = now_us;
    return took_us;
}

/* DONE: the compile step failed and all is said. */
static rl_talk_status on_compiled(rl_talk *talk, const rl_agent_result *result, rl_error *err) {
    rl_transcript *transcript = talk->transcript;
    transcript->facts.compiled = true;
    transcript->facts.compile = *result;
    transcript->compiled_us = lap_us(talk);
    transcript->compile.truncated |= (result->flags & (RL_AGENT_HIT_STDOUT | RL_AGENT_HIT_STDERR)) != 0;
    if (rl_agent_result_is_hosts_fault(result)) {
        return unfair(err);
    }
    if (!rl_agent_result_is_success(result)) {
        return RL_TALK_DONE;
    }
    await_run(talk);
    return rl_talk_compiled(talk, err);
}

/* One of several tests has ended. */
static rl_talk_status on_test(rl_talk *talk, rl_error *err) {
    rl_transcript *transcript = talk->transcript;
    rl_error failure = RL_ERROR_INIT;
    if (!rl_judging_note(transcript->judging, &transcript->facts, &transcript->out, &transcript->err,
                         &failure)) {
        return rl_talk_status_of(&failure, err);
    }
    if (rl_judging_is_over(transcript->judging)) {
        return RL_TALK_DONE;
    }
    transcript->facts.ran = false; /* of the next one nothing is known yet */
    rl_fetched_begin(&transcript->fetched);
    await_run(talk);
    return rl_talk_send_runs(talk, err);
}

static uint32_t current_index(const rl_talk *talk) {
    const rl_judging *judging = talk->transcript->judging;
    return judging ? (uint32_t)rl_judging_current(judging) : 0;
}

static rl_talk_status on_done(rl_talk *talk, const rl_agent_result *result, rl_error *err) {
    rl_transcript *transcript = talk->transcript;
    if (result->index != current_index(talk)) {
        return nonsense(talk, "the end of another run", err);
    }
    transcript->facts.ran = true;
    transcript->facts.run = *result;
    transcript->out.truncated |= (result->flags & RL_AGENT_HIT_STDOUT) != 0;
    transcript->err.truncated |= (result->flags & RL_AGENT_HIT_STDERR) != 0;
    transcript->ran_us += lap_us(talk);
    if (rl_agent_result_is_hosts_fault(result)) {
        return unfair(err);
    }
    return transcript->judging ? on_test(talk, err) : RL_TALK_DONE;
}

static rl_talk_status on_output(rl_talk *talk, const rl_agent_output *output, rl_error *err) {
    rl_transcript *transcript = talk->transcript;
    rl_captured *captured = output->stream == RL_AGENT_STDOUT ? &transcript->out : &transcript->err;
    if (output->phase == RL_AGENT_PHASE_COMPILE) {
        captured = &transcript->compile;
    } else if (output->index != current_index(talk)) {
        return nonsense(talk, "the output of another run", err);
    }
    return rl_captured_add(captured, rl_bytes_make(output->data, output->size), err) ? RL_TALK_OPEN
                                                                                     : RL_TALK_TRANSIENT;
}

static rl_talk_status on_file(rl_talk *talk, const rl_agent_piece *piece, rl_error *err) {
    rl_error failure = RL_ERROR_INIT;
    if (rl_fetched_add(&talk->transcript->fetched, piece, &failure)) {
        return RL_TALK_OPEN;
    }
    return failure.error_class == RL_INVALID ? nonsense(talk, "a piece of a file", err)
                                             : rl_talk_status_of(&failure, err);
}

/* A piece of the snapshot. That it cannot be kept costs a compile step later, and no result. */
static rl_talk_status on_snapshot(rl_talk *talk, const rl_agent_piece *piece, rl_error *err) {
    rl_transcript *transcript = talk->transcript;
    if (transcript->has_snapshot || talk->subject->snapshot_bytes == 0) {
        return nonsense(talk, "a piece of a snapshot", err);
    }
    transcript->lacks_snapshot |= piece->status != RL_AGENT_PIECE_OK ||
                                  !rl_buffer_append(&transcript->snapshot, piece->data, piece->size);
    transcript->has_snapshot = piece->last && !transcript->lacks_snapshot;
    talk->since_us = rl_clock_us(); /* no part of the run's time */
    return RL_TALK_OPEN;
}

static rl_talk_status on_error(rl_talk *talk, const rl_agent_failure *failure, rl_error *err) {
    talk->transcript->failed = failure->code;
    talk->transcript->failed_errno = failure->os_error;
    if (failure->code == RL_AGENT_FAILURE_ARCHIVE) { /* the submitter's fault, which `os_error` points at */
        rl_error_set(err, RL_INVALID, 0, "%s", failure->message);
    } else {
        rl_error_set(err, RL_INVALID, (int)failure->os_error, "the agent failed: %s (errno %u)",
                     failure->message, failure->os_error);
    }
    return RL_TALK_FAILED;
}

/* One frame. */
static rl_talk_status on_message(rl_talk *talk, const rl_agent_message *message, rl_error *err) {
    bool compiled = talk->transcript->facts.compiled;
    if (message->type == RL_AGENT_OUTPUT) {
        return on_output(talk, &message->output, err);
    }
    if (message->type == RL_AGENT_COMPILED && !compiled) {
        return on_compiled(talk, &message->result, err);
    }
    if (message->type == RL_AGENT_FILE && compiled) {
        return on_file(talk, &message->piece, err);
    }
    if (message->type == RL_AGENT_SNAPSHOT && compiled) {
        return on_snapshot(talk, &message->piece, err);
    }
    if (message->type == RL_AGENT_DONE && compiled) {
        return on_done(talk, &message->result, err);
    }
    if (message->type == RL_AGENT_ERROR) {
        return on_error(talk, &message->failure, err);
    }
    char what[32];
    snprintf(what, sizeof what, "frame %d", (int)message->type);
    return nonsense(talk, what, err);
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

/* ---- from the first word to the last ---- */

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

/* What is known before anything is said. */
static bool prepare(const rl_subject *subject, rl_transcript *transcript, rl_error *err) {
    transcript->facts.had_compile_step = subject->manifest->compile != NULL && !subject->compiled;
    transcript->facts.program_is_users = rl_job_program_is_users(subject->manifest);
    rl_buffer_init(&transcript->snapshot, subject->snapshot_bytes);
    if (subject->compiled) {
        transcript->compile.truncated = rl_compiled_output_truncated(subject->compiled);
        if (!rl_captured_add(&transcript->compile, rl_compiled_output(subject->compiled), err)) {
            return false;
        }
    }
    if (subject->submission->test_count == 0) {
        return true;
    }
    transcript->judging =
        rl_judging_new(subject->submission, &subject->limits->run, subject->limits->output_bytes, err);
    return transcript->judging != NULL;
}

/* Everything up to the last DONE. */
static rl_talk_status listen(rl_talk *talk, rl_error *err) {
    const rl_subject *subject = talk->subject;
    rl_talk_status status = RL_TALK_OPEN;
    while (status == RL_TALK_OPEN) {
        rl_agent_message message;
        rl_error failure = RL_ERROR_INIT;
        rl_link_status link_status = rl_agent_link_next(subject->container->link, subject->cancel,
                                                        talk->deadline_us, &message, &failure);
        status = link_status == RL_LINK_MESSAGE ? on_message(talk, &message, err)
                                                : cut_short(subject, link_status, &failure, err);
    }
    return status;
}

rl_talk_status rl_converse(const rl_subject *subject, rl_transcript *transcript, rl_error *err) {
    rl_talk talk = {.subject = subject, .transcript = transcript, .since_us = rl_clock_us()};
    rl_error failure = RL_ERROR_INIT;
    if (!prepare(subject, transcript, &failure)) {
        return rl_talk_status_of(&failure, err);
    }
    rl_talk_status status = rl_talk_begin(&talk, err);
    if (status == RL_TALK_OPEN && subject->has_waited && subject->container->can_ping) {
        status = await_sign_of_life(subject, err);
    }
    if (status == RL_TALK_OPEN) {
        talk.deadline_us =
            rl_clock_us() +
            patience_us(rl_job_first_wall_us(subject->submission, subject->manifest, subject->limits));
        status = listen(&talk, err);
    }
    return status;
}
