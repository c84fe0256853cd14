/* conversation_parts.h: what the files of a conversation share. conversation.c listens, conversation_send.c speaks.
 * Internal to the two.
 */
#ifndef RL_RUNNER_CONVERSATION_PARTS_H
#define RL_RUNNER_CONVERSATION_PARTS_H

#include "services/runner/conversation.h"

typedef struct {
    const rl_subject *subject;
    rl_transcript *transcript;
    bool run_sent;       /* of a submission without tests */
    int64_t since_us;    /* when the step under way began */
    int64_t deadline_us; /* until when the agent may be silent */
} rl_talk;

/* Sends PING where it is wanted, JOB, and the first RUNs as well where nothing has to happen in between. */
rl_talk_status rl_talk_begin(rl_talk *talk, rl_error *err);

/* The compile step is over and was a success: changes the container's memory where the runs' is another. Then, and after
 * each DONE, sends what may be sent. */
rl_talk_status rl_talk_compiled(rl_talk *talk, rl_error *err);
rl_talk_status rl_talk_send_runs(rl_talk *talk, rl_error *err);

/* REFUSED for what is INVALID, TRANSIENT otherwise; copies `failure`. */
rl_talk_status rl_talk_status_of(const rl_error *failure, rl_error *err);

#endif
