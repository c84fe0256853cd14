#include "services/runner/sandbox.h"

#include <errno.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "sandbox/seccomp/engine_profile.h"
#include "services/runner/container.h"
#include "services/runner/conversation.h"
#include "services/runner/image_table.h"
#include "services/runner/job.h"
#include "services/runner/outcome.h"
#include "services/runner/reaper.h"
#include "services/runner/sweep.h"

#define TRIES 2 /* containers per run, where an agent dies for no reason of the program's */
#define END_US (5 * RL_US_PER_S)

typedef struct {
    rl_metric *create, *attach, *start, *ready, *job; /* times of a run's steps */
    rl_metric *lost;                                  /* agents that died for no reason of the program's */
    rl_metric *repeated; /* compile steps that needed more memory than the run has */
} step_metrics;

struct rl_sandbox {
    char *project, *runner, *runtime, *seccomp;
    rl_limits maxima;
    rl_log *log;
    step_metrics metrics;
    rl_engine *engine;
    rl_image_table *images;
    rl_reaper *reaper;
};

/* ---- creation ---- */

static rl_metric *step_metric(rl_metrics *metrics, const char *labels) {
    return metrics ? rl_metrics_histogram(metrics, "runlog_runner_sandbox_step_seconds", labels,
                                          "time of one step of a sandbox's life")
                   : NULL;
}

static rl_metric *counter(rl_metrics *metrics, const char *name, const char *help) {
    return metrics ? rl_metrics_counter(metrics, name, NULL, help) : NULL;
}

static void init_metrics(step_metrics *ret, rl_metrics *metrics) {
    ret->create = step_metric(metrics, "step=\"create\"");
    ret->attach = step_metric(metrics, "step=\"attach\"");
    ret->start = step_metric(metrics, "step=\"start\"");
    ret->ready = step_metric(metrics, "step=\"ready\"");
    ret->job = step_metric(metrics, "step=\"job\"");
    ret->lost = counter(metrics, "runlog_runner_sandbox_lost_total",
                        "sandboxes whose agent ended without a result and without a memory limit");
    ret->repeated = counter(metrics, "runlog_runner_sandbox_compile_repeated_total",
                            "compile steps repeated because they need more memory than the run may have");
}

static bool copy_options(rl_sandbox *sandbox, const rl_sandbox_options *options, rl_error *err) {
    bool own_profile = options->seccomp_profile && *options->seccomp_profile;
    sandbox->maxima = options->maxima;
    sandbox->log = options->log;
    sandbox->project = strdup(options->project);
    sandbox->runner = strdup(options->runner);
    sandbox->runtime = strdup(options->runtime ? options->runtime : "");
    sandbox->seccomp = strdup(own_profile ? options->seccomp_profile : rl_engine_profile);
    return (sandbox->project && sandbox->runner && sandbox->runtime && sandbox->seccomp) ||
           rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the sandbox's options");
}

static bool start_parts(rl_sandbox *sandbox, const rl_sandbox_options *options, rl_error *err) {
    size_t removed = 0;
    sandbox->engine = rl_engine_new(options->docker_socket, err);
    if (!sandbox->engine || !rl_engine_check_host(sandbox->engine, sandbox->runtime, err) ||
        !rl_sweep_own(sandbox->engine, sandbox->project, sandbox->runner, &removed, err)) {
        return false;
    }
    /* An orphan that cannot be removed keeps nobody from starting: the reaper tries again and says so. */
    (void)rl_sweep_orphans(sandbox->engine, sandbox->project, &removed, NULL);
    sandbox->images = rl_image_table_new(options->image_prefix, options->image_tag, err);
    rl_reaper_options reaper = {
        .engine = sandbox->engine,
        .project = sandbox->project,
        .log = options->log,
        .removal_time = step_metric(options->metrics, "step=\"remove\""),
        .swept = counter(options->metrics, "runlog_runner_sandbox_orphans_total",
                         "containers of dead runners that were removed"),
    };
    sandbox->reaper = sandbox->images ? rl_reaper_new(&reaper, err) : NULL;
    return sandbox->reaper != NULL;
}

rl_sandbox *rl_sandbox_new(const rl_sandbox_options *options, rl_error *err) {
    RL_AUTO_SANDBOX rl_sandbox *sandbox = calloc(1, sizeof *sandbox);
    if (!sandbox) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the sandbox");
        return NULL;
    }
    init_metrics(&sandbox->metrics, options->metrics);
    if (!copy_options(sandbox, options, err) || !start_parts(sandbox, options, err)) {
        return NULL;
    }
    return RL_STEAL(sandbox);
}

void rl_sandbox_free(rl_sandbox *sandbox) {
    if (!sandbox) {
        return;
    }
    bool was_started = sandbox->reaper != NULL;
    rl_reaper_free(sandbox->reaper);
    if (was_started) {
        /* For what the reaper could not remove; what this cannot either, the next runner's sweep will. */
        size_t removed = 0;
        rl_sweep_own(sandbox->engine, sandbox->project, sandbox->runner, &removed, NULL);
    }
    rl_image_table_free(sandbox->images);
    rl_engine_free(sandbox->engine);
    free(sandbox->project);
    free(sandbox->runner);
    free(sandbox->runtime);
    free(sandbox->seccomp);
    free(sandbox);
}

bool rl_sandbox_ping(rl_sandbox *sandbox, rl_error *err) {
    return rl_engine_ping(sandbox->engine, err);
}

/* ---- acquire and discard ---- */

/* The container in which a job of these limits may begin, with that much memory. */
static rl_container_spec spec_of(const rl_sandbox *sandbox, const rl_manifest *manifest,
                                 const rl_limits *limits, int64_t memory_bytes) {
    return (rl_container_spec){
        .project = sandbox->project,
        .runner = sandbox->runner,
        .language = manifest->name,
        .runtime = sandbox->runtime,
        .seccomp = sandbox->seccomp,
        .memory_bytes = memory_bytes,
        .processes =
            limits->processes > RL_SANDBOX_PROCESSES_MIN ? limits->processes : RL_SANDBOX_PROCESSES_MIN,
        .file_bytes = limits->file_bytes,
        .ceilings = sandbox->maxima,
    };
}

static void discard(rl_sandbox *sandbox, rl_container *container) {
    rl_container_close(container);
    if (container->id[0] != '\0') {
        rl_reaper_add(sandbox->reaper, container->id);
        container->id[0] = '\0';
    }
}

static void observe_opening(const rl_sandbox *sandbox, const rl_container *container) {
    rl_metric_observe_us(sandbox->metrics.create, container->create_us);
    rl_metric_observe_us(sandbox->metrics.attach, container->attach_us);
    rl_metric_observe_us(sandbox->metrics.start, container->start_us);
    rl_metric_observe_us(sandbox->metrics.ready, container->ready_us);
}

/* A started container whose agent is ready, of the language's pinned image, whose id goes to `ret_image`. An
 * image that has gone since it was pinned is looked up once more. Only a container that is READY is to be
 * discarded by the caller. */
static rl_container_status open_cold(rl_sandbox *sandbox, rl_container_spec *spec,
                                     const rl_cancel_token *cancel, char ret_image[RL_IMAGE_ID_SIZE],
                                     rl_container *ret, rl_error *err) {
    for (int i = 0;; i++) {
        rl_error failure = RL_ERROR_INIT;
        if (!rl_image_table_find(sandbox->images, sandbox->engine, spec->language, ret_image, &failure)) {
            if (err) {
                *err = failure;
            }
            return failure.code == 404 ? RL_CONTAINER_NO_IMAGE : RL_CONTAINER_TRANSIENT;
        }
        spec->image = ret_image;
        rl_container_status status = rl_container_open(sandbox->engine, spec, cancel, ret, err);
        if (status == RL_CONTAINER_READY) {
            observe_opening(sandbox, ret);
            return status;
        }
        discard(sandbox, ret);
        if (status != RL_CONTAINER_NO_IMAGE || i > 0) {
            return status;
        }
        rl_image_table_unpin(sandbox->images, spec->language);
    }
}

rl_image_status rl_sandbox_check_language(rl_sandbox *sandbox, const rl_manifest *manifest,
                                          char ret_digest[RL_IMAGE_DIGEST_SIZE], rl_error *err) {
    rl_limits limits = rl_job_limits(&manifest->limits, &manifest->limits, &sandbox->maxima);
    rl_container_spec spec = spec_of(sandbox, manifest, &limits, limits.run.memory_bytes);
    char image[RL_IMAGE_ID_SIZE];
    rl_container container;
    rl_container_status status = RL_CONTAINER_DIED;
    rl_image_table_unpin(sandbox->images, manifest->name);
    for (int i = 0; i < TRIES && status == RL_CONTAINER_DIED; i++) {
        status = open_cold(sandbox, &spec, NULL, image, &container, err);
    }
    switch (status) {
    case RL_CONTAINER_READY:
        discard(sandbox, &container);
        if (ret_digest) {
            snprintf(ret_digest, RL_IMAGE_DIGEST_SIZE, "%s", image);
        }
        return RL_IMAGE_READY;
    case RL_CONTAINER_NO_IMAGE:
        return RL_IMAGE_MISSING;
    case RL_CONTAINER_UNUSABLE:
        return RL_IMAGE_UNUSABLE;
    case RL_CONTAINER_DIED:
        /* Where the Engine itself is on its way down, that says nothing about the image. */
        return rl_engine_ping(sandbox->engine, NULL) ? RL_IMAGE_UNUSABLE : RL_IMAGE_UNCHECKED;
    case RL_CONTAINER_TRANSIENT:
    case RL_CONTAINER_CANCELLED:
        break;
    }
    return RL_IMAGE_UNCHECKED;
}

/* ---- one run ---- */

/* What stays the same over the tries of one run. */
typedef struct {
    rl_sandbox *sandbox;
    const rl_submission *submission;
    const rl_manifest *manifest;
    rl_limits limits;
    const rl_cancel_token *cancel;
    bool starved; /* the compile step has been seen to need more memory than the run has */
    char image[RL_IMAGE_ID_SIZE];
    int64_t started_us; /* wall clock */
} run;

/* How one container served. */
typedef enum {
    TRY_JUDGED,  /* the transcript holds what there is to judge */
    TRY_LOST,    /* the agent died for no reason of the program's */
    TRY_DIED,    /* the same before anything of the submission was executed: it can wait */
    TRY_STARVED, /* the compile step gets another chance, with all of its memory */
    TRY_FAILED,  /* it will not get better: SYSTEM_ERROR with `err` */
    TRY_CANCELLED,
    TRY_TRANSIENT,
    TRY_NO_IMAGE,
} try_status;

/* How an agent that is told to stop, or whose runner goes away, ends (sandbox/agent/main.c). */
#define EXIT_STOPPED 1

/* Whether the compile step has had less memory than it may have, so that its failure need not be its own. */
static bool is_starved(const run *r, const rl_container *container, const rl_transcript *transcript) {
    const rl_agent_result *compile = &transcript->facts.compile;
    bool limited = (compile->flags & (RL_AGENT_HIT_MEMORY | RL_AGENT_HIT_CPU | RL_AGENT_HIT_WALL)) != 0 ||
                   compile->oom_kills > 0 || compile->term_signal != 0;
    return r->manifest->compile && container->memory_bytes < r->limits.compile.memory_bytes &&
           (!transcript->facts.compiled || (!rl_agent_result_is_success(compile) && limited));
}

/* The agent ended without a result, or fell silent. The kernel's memory killer may have taken it along with the
 * program, which is a verdict. That somebody stopped it, or that the Engine went away, is no try of the
 * program's. Anything else is nobody's doing that we know of. */
static try_status explain_loss(const run *r, const rl_container *container, rl_talk_status talk,
                               rl_transcript *transcript, rl_error *err) {
    rl_engine *engine = r->sandbox->engine;
    rl_engine_state state;
    rl_error failure = RL_ERROR_INIT;
    /* An agent that was given up for its silence still runs; then the wait times out, and its state is no end. */
    bool known = rl_engine_wait_stopped(engine, container->id, END_US, &failure) &&
                 rl_engine_container_state(engine, container->id, &state, &failure);
    if (known && state.oom_killed) {
        transcript->facts.killed_for_memory = true;
        return is_starved(r, container, transcript) ? TRY_STARVED : TRY_JUDGED;
    }
    bool stopped = known && state.exit_code == EXIT_STOPPED;
    bool engine_left = !known && failure.code == 0 && talk == RL_TALK_ENDED;
    if (stopped || engine_left || (!known && failure.code == 0 && !rl_engine_ping(engine, NULL))) {
        return TRY_TRANSIENT;
    }
    rl_metric_add(r->sandbox->metrics.lost, 1);
    if (r->sandbox->log) {
        rl_log(r->sandbox->log, RL_LOG_WARN, "sandbox.lost", RL_S("id", r->submission->id),
               RL_S("reason", err->message), RL_I("exit_code", known ? state.exit_code : -1));
    }
    return TRY_LOST;
}

/* The agent's own words decide whether another container would do better. */
static try_status explain_failure(const rl_transcript *transcript, rl_error *err) {
    switch (transcript->failed) {
    case RL_AGENT_FAILURE_SYSTEM:
    case RL_AGENT_FAILURE_STUCK:
        return TRY_LOST;
    case RL_AGENT_FAILURE_FILES:
        if (transcript->failed_errno == ENOSPC || transcript->failed_errno == EFBIG) {
            rl_error_set(err, RL_INVALID, ENOSPC, "the files do not fit into the work folder");
        }
        return TRY_FAILED;
    case RL_AGENT_FAILURE_PROTOCOL:
    case RL_AGENT_FAILURE_UNSUPPORTED:
        break;
    }
    return TRY_FAILED;
}

static try_status converse(run *r, rl_container *container, rl_transcript *transcript, rl_error *err) {
    rl_subject subject = {
        .engine = r->sandbox->engine,
        .container = container,
        .submission = r->submission,
        .manifest = r->manifest,
        .limits = &r->limits,
        .cancel = r->cancel,
        .log = r->sandbox->log,
    };
    rl_talk_status talk = rl_converse(&subject, transcript, err);
    switch (talk) {
    case RL_TALK_DONE:
        return is_starved(r, container, transcript) ? TRY_STARVED : TRY_JUDGED;
    case RL_TALK_ENDED:
    case RL_TALK_SILENT:
        return explain_loss(r, container, talk, transcript, err);
    case RL_TALK_UNFAIR:
        return TRY_LOST;
    case RL_TALK_FAILED:
        return explain_failure(transcript, err);
    case RL_TALK_REFUSED:
        return TRY_FAILED;
    case RL_TALK_CANCELLED:
        return TRY_CANCELLED;
    case RL_TALK_TRANSIENT:
    case RL_TALK_OPEN:
        break;
    }
    return TRY_TRANSIENT;
}

/* The memory with which a job begins. A compile step that may have more than the run begins with the run's: most
 * never need more, and to change it in between costs more than some compilers take. One that turns out to be
 * short of it is repeated with its own. */
static int64_t first_memory(const run *r) {
    const rl_limits *limits = &r->limits;
    bool compiles = r->manifest->compile != NULL;
    bool own = compiles && (r->starved || limits->compile.memory_bytes < limits->run.memory_bytes);
    return own ? limits->compile.memory_bytes : limits->run.memory_bytes;
}

static rl_container_status acquire(run *r, rl_container *ret, rl_error *err) {
    int64_t memory_bytes = first_memory(r);
    rl_container_spec spec = spec_of(r->sandbox, r->manifest, &r->limits, memory_bytes);
    rl_container_status status = open_cold(r->sandbox, &spec, r->cancel, r->image, ret, err);
    if (status != RL_CONTAINER_READY) {
        return status;
    }
    status = rl_container_set_limits(r->sandbox->engine, ret, memory_bytes, r->limits.processes, err);
    if (status != RL_CONTAINER_READY) {
        discard(r->sandbox, ret);
    }
    return status;
}

static try_status try_once(run *r, rl_transcript *transcript, rl_error *err) {
    rl_container container;
    switch (acquire(r, &container, err)) {
    case RL_CONTAINER_READY:
        break;
    case RL_CONTAINER_TRANSIENT:
        return TRY_TRANSIENT;
    case RL_CONTAINER_DIED:
        return TRY_DIED;
    case RL_CONTAINER_NO_IMAGE:
    case RL_CONTAINER_UNUSABLE:
        return TRY_NO_IMAGE;
    case RL_CONTAINER_CANCELLED:
        return TRY_CANCELLED;
    }
    int64_t begin_us = rl_clock_us();
    r->started_us = rl_wall_clock_us();
    try_status status = converse(r, &container, transcript, err);
    rl_metric_observe_us(r->sandbox->metrics.job, rl_clock_us() - begin_us);
    discard(r->sandbox, &container);
    return status;
}

/* Everything that a result holds beside its outcome. */
static void describe(const run *r, rl_arena *arena, rl_finished *ret) {
    char *digest = rl_arena_copy(arena, r->image, strlen(r->image));
    ret->id = r->submission->id;
    ret->generation = r->submission->generation;
    ret->runner = "";
    ret->submission = r->submission;
    ret->image_digest = digest ? digest : "";
    ret->queued_us = r->submission->created_us;
    ret->finished_us = rl_wall_clock_us();
    ret->started_us = r->started_us ? r->started_us : ret->finished_us;
}

static rl_run_status conclude(const run *r, try_status status, const rl_transcript *transcript,
                              rl_arena *arena, rl_finished *ret, rl_error *err) {
    describe(r, arena, ret);
    switch (status) {
    case TRY_JUDGED:
        return rl_outcome_of_transcript(transcript, arena, ret, err) ? RL_RUN_DONE : RL_RUN_TRANSIENT;
    case TRY_LOST:
    case TRY_FAILED:
        return rl_outcome_of_failure(err->message, arena, ret, err) ? RL_RUN_DONE : RL_RUN_TRANSIENT;
    case TRY_CANCELLED:
        ret->verdict = RL_VERDICT_CANCELLED;
        ret->message = "";
        return RL_RUN_CANCELLED;
    case TRY_NO_IMAGE:
    case TRY_DIED:
        /* The Engine answers, and yet nothing starts: others may fare better, this one waits like for an image. An
         * Engine that answers nothing but errors is one that is away. */
        return rl_engine_ping(r->sandbox->engine, NULL) ? RL_RUN_NO_IMAGE : RL_RUN_TRANSIENT;
    case TRY_STARVED:
    case TRY_TRANSIENT:
        break;
    }
    return RL_RUN_TRANSIENT;
}

rl_run_status rl_sandbox_run(rl_sandbox *sandbox, const rl_submission *submission,
                             const rl_manifest *manifest, rl_cancel_token *cancel, rl_arena *arena,
                             rl_finished *ret, rl_error *err) {
    run r = {
        .sandbox = sandbox,
        .submission = submission,
        .manifest = manifest,
        .limits = rl_job_limits(&submission->limits, &manifest->limits, &sandbox->maxima),
        .cancel = cancel,
    };
    rl_error failure = RL_ERROR_INIT;
    try_status status = TRY_LOST;
    RL_AUTO_TRANSCRIPT rl_transcript transcript;
    rl_transcript_init(&transcript, r.limits.output_bytes);
    for (int i = 0; i < TRIES && (status == TRY_LOST || status == TRY_DIED); i++) {
        do {
            rl_transcript_free(&transcript);
            rl_transcript_init(&transcript, r.limits.output_bytes);
            status = try_once(&r, &transcript, &failure);
            r.starved |= status == TRY_STARVED;
        } while (status == TRY_STARVED);
    }
    rl_metric_add(sandbox->metrics.repeated, r.starved ? 1 : 0);
    *ret = (rl_finished){.verdict = RL_VERDICT_SYSTEM_ERROR};
    rl_run_status concluded = conclude(&r, status, &transcript, arena, ret, &failure);
    if (err && (concluded == RL_RUN_TRANSIENT || concluded == RL_RUN_NO_IMAGE)) {
        *err = failure;
    }
    return concluded;
}
