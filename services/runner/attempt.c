/* attempt.c: one container's part in a run. */
#include <errno.h>

#include "lib/base/clock.h"
#include "services/runner/sandbox_parts.h"

#define END_US (5 * RL_US_PER_S)

/* How an agent that is told to stop, or whose runner goes away, ends (sandbox/agent/main.c). */
#define EXIT_STOPPED 1

/* Whether the compile step has had less memory than it may have, so that its failure need not be its own: something
 * was killed; it ended with more than the 1 that compilers say about a program (a virtual machine fits itself to
 * the container and says 3 when that is too small); or it ran out of time with so much memory in use that little
 * was left for its own files to stay in. */
static bool is_starved(const rl_run *r, const rl_container *container, const rl_transcript *transcript) {
    const rl_agent_result *compile = &transcript->facts.compile;
    bool ours = (compile->flags & RL_AGENT_KILLED_BY_US) != 0;
    bool late = (compile->flags & (RL_AGENT_HIT_CPU | RL_AGENT_HIT_WALL)) != 0;
    bool suspicious = compile->oom_kills > 0 || (compile->term_signal != 0 && !ours) ||
                      compile->exit_code > 1 ||
                      (late && compile->memory_peak_bytes > container->memory_bytes / 2);
    return transcript->facts.had_compile_step && container->memory_bytes < r->limits.compile.memory_bytes &&
           (!transcript->facts.compiled || suspicious);
}

/* The agent ended without a result, or fell silent. The kernel's memory killer may have taken it along with the
 * program, which is a verdict. That somebody stopped it, or that the Engine went away, is no try of the
 * program's. Anything else is nobody's doing that we know of. */
static rl_try_status explain_loss(const rl_run *r, const rl_container *container, rl_talk_status talk,
                                  rl_transcript *transcript, rl_error *err) {
    rl_engine *engine = rl_supply_engine(r->sandbox->supply);
    rl_engine_state state;
    rl_error failure = RL_ERROR_INIT;
    /* An agent that was given up for its silence still runs; then the wait times out, and its state is no end. */
    bool known = rl_engine_wait_stopped(engine, container->id, END_US, &failure) &&
                 rl_engine_container_state(engine, container->id, &state, &failure);
    if (known && state.oom_killed) {
        if (is_starved(r, container, transcript)) {
            return RL_TRY_STARVED;
        }
        return rl_transcript_killed_for_memory(transcript, err) ? RL_TRY_JUDGED : RL_TRY_TRANSIENT;
    }
    if (known && state.exit_code == EXIT_STOPPED) {
        return RL_TRY_UNFAIR; /* an Engine that shuts down, or somebody who stops containers, maybe always this one's */
    }
    bool engine_left = !known && failure.code == 0 && talk == RL_TALK_ENDED;
    if (engine_left || (!known && failure.code == 0 && !rl_engine_ping(engine, NULL))) {
        return RL_TRY_TRANSIENT;
    }
    rl_metric_add(r->sandbox->lost, 1);
    if (r->sandbox->log) {
        rl_log(r->sandbox->log, RL_LOG_WARN, "sandbox.lost", RL_S("id", r->submission->id),
               RL_S("class", rl_error_class_name(err->error_class)), RL_S("error", err->message),
               RL_I("exit_code", known ? state.exit_code : -1));
    }
    return RL_TRY_LOST;
}

/* Where a compiler would say what it dislikes. */
static rl_try_status tell_submitter(rl_transcript *transcript, rl_bytes text, rl_error *err) {
    rl_captured_clear(&transcript->compile);
    return rl_captured_add(&transcript->compile, text, err) ? RL_TRY_JUDGED : RL_TRY_TRANSIENT;
}

/* An archive that cannot be unpacked: its submitter is told which. */
static rl_try_status explain_archive(const rl_run *r, rl_transcript *transcript, rl_error *err) {
    size_t index = rl_job_file_index(r->submission, transcript->failed_errno);
    char text[sizeof err->message + 32];
    int size = snprintf(text, sizeof text, "files[%zu]: %s\n", index, err->message);
    return tell_submitter(transcript, rl_bytes_make(text, (size_t)size), err);
}

/* The files of the job, or those that a test is to find again. What the tests before it came to is kept. */
static rl_try_status explain_files(rl_transcript *transcript, rl_error *err) {
    if (rl_transcript_files_do_not_fit(transcript)) {
        return tell_submitter(transcript, rl_bytes_of("the files do not fit into the work folder\n"), err);
    }
    const char *unkept = rl_transcript_cannot_keep(transcript);
    if (unkept) {
        return tell_submitter(transcript, rl_bytes_of(unkept), err);
    }
    if (rl_transcript_cannot_restore(transcript)) {
        return rl_transcript_killed_for_memory(transcript, err) ? RL_TRY_JUDGED : RL_TRY_TRANSIENT;
    }
    return RL_TRY_FAILED;
}

/* The agent's own words decide whether another container would do better. */
static rl_try_status explain_failure(const rl_run *r, rl_transcript *transcript, rl_error *err) {
    switch (transcript->failed) {
    case RL_AGENT_FAILURE_SYSTEM:
    case RL_AGENT_FAILURE_STUCK:
        return RL_TRY_LOST;
    case RL_AGENT_FAILURE_FILES:
        return explain_files(transcript, err);
    case RL_AGENT_FAILURE_ARCHIVE:
        return explain_archive(r, transcript, err);
    case RL_AGENT_FAILURE_PROTOCOL:
    case RL_AGENT_FAILURE_UNSUPPORTED:
        break;
    }
    return RL_TRY_FAILED;
}

static rl_try_status explain(const rl_run *r, const rl_container *container, rl_talk_status talk,
                             rl_transcript *transcript, rl_error *err) {
    switch (talk) {
    case RL_TALK_DONE:
        return is_starved(r, container, transcript) ? RL_TRY_STARVED : RL_TRY_JUDGED;
    case RL_TALK_ENDED:
    case RL_TALK_SILENT:
        return explain_loss(r, container, talk, transcript, err);
    case RL_TALK_MUTE:
        return RL_TRY_MUTE;
    case RL_TALK_UNFAIR: /* again when the host has had time to recover */
        return RL_TRY_UNFAIR;
    case RL_TALK_FAILED:
        return explain_failure(r, transcript, err);
    case RL_TALK_REFUSED:
        return RL_TRY_FAILED;
    case RL_TALK_CANCELLED:
        return RL_TRY_CANCELLED;
    case RL_TALK_TRANSIENT:
    case RL_TALK_OPEN:
        break;
    }
    return RL_TRY_TRANSIENT;
}

/* ---- what is known of the compile step ---- */

typedef struct {
    bool in_use; /* the cache has a say in this */
    rl_compile_key key;
    rl_compiled *compiled; /* NULL: not known yet */
} known_step;

/* Whatever goes wrong here costs a compile step. */
static void look_up(const rl_run *r, const rl_container *container, known_step *ret) {
    rl_compile_cache *cache = r->sandbox->compile_cache;
    rl_agent_job job;
    if (!cache || r->uncached || !r->manifest->compile || !container->can_snapshot ||
        !rl_job_fill(r->submission, r->manifest, &r->limits, container->uid, r->arena, &job, NULL) ||
        !rl_compile_key_make(r->image, r->submission->lang, r->submission->tenant, &job, &ret->key, NULL)) {
        return;
    }
    ret->in_use = true;
    ret->compiled = rl_compile_cache_find(cache, &ret->key);
}

static void remember(const rl_run *r, const known_step *step, const rl_transcript *transcript) {
    /* After an ERROR the compiler's output may have given way to what the submitter is told instead. */
    if (step->in_use && !step->compiled && transcript->has_snapshot && transcript->failed == 0) {
        rl_compile_cache_put(r->sandbox->compile_cache, &step->key, rl_buffer_bytes(&transcript->snapshot),
                             rl_buffer_bytes(&transcript->compile.bytes), transcript->compile.truncated);
    }
}

/* Whether it is the cache's fault: what it gave did not even become a work folder, for another reason than that the
 * submission asked for too small a one. */
static bool is_stale(const known_step *step, rl_try_status status, const rl_transcript *transcript) {
    return step->compiled && !transcript->facts.compiled && !rl_transcript_files_do_not_fit(transcript) &&
           (status == RL_TRY_JUDGED || status == RL_TRY_LOST || status == RL_TRY_FAILED);
}

static rl_try_status converse(rl_run *r, rl_supplied *supplied, rl_transcript *transcript, rl_error *err) {
    rl_container *container = &supplied->container;
    known_step step = {.in_use = false};
    look_up(r, container, &step);
    rl_subject subject = {
        .engine = rl_supply_engine(r->sandbox->supply),
        .container = container,
        .submission = r->submission,
        .manifest = r->manifest,
        .limits = &r->limits,
        .cancel = r->cancel,
        .compiled = step.compiled,
        .arena = r->arena,
        .log = r->sandbox->log,
        .has_waited = supplied->is_warm,
    };
    if (step.in_use && !step.compiled) {
        subject.snapshot_bytes = rl_compile_cache_entry_max(r->sandbox->compile_cache);
    }
    rl_talk_status talk = rl_converse(&subject, transcript, err);
    rl_try_status status = explain(r, container, talk, transcript, err);
    if (is_stale(&step, status, transcript)) {
        rl_compile_cache_drop(r->sandbox->compile_cache, &step.key);
        status = RL_TRY_STALE;
    }
    remember(r, &step, transcript);
    rl_compiled_release(step.compiled);
    return status;
}

/* The memory with which a job begins. A compile step that may have more than the run begins with the run's: most
 * never need more, and to change it in between costs more than some compilers take. One that turns out to be
 * short of it is repeated with its own. */
static int64_t first_memory(const rl_run *r) {
    const rl_limits *limits = &r->limits;
    bool compiles = r->manifest->compile != NULL;
    bool own = compiles && (r->starved || limits->compile.memory_bytes < limits->run.memory_bytes);
    return own ? limits->compile.memory_bytes : limits->run.memory_bytes;
}

static rl_try_status acquire(rl_run *r, rl_supplied *ret, rl_error *err) {
    const rl_order order = {
        .manifest = r->manifest,
        .limits = &r->limits,
        .memory_bytes = first_memory(r),
        .cold = r->cold,
        .cancel = r->cancel,
    };
    rl_container_status status = rl_supply_take(r->sandbox->supply, &order, ret, err);
    memcpy(r->image, ret->image, sizeof r->image);
    switch (status) {
    case RL_CONTAINER_READY:
        return RL_TRY_JUDGED;
    case RL_CONTAINER_TRANSIENT:
        return RL_TRY_TRANSIENT;
    case RL_CONTAINER_DIED:
        return ret->is_warm ? RL_TRY_MUTE : RL_TRY_DIED;
    case RL_CONTAINER_NO_IMAGE:
    case RL_CONTAINER_UNUSABLE:
        return RL_TRY_NO_IMAGE;
    case RL_CONTAINER_CANCELLED:
        break;
    }
    return RL_TRY_CANCELLED;
}

rl_try_status rl_run_try(rl_run *r, rl_transcript *transcript, rl_error *err) {
    rl_supplied supplied = {.is_warm = false};
    rl_try_status status = acquire(r, &supplied, err);
    if (status != RL_TRY_JUDGED) {
        return status;
    }
    int64_t begin_us = rl_clock_us();
    r->started_us = rl_wall_clock_us();
    rl_supply_begin_program(r->sandbox->supply);
    status = converse(r, &supplied, transcript, err);
    rl_supply_end_program(r->sandbox->supply);
    rl_metric_observe_us(r->sandbox->job_time, rl_clock_us() - begin_us);
    if (transcript->facts.compiled && transcript->facts.had_compile_step) {
        rl_metric_observe_us(r->sandbox->compile_time, transcript->compiled_us);
    }
    if (transcript->facts.ran) {
        rl_metric_observe_us(r->sandbox->run_time, transcript->ran_us);
    }
    rl_supply_discard(r->sandbox->supply, &supplied, status == RL_TRY_JUDGED);
    return status;
}
