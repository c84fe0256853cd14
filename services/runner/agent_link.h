/* agent_link.h: frames of sandbox/protocol.h to and from the agent of one container.
 *
 * Owns the attach stream. What is to be sent is appended to the outbox and leaves while the link waits for the
 * agent's next frame; what comes is put together from the stream's pieces and decoded. Memory is bounded: one
 * frame of the agent's at most, whatever it sends. What the agent prints on standard error (it does so only
 * when it cannot speak the protocol any more) is kept, cut, for a message.
 *
 * Thread: one at a time.
 */
#ifndef RL_RUNNER_AGENT_LINK_H
#define RL_RUNNER_AGENT_LINK_H

#include "sandbox/protocol.h"
#include "services/runner/attach.h"

typedef struct rl_agent_link rl_agent_link;

/* Takes over `attach`, also on failure. NULL and TRANSIENT when memory is short. */
rl_agent_link *rl_agent_link_new(rl_attach *attach, rl_error *err);

/* Closes the stream: the agent, if it still runs, kills everything and exits. */
void rl_agent_link_free(rl_agent_link *link);

/* Queues one frame of the runner's. INVALID where it cannot be encoded (more than the protocol can carry),
 * TRANSIENT when memory is short. */
bool rl_agent_link_send_job(rl_agent_link *link, const rl_agent_job *job, rl_error *err);
bool rl_agent_link_send_run(rl_agent_link *link, const rl_agent_run *run, rl_error *err);

/* Queues a PREPARE. Only for an agent whose READY says RL_AGENT_CAN_PREPARE. */
bool rl_agent_link_send_preparation(rl_agent_link *link, const rl_agent_job *job, rl_error *err);

/* Queues a question that the agent answers at once, before it looks at anything that is sent after it. Only for an
 * agent whose READY says RL_AGENT_CAN_PING. */
bool rl_agent_link_send_ping(rl_agent_link *link, rl_error *err);

/* Whether the agent waits: its stream is open and it has nothing to say. Does not wait. */
bool rl_agent_link_is_quiet(const rl_agent_link *link);

/* One frame of the agent's, decoded; what it points at is good until the next call. */
typedef struct {
    rl_agent_frame_type type; /* READY, PONG (no contents), COMPILED, OUTPUT, FILE, DONE, SNAPSHOT or ERROR */
    union {
        rl_agent_ready ready;
        rl_agent_result result; /* COMPILED and DONE */
        rl_agent_output output;
        rl_agent_piece piece; /* FILE and SNAPSHOT */
        rl_agent_failure failure;
    };
} rl_agent_message;

typedef enum {
    RL_LINK_MESSAGE,
    RL_LINK_ENDED,     /* the agent's side has ended: it has exited or been killed */
    RL_LINK_SILENT,    /* the deadline passed without the end of a frame */
    RL_LINK_CANCELLED, /* the token was set */
    RL_LINK_BROKEN,    /* what came is not the protocol, or the connection failed; `err` says which */
} rl_link_status;

/* Waits until the monotonic `deadline_us` for the agent's next frame. `cancel` may be NULL. */
rl_link_status rl_agent_link_next(rl_agent_link *link, const rl_cancel_token *cancel, int64_t deadline_us,
                                  rl_agent_message *ret, rl_error *err);

/* What came on standard error so far, printable ASCII, cut; "" if nothing did. Valid as long as the link. */
const char *rl_agent_link_last_words(const rl_agent_link *link);

RL_DEFINE_CLEANUP(rl_agent_link_slot, rl_agent_link, rl_agent_link_free)
#define RL_AUTO_AGENT_LINK RL_CLEANUP(rl_agent_link_slot)

#endif
