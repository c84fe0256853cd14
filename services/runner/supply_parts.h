/* supply_parts.h: what the supply's own files share: containers and the pool's view of them (supply_open.c), and what others
 * call (supply.c).
 *
 * Thread: any, but for rl_supply_start_pool.
 */
#ifndef RL_RUNNER_SUPPLY_PARTS_H
#define RL_RUNNER_SUPPLY_PARTS_H

#include "services/runner/image_table.h"
#include "services/runner/pool.h"
#include "services/runner/reaper.h"
#include "services/runner/starts.h"
#include "services/runner/supply.h"

struct rl_supply {
    char *project, *runner, *runtime, *seccomp, *apparmor;
    rl_limits maxima;
    bool prestart;
    rl_metric *create, *attach, *start, *ready, *remove, *acquire; /* times of the steps */
    rl_engine *engine;
    rl_image_table *images;
    rl_reaper *reaper;
    rl_starts *starts;
    rl_pool *pool; /* NULL: every container is a cold one */
};

/* The container in which a job of these limits may begin, with that much memory. */
rl_container_spec rl_supply_spec(const rl_supply *supply, const rl_manifest *manifest,
                                 const rl_limits *limits, int64_t memory_bytes);

/* What a submission without wishes of its own has. */
rl_limits rl_supply_default_limits(const rl_supply *supply, const rl_manifest *manifest);

/* A started container whose agent is ready, of the language's pinned image, whose id goes to `ret_image`. An
 * image that has gone since it was pinned is looked up once more. Only a container that is READY is to be
 * dropped by the caller. */
rl_container_status rl_supply_open_cold(rl_supply *supply, const rl_manifest *manifest,
                                        rl_container_spec *spec, const rl_cancel_token *cancel,
                                        char ret_image[RL_IMAGE_ID_SIZE], rl_container *ret, rl_error *err);

/* One for the pool, opened by somebody else than the pool. */
rl_container_status rl_supply_open_prestarted(rl_supply *supply, const rl_manifest *manifest, rl_warm *ret,
                                              rl_error *err);

/* Gets rid of a container: what still runs in it ends now. */
void rl_supply_drop(rl_supply *supply, rl_container *container);

/* The same of one in which nothing runs: its stream is closed later, together with its removal. Whatever there is to be
 * cleared up can wait. */
void rl_supply_drop_at_leisure(rl_supply *supply, rl_container *container);

/* Makes the pool, if there is to be one. */
bool rl_supply_start_pool(rl_supply *supply, const rl_sandbox_options *options, rl_error *err);

#endif
