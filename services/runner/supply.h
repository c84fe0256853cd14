/* supply.h: where containers come from and where they go.
 *
 * One that is asked for comes from the pool (pool.h), or is started on the spot; either way it is of the language's
 * pinned image, its agent is ready, and it has the limits that were asked for. Limits other than those that it was
 * made with are changed by the Engine, which costs some 50 ms. One that is given back is removed in the background
 * (reaper.h).
 *
 * Thread: all functions but rl_supply_new and rl_supply_free from any thread.
 */
#ifndef RL_RUNNER_SUPPLY_H
#define RL_RUNNER_SUPPLY_H

#include "services/runner/container.h"
#include "services/runner/sandbox.h"

/* The histogram of a run's steps; these last ones are not of the supply's making. */
#define RL_STEP_METRIC "runlog_runner_sandbox_step_seconds"
#define RL_STEP_HELP "time of one step of a sandbox's life"
#define RL_STEP_COMPILE "step=\"compile\""
#define RL_STEP_RUN "step=\"run\""
#define RL_STEP_JOB "step=\"job\""

typedef struct rl_supply rl_supply;

/* As rl_sandbox_new and rl_sandbox_free, which these do the work of. */
rl_supply *rl_supply_new(const rl_sandbox_options *options, rl_error *err);
void rl_supply_free(rl_supply *supply);

/* As rl_sandbox_check_language. */
rl_image_status rl_supply_check(rl_supply *supply, const rl_manifest *manifest,
                                char ret_digest[RL_IMAGE_DIGEST_SIZE], rl_error *err);

/* The limits that are enforced of those asked for (job.h). */
rl_limits rl_supply_limits(const rl_supply *supply, const rl_manifest *manifest, const rl_limits *asked);

/* What is wanted; all borrowed, the manifest until rl_supply_free. */
typedef struct {
    const rl_manifest *manifest;
    const rl_limits *limits; /* effective ones */
    int64_t memory_bytes;    /* to begin with */
    bool cold;               /* no warm one */
    const rl_cancel_token *cancel;
} rl_order;

typedef struct {
    rl_container container;
    char image[RL_IMAGE_ID_SIZE];
    bool is_warm; /* also filled when the taking failed */
} rl_supplied;

/* Only what is READY is to be given back. `is_done`: nothing runs in it any more; otherwise whatever does ends now. */
rl_container_status rl_supply_take(rl_supply *supply, const rl_order *order, rl_supplied *ret, rl_error *err);
void rl_supply_discard(rl_supply *supply, rl_supplied *supplied, bool is_done);

/* Counts a warm container that turned out to be none. */
void rl_supply_complain(rl_supply *supply);

/* While a program runs the pool is refilled more slowly. */
void rl_supply_begin_program(rl_supply *supply);
void rl_supply_end_program(rl_supply *supply);

/* A container of the language did not start, in an attempt that began at `since_us` (monotonic): whether those of others
 * do, which is tried with one where it is not known (starts.h). May take as long as a cold start. */
bool rl_supply_others_start(rl_supply *supply, const rl_manifest *manifest, int64_t since_us);

/* Whether nothing starts, as far as is known. */
bool rl_supply_is_ill(rl_supply *supply);

rl_engine *rl_supply_engine(rl_supply *supply);

/* Warm containers of the language at the moment. */
size_t rl_supply_warm(rl_supply *supply, const char *language);

RL_DEFINE_CLEANUP(rl_supply_slot, rl_supply, rl_supply_free)
#define RL_AUTO_SUPPLY RL_CLEANUP(rl_supply_slot)

#endif
