/* sandbox.c: one run, from its first container to its verdict. */
#include "services/runner/sandbox.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "services/runner/outcome.h"
#include "services/runner/sandbox_parts.h"

#define TRIES 2 /* containers per run, where an agent dies for no reason of the program's */

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
    if (options->compile_cache_bytes > 0) {
        sandbox->compile_cache = rl_compile_cache_new(options->compile_cache_bytes, options->metrics, err);
        if (!sandbox->compile_cache) {
            return NULL;
        }
    }
    if (options->metrics) {
        init_metrics(sandbox, options->metrics);
    }
    return RL_STEAL(sandbox);
}

void rl_sandbox_free(rl_sandbox *sandbox) {
    if (sandbox) {
        rl_supply_free(sandbox->supply);
        rl_compile_cache_free(sandbox->compile_cache);
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

/* One container, or more where the first one's failure is not to count: a warm container that was dead, a kept compile
 * step that was of no use, and one that was short of memory. Each can happen once. */
static rl_try_status try_fairly(rl_run *r, rl_transcript *transcript, rl_error *err) {
    for (;;) {
        rl_transcript_free(transcript);
        rl_transcript_init(transcript, r->limits.output_bytes);
        rl_try_status status = rl_run_try(r, transcript, err);
        if (status == RL_TRY_MUTE) {
            rl_supply_complain(r->sandbox->supply);
            r->cold = true;
        } else if (status == RL_TRY_STALE) {
            r->uncached = true;
        } else if (status == RL_TRY_STARVED) {
            rl_metric_add(r->sandbox->repeated, 1);
            r->starved = true;
        } else {
            return status;
        }
    }
}

/* Everything that a result holds beside its outcome. */
static void describe(const rl_run *r, rl_arena *arena, rl_finished *ret) {
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

static rl_run_status conclude(const rl_run *r, rl_try_status status, const rl_transcript *transcript,
                              rl_arena *arena, rl_finished *ret, rl_error *err) {
    describe(r, arena, ret);
    switch (status) {
    case RL_TRY_JUDGED:
        return rl_outcome_of_transcript(transcript, r->submission, arena, ret, err) ? RL_RUN_DONE
                                                                                    : RL_RUN_TRANSIENT;
    case RL_TRY_LOST:
    case RL_TRY_FAILED:
        return rl_outcome_of_failure(err->message, arena, ret, err) ? RL_RUN_DONE : RL_RUN_TRANSIENT;
    case RL_TRY_CANCELLED:
        ret->verdict = RL_VERDICT_CANCELLED;
        ret->message = "";
        return RL_RUN_CANCELLED;
    case RL_TRY_NO_IMAGE:
        /* An Engine that answers nothing but errors is one that is away. */
        return rl_engine_ping(rl_supply_engine(r->sandbox->supply), NULL) ? RL_RUN_NO_IMAGE
                                                                          : RL_RUN_TRANSIENT;
    case RL_TRY_DIED:
        /* Its containers end before they are ready. Only where other languages fare better is it the image, and not
         * the host, which is to be given no more then. */
        return rl_engine_ping(rl_supply_engine(r->sandbox->supply), NULL) &&
                       rl_supply_others_start(r->sandbox->supply, r->manifest, r->began_us)
                   ? RL_RUN_NO_IMAGE
                   : RL_RUN_TRANSIENT;
    case RL_TRY_UNFAIR:
        return RL_RUN_UNFAIR;
    case RL_TRY_MUTE:
    case RL_TRY_STALE:
    case RL_TRY_STARVED:
    case RL_TRY_TRANSIENT:
        break;
    }
    return RL_RUN_TRANSIENT;
}

rl_run_status rl_sandbox_run(rl_sandbox *sandbox, const rl_submission *submission,
                             const rl_manifest *manifest, rl_cancel_token *cancel, rl_arena *arena,
                             rl_finished *ret, rl_error *err) {
    rl_run r = {
        .sandbox = sandbox,
        .submission = submission,
        .manifest = manifest,
        .limits = rl_supply_limits(sandbox->supply, manifest, &submission->limits),
        .cancel = cancel,
        .arena = arena,
        .began_us = rl_clock_us(),
    };
    rl_error failure = RL_ERROR_INIT;
    rl_try_status status = RL_TRY_LOST;
    RL_AUTO_TRANSCRIPT rl_transcript transcript;
    rl_transcript_init(&transcript, r.limits.output_bytes);
    for (int i = 0; i < TRIES && (status == RL_TRY_LOST || status == RL_TRY_DIED); i++) {
        status = try_fairly(&r, &transcript, &failure);
    }
    *ret = (rl_finished){.verdict = RL_VERDICT_SYSTEM_ERROR};
    rl_run_status concluded = conclude(&r, status, &transcript, arena, ret, &failure);
    if (err && concluded != RL_RUN_DONE && concluded != RL_RUN_CANCELLED) {
        *err = failure;
    }
    return concluded;
}
