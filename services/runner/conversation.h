/* conversation.h: JOB -> COMPILED -> RUN -> DONE with one agent, and what was said.
 *
 * A container that has waited for its job is asked for a sign of life first: PING goes out right in front of JOB,
 * and without a prompt PONG the container is given up before anything has happened in it. RUN goes out right behind
 * JOB, unless the container's memory has to change between the compile step and the run; then it waits for
 * COMPILED. The agent keeps the limits; behind it stands a watch of our own: an agent
 * that is silent longer than the phase's wall limit and a generous grace is given up.
 *
 * Thread: one at a time. Memory: three buffers, each bounded by the output limit.
 */
#ifndef RL_RUNNER_CONVERSATION_H
#define RL_RUNNER_CONVERSATION_H

#include "lib/base/log.h"
#include "services/runner/container.h"
#include "services/runner/job.h"
#include "services/runner/verdict.h"

typedef struct {
    rl_buffer bytes;
    bool truncated;
} rl_captured;

typedef struct {
    rl_facts facts;
    rl_captured out, err;
    rl_captured compile;          /* both of the compiler's streams in the order they came */
    rl_agent_failure_code failed; /* of the agent's ERROR; 0: none came */
    uint32_t failed_errno;
    int64_t compiled_us; /* from the first byte sent to COMPILED; 0: it has not come */
    int64_t ran_us;      /* from there to DONE */
} rl_transcript;

/* What a conversation is about; all borrowed. `log` may be NULL. */
typedef struct {
    rl_engine *engine;
    rl_container *container;
    const rl_submission *submission;
    const rl_manifest *manifest;
    const rl_limits *limits; /* effective ones */
    const rl_cancel_token *cancel;
    rl_arena *arena; /* for what the agent is told */
    rl_log *log;
    bool has_waited; /* since READY: it is asked for a sign of life first */
} rl_subject;

typedef enum {
    RL_TALK_DONE,    /* the facts are complete: a compile step that failed, or a run */
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

void rl_transcript_init(rl_transcript *transcript, int64_t output_bytes);
void rl_transcript_free(rl_transcript *transcript);

rl_talk_status rl_converse(const rl_subject *subject, rl_transcript *transcript, rl_error *err);

#define RL_AUTO_TRANSCRIPT RL_CLEANUP(rl_transcript_free)

#endif
