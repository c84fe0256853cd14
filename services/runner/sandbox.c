/* sandbox.c: one run, from its first container to its verdict. */
#include "services/runner/sandbox.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "services/runner/conversation.h"
#include "services/runner/job.h"
#include "services/runner/outcome.h"
#include "services/runner/supply.h"

#define TRIES 2 /* containers per run, where an agent dies for no reason of the program's */
#define END_US (5 * RL_US_PER_S)

struct rl_sandbox {
    rl_supply *supply;
    rl_log *log;
    rl_metric *compile_time; /* of compile steps, as the runner sees them */
    rl_metric *run_time;
    rl_metric *job_time;
    rl_metric *lost;     /* agents that died for no reason of the program's */
    rl_metric *repeated; /* compile steps that needed more memory than the run has */
};

static void init_metrics(rl_sandbox *sandbox, rl_metrics *metrics) {
    sandbox->compile_time = rl_metrics_histogram(metrics, RL_STEP_METRIC, RL_STEP_COMPILE, RL_STEP_HELP);
    sandbox->run_time = rl_metrics_histogram(metrics, RL_STEP_METRIC, RL_STEP_RUN, RL_STEP_HELP);
    sandbox->job_time = rl_metrics_histogram(metrics, RL_STEP_METRIC, RL_STEP_JOB, RL_STEP_HELP);
    sandbox->lost =
        rl_metrics_counter(metrics, "runlog_runner_sandbox_lost_total", NULL,
                           "sandboxes whose agent ended without a result and without a memory limit");
    sandbox->repeated =
        rl_metrics_counter(metrics, "runlog_runner_sandbox_compile_repeated_total", NULL,
                           "compile steps repeated because they need more memory than the run may have");
}

rl_sandbox *rl_sandbox_new(const rl_sandbox_options *options, rl_error *err) {
    RL_AUTO_SANDBOX rl_sandbox *sandbox = calloc(1, sizeof *sandbox);
    if (!sandbox) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the sandbox");
        return NULL;
    }
    sandbox->log = options->log;
    sandbox->supply = rl_supply_new(options, err);
    if (!sandbox->supply) {
        return NULL;
    }
    if (options->metrics) {
        init_metrics(sandbox, options->metrics);
    }
    return RL_STEAL(sandbox);
}

void rl_sandbox_free(rl_sandbox *sandbox) {
    if (sandbox) {
        rl_supply_free(sandbox->supply);
        free(sandbox);
    }
}

bool rl_sandbox_ping(rl_sandbox *sandbox, rl_error *err) {
    return rl_engine_ping(rl_supply_engine(sandbox->supply), err) &&
           (!rl_supply_is_ill(sandbox->supply) ||
            rl_error_set(err, RL_TRANSIENT, 0, "the Engine answers, but no container starts"));
}

rl_image_status rl_sandbox_check_language(rl_sandbox *sandbox, const rl_manifest *manifest,
                                          char ret_digest[RL_IMAGE_DIGEST_SIZE], rl_error *err) {
    return rl_supply_check(sandbox->supply, manifest, ret_digest, err);
}

size_t rl_sandbox_warm(rl_sandbox *sandbox, const char *language) {
    return rl_supply_warm(sandbox->supply, language);
}

/* ---- one run ---- */

/* What stays the same over the tries of one run. */
typedef struct {
    rl_sandbox *sandbox;
    const rl_submission *submission;
    const rl_manifest *manifest;
    rl_limits limits;
    const rl_cancel_token *cancel;
    rl_arena *arena;
    bool cold;    /* warm containers have let it down */
    bool starved; /* the compile step has been seen to need more memory than the run has */
    char image[RL_IMAGE_ID_SIZE];
    int64_t began_us;   /* monotonic */
    int64_t started_us; /* wall clock */
} run;

/* How one container served. */
typedef enum {
    TRY_JUDGED,  /* the transcript holds what there is to judge */
    TRY_LOST,    /* the agent died for no reason of the program's */
    TRY_DIED,    /* the same before anything of the submission was executed: it can wait */
    TRY_MUTE,    /* a warm container was none any more: nothing has happened in it */
    TRY_STARVED, /* the compile step gets another chance, with all of its memory */
    TRY_FAILED,  /* it will not get better: SYSTEM_ERROR with `err` */
    TRY_CANCELLED,
    TRY_TRANSIENT,
    TRY_UNFAIR, /* ended from outside: as TRANSIENT, but it may be the program that brings the host to it */
    TRY_NO_IMAGE,
} try_status;

/* How an agent that is told to stop, or whose runner goes away, ends (sandbox/agent/main.c). */
#define EXIT_STOPPED 1

/* Whether the compile step has had less memory than it may have, so that its failure need not be its own: something
 * was killed; it ended with more than the 1 that compilers say about a program (a virtual machine fits itself to
 * the container and says 3 when that is too small); or it ran out of time with so much memory in use that little
 * was left for its own files to stay in. */
static bool is_starved(const run *r, const rl_container *container, const rl_transcript *transcript) {
    const rl_agent_result *compile = &transcript->facts.compile;
    bool ours = (compile->flags & RL_AGENT_KILLED_BY_US) != 0;
    bool late = (compile->flags & (RL_AGENT_HIT_CPU | RL_AGENT_HIT_WALL)) != 0;
    bool suspicious = compile->oom_kills > 0 || (compile->term_signal != 0 && !ours) ||
                      compile->exit_code > 1 ||
                      (late && compile->memory_peak_bytes > container->memory_bytes / 2);
    return r->manifest->compile && container->memory_bytes < r->limits.compile.memory_bytes &&
           (!transcript->facts.compiled || suspicious);
}

/* The agent ended without a result, or fell silent. The kernel's memory killer may have taken it along with the
 * program, which is a verdict. That somebody stopped it, or that the Engine went away, is no try of the
 * program's. Anything else is nobody's doing that we know of. */
static try_status explain_loss(const run *r, const rl_container *container, rl_talk_status talk,
                               rl_transcript *transcript, rl_error *err) {
    rl_engine *engine = rl_supply_engine(r->sandbox->supply);
    rl_engine_state state;
    rl_error failure = RL_ERROR_INIT;
    /* An agent that was given up for its silence still runs; then the wait times out, and its state is no end. */
    bool known = rl_engine_wait_stopped(engine, container->id, END_US, &failure) &&
                 rl_engine_container_state(engine, container->id, &state, &failure);
    if (known && state.oom_killed) {
        transcript->facts.killed_for_memory = true;
        return is_starved(r, container, transcript) ? TRY_STARVED : TRY_JUDGED;
    }
    if (known && state.exit_code == EXIT_STOPPED) {
        return TRY_UNFAIR; /* an Engine that shuts down, or somebody who stops containers, maybe always this one's */
    }
    bool engine_left = !known && failure.code == 0 && talk == RL_TALK_ENDED;
    if (engine_left || (!known && failure.code == 0 && !rl_engine_ping(engine, NULL))) {
        return TRY_TRANSIENT;
    }
    rl_metric_add(r->sandbox->lost, 1);
    if (r->sandbox->log) {
        rl_log(r->sandbox->log, RL_LOG_WARN, "sandbox.lost", RL_S("id", r->submission->id),
               RL_S("class", rl_error_class_name(err->error_class)), RL_S("error", err->message),
               RL_I("exit_code", known ? state.exit_code : -1));
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
    case RL_AGENT_FAILURE_ARCHIVE:
        break;
    }
    return TRY_FAILED;
}

static try_status converse(run *r, rl_supplied *supplied, rl_transcript *transcript, rl_error *err) {
    rl_container *container = &supplied->container;
    rl_subject subject = {
        .engine = rl_supply_engine(r->sandbox->supply),
        .container = container,
        .submission = r->submission,
        .manifest = r->manifest,
        .limits = &r->limits,
        .cancel = r->cancel,
        .arena = r->arena,
        .log = r->sandbox->log,
        .has_waited = supplied->is_warm,
    };
    rl_talk_status talk = rl_converse(&subject, transcript, err);
    switch (talk) {
    case RL_TALK_DONE:
        return is_starved(r, container, transcript) ? TRY_STARVED : TRY_JUDGED;
    case RL_TALK_ENDED:
    case RL_TALK_SILENT:
        return explain_loss(r, container, talk, transcript, err);
    case RL_TALK_MUTE:
        return TRY_MUTE;
    case RL_TALK_UNFAIR: /* again when the host has had time to recover */
        return TRY_UNFAIR;
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

static try_status acquire(run *r, rl_supplied *ret, rl_error *err) {
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
        return TRY_JUDGED;
    case RL_CONTAINER_TRANSIENT:
        return TRY_TRANSIENT;
    case RL_CONTAINER_DIED:
        return ret->is_warm ? TRY_MUTE : TRY_DIED;
    case RL_CONTAINER_NO_IMAGE:
    case RL_CONTAINER_UNUSABLE:
        return TRY_NO_IMAGE;
    case RL_CONTAINER_CANCELLED:
        break;
    }
    return TRY_CANCELLED;
}

static try_status try_once(run *r, rl_transcript *transcript, rl_error *err) {
    rl_supplied supplied = {.is_warm = false};
    try_status status = acquire(r, &supplied, err);
    if (status != TRY_JUDGED) {
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
    rl_supply_discard(r->sandbox->supply, &supplied, status == TRY_JUDGED);
    return status;
}

/* One container, or more where the first one's failure is not to count: a warm container that was dead, and a
 * compile step that was short of memory. Each can happen once. */
static try_status try_fairly(run *r, rl_transcript *transcript, rl_error *err) {
    for (;;) {
        rl_transcript_free(transcript);
        rl_transcript_init(transcript, r->limits.output_bytes);
        try_status status = try_once(r, transcript, err);
        if (status == TRY_MUTE) {
            rl_supply_complain(r->sandbox->supply);
            r->cold = true;
        } else if (status == TRY_STARVED) {
            rl_metric_add(r->sandbox->repeated, 1);
            r->starved = true;
        } else {
            return status;
        }
    }
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
        /* An Engine that answers nothing but errors is one that is away. */
        return rl_engine_ping(rl_supply_engine(r->sandbox->supply), NULL) ? RL_RUN_NO_IMAGE
                                                                          : RL_RUN_TRANSIENT;
    case TRY_DIED:
        /* Its containers end before they are ready. Only where other languages fare better is it the image, and not
         * the host, which is to be given no more then. */
        return rl_engine_ping(rl_supply_engine(r->sandbox->supply), NULL) &&
                       rl_supply_others_start(r->sandbox->supply, r->manifest, r->began_us)
                   ? RL_RUN_NO_IMAGE
                   : RL_RUN_TRANSIENT;
    case TRY_UNFAIR:
        return RL_RUN_UNFAIR;
    case TRY_MUTE:
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
        .limits = rl_supply_limits(sandbox->supply, manifest, &submission->limits),
        .cancel = cancel,
        .arena = arena,
        .began_us = rl_clock_us(),
    };
    rl_error failure = RL_ERROR_INIT;
    try_status status = TRY_LOST;
    RL_AUTO_TRANSCRIPT rl_transcript transcript;
    rl_transcript_init(&transcript, r.limits.output_bytes);
    for (int i = 0; i < TRIES && (status == TRY_LOST || status == TRY_DIED); i++) {
        status = try_fairly(&r, &transcript, &failure);
    }
    *ret = (rl_finished){.verdict = RL_VERDICT_SYSTEM_ERROR};
    rl_run_status concluded = conclude(&r, status, &transcript, arena, ret, &failure);
    if (err && concluded != RL_RUN_DONE && concluded != RL_RUN_CANCELLED) {
        *err = failure;
    }
    return concluded;
}
