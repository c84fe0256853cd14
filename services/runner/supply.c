/* supply.c: the Engine, the pinned images, the pool and the reaper behind one door. */
#include "services/runner/supply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "sandbox/seccomp/engine_profile.h"
#include "services/runner/job.h"
#include "services/runner/supply_parts.h"
#include "services/runner/sweep.h"

#define CHECKS 2 /* containers that an image may lose before it is called unusable */

/* What is left of a container that has proved an image good: the first warm one. */
static void keep_warm(rl_supply *supply, const rl_manifest *manifest, rl_warm *warm) {
    if (supply->pool) {
        rl_pool_keep(supply->pool, manifest->name);
    }
    if (!supply->pool || !rl_pool_offer(supply->pool, manifest->name, warm)) {
        rl_supply_drop(supply, &warm->container);
    }
}

rl_image_status rl_supply_check(rl_supply *supply, const rl_manifest *manifest,
                                char ret_digest[RL_IMAGE_DIGEST_SIZE], rl_error *err) {
    rl_warm warm;
    rl_container_status status = RL_CONTAINER_DIED;
    rl_image_table_unpin(supply->images, manifest->name);
    for (int i = 0; i < CHECKS && status == RL_CONTAINER_DIED; i++) {
        status = rl_supply_open_prestarted(supply, manifest, &warm, err);
    }
    switch (status) {
    case RL_CONTAINER_READY:
        if (ret_digest) {
            snprintf(ret_digest, RL_IMAGE_DIGEST_SIZE, "%s", warm.image);
        }
        keep_warm(supply, manifest, &warm);
        return RL_IMAGE_READY;
    case RL_CONTAINER_NO_IMAGE:
        return RL_IMAGE_MISSING;
    case RL_CONTAINER_UNUSABLE:
        return RL_IMAGE_UNUSABLE;
    case RL_CONTAINER_DIED:
        /* Where the Engine itself is on its way down, that says nothing about the image. Whether others start is not
         * asked: this is a runner's beginning, and an operator waits for an answer. */
        return rl_engine_ping(supply->engine, NULL) ? RL_IMAGE_UNUSABLE : RL_IMAGE_UNCHECKED;
    case RL_CONTAINER_TRANSIENT:
    case RL_CONTAINER_CANCELLED:
        break;
    }
    return RL_IMAGE_UNCHECKED;
}

bool rl_supply_others_start(rl_supply *supply, const rl_manifest *manifest, int64_t since_us) {
    const rl_manifest *other = NULL;
    rl_starts_answer answer = rl_starts_ask(supply->starts, manifest, since_us, &other);
    if (answer != RL_STARTS_TRY) {
        return answer == RL_STARTS_OTHERS;
    }
    rl_warm warm;
    bool ready = rl_supply_open_prestarted(supply, other, &warm, NULL) == RL_CONTAINER_READY;
    rl_starts_tried(supply->starts, ready);
    if (ready && (!supply->pool || !rl_pool_offer(supply->pool, other->name, &warm))) {
        rl_supply_drop(supply, &warm.container);
    }
    return ready;
}

/* ---- supplying ---- */

size_t rl_supply_warm(rl_supply *supply, const char *language) {
    return supply->pool ? rl_pool_idle(supply->pool, language) : 0;
}

rl_limits rl_supply_limits(const rl_supply *supply, const rl_manifest *manifest, const rl_limits *asked) {
    return rl_job_limits(asked, &manifest->limits, &supply->maxima);
}

/* A warm container, if there is one that suits. All warm ones have the default size of the work folder; other
 * limits can be changed. */
static bool take_warm(rl_supply *supply, const rl_order *order, rl_supplied *ret) {
    rl_warm warm;
    ret->is_warm =
        supply->pool && !order->cold &&
        order->limits->file_bytes == rl_supply_default_limits(supply, order->manifest).file_bytes &&
        rl_pool_take(supply->pool, order->manifest->name, &warm);
    if (ret->is_warm) {
        ret->container = warm.container;
        memcpy(ret->image, warm.image, sizeof ret->image);
    }
    return ret->is_warm;
}

static void begin_load(rl_supply *supply, rl_pool_load load) {
    if (supply->pool) {
        rl_pool_begin(supply->pool, load);
    }
}

static void end_load(rl_supply *supply, rl_pool_load load) {
    if (supply->pool) {
        rl_pool_end(supply->pool, load);
    }
}

rl_container_status rl_supply_take(rl_supply *supply, const rl_order *order, rl_supplied *ret,
                                   rl_error *err) {
    int64_t begin_us = rl_clock_us();
    rl_container_status status = RL_CONTAINER_READY;
    if (!take_warm(supply, order, ret)) {
        rl_container_spec spec = rl_supply_spec(supply, order->manifest, order->limits, order->memory_bytes);
        begin_load(supply, RL_POOL_START);
        status = rl_supply_open_cold(supply, order->manifest, &spec, order->cancel, ret->image,
                                     &ret->container, err);
        end_load(supply, RL_POOL_START);
    }
    if (status != RL_CONTAINER_READY) {
        return status;
    }
    status = rl_container_set_limits(supply->engine, &ret->container, order->memory_bytes,
                                     order->limits->processes, err);
    if (status != RL_CONTAINER_READY) {
        rl_supply_drop(supply, &ret->container);
        return status == RL_CONTAINER_UNUSABLE ? RL_CONTAINER_DIED
                                               : status; /* it says nothing about the image */
    }
    rl_metric_observe_us(supply->acquire, rl_clock_us() - begin_us);
    return status;
}

void rl_supply_discard(rl_supply *supply, rl_supplied *supplied, bool is_done) {
    if (is_done) {
        rl_supply_drop_at_leisure(supply, &supplied->container);
    } else {
        rl_supply_drop(supply, &supplied->container);
    }
}

void rl_supply_complain(rl_supply *supply) {
    if (supply->pool) {
        rl_pool_count_discard(supply->pool, RL_POOL_MUTE);
    }
}

void rl_supply_begin_program(rl_supply *supply) {
    begin_load(supply, RL_POOL_PROGRAM);
}

void rl_supply_end_program(rl_supply *supply) {
    end_load(supply, RL_POOL_PROGRAM);
}

bool rl_supply_is_ill(rl_supply *supply) {
    return rl_starts_is_ill(supply->starts);
}

rl_engine *rl_supply_engine(rl_supply *supply) {
    return supply->engine;
}

/* ---- beginning and end ---- */

static rl_metric *step_metric(rl_metrics *metrics, const char *labels) {
    return metrics ? rl_metrics_histogram(metrics, RL_STEP_METRIC, labels, RL_STEP_HELP) : NULL;
}

static rl_metric *counter(rl_metrics *metrics, const char *name, const char *help) {
    return metrics ? rl_metrics_counter(metrics, name, NULL, help) : NULL;
}

static void count_engine_errors(rl_supply *supply, rl_metrics *metrics) {
    rl_metric *errors[RL_ERROR_CLASSES] = {NULL};
    if (metrics) {
        rl_metrics_counters_by_class(metrics, "runlog_runner_engine_errors_total", NULL,
                                     "requests to the Docker Engine that failed, by class", errors);
    }
    rl_engine_count_errors(supply->engine, errors);
}

static void init_metrics(rl_supply *supply, rl_metrics *metrics) {
    supply->create = step_metric(metrics, "step=\"create\"");
    supply->attach = step_metric(metrics, "step=\"attach\"");
    supply->start = step_metric(metrics, "step=\"start\"");
    supply->ready = step_metric(metrics, "step=\"ready\"");
    supply->remove = step_metric(metrics, "step=\"remove\"");
    supply->acquire = step_metric(metrics, "step=\"acquire\"");
    /* Of the same name, so made here as well. */
    (void)step_metric(metrics, RL_STEP_COMPILE);
    (void)step_metric(metrics, RL_STEP_RUN);
    (void)step_metric(metrics, RL_STEP_JOB);
}

static bool copy_options(rl_supply *supply, const rl_sandbox_options *options, rl_error *err) {
    bool own_profile = options->seccomp_profile && *options->seccomp_profile;
    supply->maxima = options->maxima;
    supply->prestart = options->prestart;
    supply->project = strdup(options->project);
    supply->runner = strdup(options->runner);
    supply->runtime = strdup(options->runtime ? options->runtime : "");
    supply->apparmor = strdup(options->apparmor ? options->apparmor : "");
    supply->seccomp = strdup(own_profile ? options->seccomp_profile : rl_engine_profile);
    return (supply->project && supply->runner && supply->runtime && supply->seccomp && supply->apparmor) ||
           rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the sandbox's options");
}

static bool start_parts(rl_supply *supply, const rl_sandbox_options *options, rl_error *err) {
    size_t removed = 0;
    supply->engine = rl_engine_new(options->docker_socket, err);
    if (!supply->engine || !rl_engine_check_host(supply->engine, supply->runtime, supply->apparmor, err) ||
        !rl_sweep_own(supply->engine, supply->project, supply->runner, &removed, err)) {
        return false;
    }
    count_engine_errors(supply, options->metrics);
    /* An orphan that cannot be removed keeps nobody from starting: the reaper tries again and says so. */
    (void)rl_sweep_orphans(supply->engine, supply->project, &removed, NULL);
    supply->images = rl_image_table_new(options->image_prefix, options->image_tag, err);
    rl_reaper_options reaper = {
        .engine = supply->engine,
        .project = supply->project,
        .log = options->log,
        .removal_time = supply->remove,
        .waiting = options->metrics
                       ? rl_metrics_gauge(options->metrics, "runlog_runner_sandbox_removals_waiting", NULL,
                                          "containers that wait to be removed")
                       : NULL,
        .swept = counter(options->metrics, "runlog_runner_sandbox_orphans_total",
                         "containers of dead runners that were removed"),
    };
    supply->reaper = supply->images ? rl_reaper_new(&reaper, err) : NULL;
    return supply->reaper != NULL;
}

rl_supply *rl_supply_new(const rl_sandbox_options *options, rl_error *err) {
    RL_AUTO_SUPPLY rl_supply *supply = calloc(1, sizeof *supply);
    if (!supply) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the sandbox");
        return NULL;
    }
    init_metrics(supply, options->metrics);
    supply->starts = rl_starts_new(err);
    if (!supply->starts || !copy_options(supply, options, err) || !start_parts(supply, options, err) ||
        !rl_supply_start_pool(supply, options, err)) {
        return NULL;
    }
    return RL_STEAL(supply);
}

void rl_supply_free(rl_supply *supply) {
    if (!supply) {
        return;
    }
    bool was_started = supply->reaper != NULL;
    rl_pool_free(supply->pool);
    rl_reaper_free(supply->reaper);
    if (was_started) {
        /* For what the reaper could not remove; what this cannot either, the next runner's sweep will. */
        size_t removed = 0;
        rl_sweep_own(supply->engine, supply->project, supply->runner, &removed, NULL);
    }
    rl_image_table_free(supply->images);
    rl_starts_free(supply->starts);
    rl_engine_free(supply->engine);
    free(supply->project);
    free(supply->runner);
    free(supply->runtime);
    free(supply->seccomp);
    free(supply->apparmor);
    free(supply);
}
