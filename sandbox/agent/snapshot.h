/* snapshot.h: the work folder as it was before the first run, held by the agent where no program reaches it; and the
 * places outside that folder, as they were before anything ran.
 *
 * The copy is a memory file that a child fills as the user and that is sealed before any program runs; programs do not
 * inherit it. What it takes counts as the container's memory while it is held, so one is only taken where it is wanted,
 * before several runs or when the runner asks for it, and only held where a later run needs it.
 *
 * Thread: the agent's only one.
 */
#ifndef RL_SANDBOX_AGENT_SNAPSHOT_H
#define RL_SANDBOX_AGENT_SNAPSHOT_H

#include "sandbox/agent/channel.h"
#include "sandbox/agent/leftovers.h"
#include "sandbox/agent/user.h"

typedef struct rl_snapshot {
    int fd;      /* -1: there is none */
    size_t size; /* bytes */
    rl_leftovers outside;
} rl_snapshot;

/* Before any program has run: there is no copy yet, and nothing outside the work folder. */
void rl_snapshot_init(rl_snapshot *snapshot);

/* Takes the copy, of at most `most` bytes. false and `fault` when that failed (FILES: EFBIG is too large, ENAMETOOLONG a
 * path longer than RL_TREE_PATH_MAX, ENOMEM memory that is short); there is none then, which matters only to who needs
 * it. */
bool rl_snapshot_take(const rl_user *user, int64_t most, rl_snapshot *snapshot, rl_fault *fault);

/* Removes what a program may have left outside the work folder. As below: no process of the user's is left; false and
 * `fault`, FILES with ENOMEM where memory is short. */
bool rl_snapshot_clean_outside(const rl_user *user, const rl_snapshot *snapshot, rl_fault *fault);

/* The same, and brings the work folder back. There is a copy. */
bool rl_snapshot_restore(const rl_user *user, const rl_snapshot *snapshot, rl_fault *fault);

/* Sends it as SNAPSHOT frames, or that there is none, or none of at most `most` bytes. false when the runner ended. */
bool rl_snapshot_send(rl_channel *channel, const rl_snapshot *snapshot, int64_t most);

/* Gives up the copy, if there is one. */
void rl_snapshot_drop(rl_snapshot *snapshot);

#endif
