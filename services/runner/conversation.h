/* conversation.h: JOB -> COMPILED -> RUN -> DONE with one agent, RUN -> DONE for each test, and what was said.
 *
 * A container that has waited for its job is asked for a sign of life first: PING goes out right in front of JOB,
 * and without a prompt PONG the container is given up before anything has happened in it. RUN goes out right behind
 * JOB, unless the container's memory has to change between the compile step and the run; then it waits for
 * COMPILED. Of several tests, the next one's RUN goes out while one runs, where it is known to be wanted (judging.h). The
 * agent keeps the limits; behind it stands a watch of our own: an agent that is silent longer than the wall limit of what
 * it is doing and a generous grace is given up.
 *
 * A compile step that is known already (compile_cache.h) is not repeated: the JOB then holds the work folder as it was.
 * One that may be kept is asked for, and comes before the first run: then however the runs end, it is there. If it does
 * not come, nothing is lost.
 *
 * Thread: one at a time. Memory: that of the transcript.
 */
#ifndef RL_RUNNER_CONVERSATION_H
#define RL_RUNNER_CONVERSATION_H

#include "lib/base/log.h"
#include "services/runner/compile_cache.h"
#include "services/runner/container.h"
#include "services/runner/job.h"
#include "services/runner/transcript.h"

/* What a conversation is about; all borrowed. `log` may be NULL. */
typedef struct {
    rl_engine *engine;
    rl_container *container;
    const rl_submission *submission;
    const rl_manifest *manifest;
    const rl_limits *limits; /* effective ones */
    const rl_cancel_token *cancel;
    const rl_compiled *compiled; /* what the compile step would give; NULL: it is to be executed */
    size_t snapshot_bytes;       /* of a snapshot that is wanted, at most; 0: none is */
    rl_arena *arena;             /* for what the agent is told */
    rl_log *log;
    bool has_waited; /* since READY: it is asked for a sign of life first */
} rl_subject;

typedef enum {
    RL_TALK_DONE,    /* the facts are complete: a compile step that failed, or all runs */
    RL_TALK_MUTE,    /* a container that has waited gave no sign of life: nothing of the job has happened */
    RL_TALK_ENDED,   /* the agent's side ended before that; `err` has its last words */
    RL_TALK_SILENT,  /* the agent was silent past every limit */
    RL_TALK_UNFAIR,  /* the host had no memory left and the kernel killed some of the program for it */
    RL_TALK_FAILED,  /* the agent said ERROR, or spoke nonsense; `err` has its words */
    RL_TALK_REFUSED, /* the submission does not fit into the protocol; `err` says what */
    RL_TALK_CANCELLED,
    RL_TALK_TRANSIENT, /* the Engine is away, or memory is short */
    RL_TALK_OPEN,      /* not over yet; rl_converse never returns it */
} rl_talk_status;

rl_talk_status rl_converse(const rl_subject *subject, rl_transcript *transcript, rl_error *err);

#endif
