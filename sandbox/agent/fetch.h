/* fetch.h: files of the work folder for the runner, after a run.
 *
 * A child that has become the user opens them, following no link, and hands the descriptors over; the agent reads them, and
 * only those of regular files. No other process of the user's is left, so what is read holds still.
 *
 * Thread: the agent's only one.
 */
#ifndef RL_SANDBOX_AGENT_FETCH_H
#define RL_SANDBOX_AGENT_FETCH_H

#include "sandbox/agent/channel.h"
#include "sandbox/agent/user.h"

/* Sends what the RUN names as FILE frames. false on a fault, and when the runner ended (see the channel's `ended`). */
bool rl_fetch_send(rl_channel *channel, const rl_user *user, const rl_agent_run *run, rl_fault *fault);

#endif
