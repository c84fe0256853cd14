/* conversation_send.c: what the agent is told. */
#include "services/runner/conversation_parts.h"

rl_talk_status rl_talk_status_of(const rl_error *failure, rl_error *err) {
    if (err) {
        *err = *failure;
    }
    return failure->error_class == RL_INVALID ? RL_TALK_REFUSED : RL_TALK_TRANSIENT;
}

static bool send_job(const rl_subject *subject, rl_error *err) {
    rl_agent_job job;
    if (!rl_job_fill(subject->submission, subject->manifest, subject->limits, subject->container->uid,
                     subject->arena, &job, err)) {
        return false;
    }
    if (subject->compiled) {
        rl_job_restore(&job, rl_compiled_snapshot(subject->compiled));
    }
    job.snapshot_bytes = (int64_t)subject->snapshot_bytes;
    return rl_agent_link_send_job(subject->container->link, &job, err);
}

/* `start` is NULL for the one run of a submission without tests. */
static bool send_run(const rl_subject *subject, const rl_test_start *start, rl_error *err) {
    rl_agent_run run;
    return rl_job_fill_run(subject->submission, subject->manifest, subject->limits, start,
                           subject->container->memory_bytes, subject->arena, &run, err) &&
           rl_agent_link_send_run(subject->container->link, &run, err);
}

rl_talk_status rl_talk_send_runs(rl_talk *talk, rl_error *err) {
    rl_error failure = RL_ERROR_INIT;
    rl_test_start start;
    bool ok = true;
    if (!talk->transcript->judging) {
        ok = talk->run_sent || send_run(talk->subject, NULL, &failure);
        talk->run_sent = true;
    } else {
        while (ok && rl_judging_start(talk->transcript->judging, &start)) {
            ok = send_run(talk->subject, &start, &failure);
        }
    }
    return ok ? RL_TALK_OPEN : rl_talk_status_of(&failure, err);
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

rl_talk_status rl_talk_begin(rl_talk *talk, rl_error *err) {
    const rl_subject *subject = talk->subject;
    rl_error failure = RL_ERROR_INIT;
    bool asks = subject->has_waited && subject->container->can_ping;
    if ((asks && !rl_agent_link_send_ping(subject->container->link, &failure)) ||
        !send_job(subject, &failure)) {
        return rl_talk_status_of(&failure, err);
    }
    return memory_changes(subject) ? RL_TALK_OPEN : rl_talk_send_runs(talk, err);
}

rl_talk_status rl_talk_compiled(rl_talk *talk, rl_error *err) {
    rl_error failure = RL_ERROR_INIT;
    if (memory_changes(talk->subject) && !change_memory(talk->subject, &failure)) {
        return rl_talk_status_of(&failure, err);
    }
    return rl_talk_send_runs(talk, err);
}
