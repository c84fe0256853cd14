/* supply_open.c: how a container is opened and got rid of, for a submission at once or for the pool. */
#include "services/runner/job.h"
#include "services/runner/prestart.h"
#include "services/runner/supply_parts.h"
#include "services/runner/sweep.h"

/* ---- containers ---- */

rl_container_spec rl_supply_spec(const rl_supply *supply, const rl_manifest *manifest,
                                 const rl_limits *limits, int64_t memory_bytes) {
    return (rl_container_spec){
        .project = supply->project,
        .runner = supply->runner,
        .language = manifest->name,
        .runtime = supply->runtime,
        .seccomp = supply->seccomp,
        .apparmor = supply->apparmor,
        .memory_bytes = memory_bytes,
        .processes =
            limits->processes > RL_SANDBOX_PROCESSES_MIN ? limits->processes : RL_SANDBOX_PROCESSES_MIN,
        .file_bytes = limits->file_bytes,
        .ceilings = supply->maxima,
    };
}

void rl_supply_drop_at_leisure(rl_supply *supply, rl_container *container) {
    if (container->id[0] != '\0') {
        rl_reaper_add(supply->reaper, container->id, RL_STEAL(container->link));
        container->id[0] = '\0';
    }
    rl_container_close(container);
}

void rl_supply_drop(rl_supply *supply, rl_container *container) {
    rl_container_close(container);
    rl_supply_drop_at_leisure(supply, container);
}

static void observe_opening(const rl_supply *supply, const rl_container *container) {
    rl_metric_observe_us(supply->create, container->create_us);
    rl_metric_observe_us(supply->attach, container->attach_us);
    rl_metric_observe_us(supply->start, container->start_us);
    rl_metric_observe_us(supply->ready, container->ready_us);
}

rl_container_status rl_supply_open_cold(rl_supply *supply, const rl_manifest *manifest,
                                        rl_container_spec *spec, const rl_cancel_token *cancel,
                                        char ret_image[RL_IMAGE_ID_SIZE], rl_container *ret, rl_error *err) {
    for (int i = 0;; i++) {
        rl_error failure = RL_ERROR_INIT;
        if (!rl_image_table_find(supply->images, supply->engine, spec->language, ret_image, &failure)) {
            if (err) {
                *err = failure;
            }
            return failure.code == 404 ? RL_CONTAINER_NO_IMAGE : RL_CONTAINER_TRANSIENT;
        }
        spec->image = ret_image;
        rl_container_status status = rl_container_open(supply->engine, spec, cancel, ret, err);
        if (status == RL_CONTAINER_READY) {
            observe_opening(supply, ret);
            rl_starts_note(supply->starts, manifest);
            return status;
        }
        rl_supply_drop(supply, ret);
        if (status != RL_CONTAINER_NO_IMAGE || i > 0) {
            return status;
        }
        rl_image_table_unpin(supply->images, spec->language);
    }
}

/* ---- the pool's view ---- */

rl_limits rl_supply_default_limits(const rl_supply *supply, const rl_manifest *manifest) {
    return rl_job_limits(&manifest->limits, &manifest->limits, &supply->maxima);
}

/* Warm containers are made for what a submission without wishes of its own needs. */
static rl_container_status open_warm(void *context, const rl_manifest *manifest, rl_warm *ret,
                                     rl_error *err) {
    rl_supply *supply = context;
    rl_limits limits = rl_supply_default_limits(supply, manifest);
    rl_container_spec spec = rl_supply_spec(supply, manifest, &limits, limits.run.memory_bytes);
    return rl_supply_open_cold(supply, manifest, &spec, NULL, ret->image, &ret->container, err);
}

static rl_container_status prestart(void *context, const rl_manifest *manifest, rl_warm *warm,
                                    rl_error *err) {
    const rl_supply *supply = context;
    rl_limits limits = rl_supply_default_limits(supply, manifest);
    return supply->prestart ? rl_prestart(&warm->container, manifest, &limits, err) : RL_CONTAINER_READY;
}

rl_container_status rl_supply_open_prestarted(rl_supply *supply, const rl_manifest *manifest, rl_warm *ret,
                                              rl_error *err) {
    rl_container_status status = open_warm(supply, manifest, ret, err);
    if (status == RL_CONTAINER_READY) {
        status = prestart(supply, manifest, ret, err);
        if (status != RL_CONTAINER_READY) {
            rl_supply_drop(supply, &ret->container);
        }
    }
    return status;
}

static bool is_fit(void *context, const rl_manifest *manifest, const rl_warm *warm) {
    rl_supply *supply = context;
    return rl_agent_link_is_quiet(warm->container.link) &&
           rl_image_table_is_pinned(supply->images, manifest->name, warm->image);
}

static bool list_running(void *context, rl_engine_row **ret, size_t *ret_count, rl_error *err) {
    rl_supply *supply = context;
    return rl_sweep_list_running(supply->engine, supply->project, supply->runner, ret, ret_count, err);
}

static void discard_warm(void *context, rl_warm *warm) {
    rl_supply_drop(context, &warm->container);
}

bool rl_supply_start_pool(rl_supply *supply, const rl_sandbox_options *options, rl_error *err) {
    if (options->pool_size == 0 || !options->languages) {
        return true;
    }
    const rl_pool_options pool = {
        .keeper = {supply, open_warm, prestart, is_fit, list_running, discard_warm},
        .languages = options->languages,
        .size = options->pool_size,
        .memory_bytes = options->pool_memory_bytes,
        .prestarts = options->prestart,
        .slots = options->slots,
        .longest_idle_us = options->pool_idle_us,
        .log = options->log,
        .metrics = options->metrics,
    };
    supply->pool = rl_pool_new(&pool, err);
    return supply->pool != NULL;
}
