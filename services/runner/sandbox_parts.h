/* sandbox_parts.h: what the files of the sandbox share: sandbox.c from a submission to its result, attempt.c with one
 * container. Internal to the two.
 */
#ifndef RL_RUNNER_SANDBOX_PARTS_H
#define RL_RUNNER_SANDBOX_PARTS_H

#include "services/runner/conversation.h"
#include "services/runner/sandbox.h"
#include "services/runner/supply.h"

struct rl_sandbox {
    rl_supply *supply;
    rl_compile_cache *compile_cache; /* NULL: off */
    rl_log *log;
    rl_metric *compile_time; /* of compile steps, as the runner sees them */
    rl_metric *run_time;     /* of all tests together, where there are some */
    rl_metric *job_time;
    rl_metric *lost;     /* agents that died for no reason of the program's */
    rl_metric *repeated; /* compile steps that needed more memory than the run has */
};

/* What stays the same over the tries of one run. */
typedef struct {
    rl_sandbox *sandbox;
    const rl_submission *submission;
    const rl_manifest *manifest;
    rl_limits limits;
    const rl_cancel_token *cancel;
    rl_arena *arena;
    bool cold;     /* warm containers have let it down */
    bool uncached; /* the compile cache has let it down */
    bool starved;  /* the compile step has been seen to need more memory than the run has */
    char image[RL_IMAGE_ID_SIZE];
    int64_t began_us;   /* monotonic */
    int64_t started_us; /* wall clock */
} rl_run;

/* How one container served. */
typedef enum {
    RL_TRY_JUDGED, /* the transcript holds what there is to judge */
    RL_TRY_LOST,   /* the agent died for no reason of the program's */
    RL_TRY_DIED,   /* the same before anything of the submission was executed: it can wait */
    RL_TRY_MUTE,   /* a warm container was none any more: nothing has happened in it */
    RL_TRY_STALE, /* what the compile cache held was of no use: nothing of the submission has been executed */
    RL_TRY_STARVED, /* the compile step gets another chance, with all of its memory */
    RL_TRY_FAILED,  /* it will not get better: SYSTEM_ERROR with `err` */
    RL_TRY_CANCELLED,
    RL_TRY_TRANSIENT,
    RL_TRY_UNFAIR, /* ended from outside: as TRANSIENT, but it may be the program that brings the host to it */
    RL_TRY_NO_IMAGE,
} rl_try_status;

/* Takes a container, has the conversation in it and gives it up. */
rl_try_status rl_run_try(rl_run *r, rl_transcript *transcript, rl_error *err);

#endif
