/* snapshot.h: the work folder as it was before the first run, held by the agent where no program reaches it.
 *
 * It is a memory file that a child fills as the user and that is sealed before any program runs; programs do not inherit
 * it. What it takes counts as the container's memory while it is held, so one is only taken where it is wanted: before
 * several runs, or when the runner asks for it.
 *
 * Thread: the agent's only one.
 */
#ifndef RL_SANDBOX_AGENT_SNAPSHOT_H
#define RL_SANDBOX_AGENT_SNAPSHOT_H

#include "sandbox/agent/channel.h"
#include "sandbox/agent/leftovers.h"
#include "sandbox/agent/user.h"

typedef struct rl_snapshot {
    bool is_taken;
    int fd;      /* -1: there is none, because it would have been too large */
    size_t size; /* bytes */
    rl_leftovers outside;
} rl_snapshot;

/* Takes it, of at most `most` bytes. false and `fault` when that failed (FILES: EFBIG is too large, ENOMEM is memory that is short); the snapshot
 * is then taken and empty, which matters only to who needs it. */
bool rl_snapshot_take(const rl_user *user, int64_t most, rl_snapshot *snapshot, rl_fault *fault);

/* Brings the work folder back, and removes what else a program may have left. No process of the user's is left. */
bool rl_snapshot_restore(const rl_user *user, const rl_snapshot *snapshot, rl_fault *fault);

/* Sends it as SNAPSHOT frames, or that it is larger than `most`. false when the runner ended. */
bool rl_snapshot_send(rl_channel *channel, const rl_snapshot *snapshot, int64_t most);

void rl_snapshot_destroy(rl_snapshot *snapshot);

#endif
