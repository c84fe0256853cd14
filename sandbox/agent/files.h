/* files.h: putting the submission's files into the work folder. */
#ifndef RL_SANDBOX_AGENT_FILES_H
#define RL_SANDBOX_AGENT_FILES_H

#include "sandbox/agent/user.h"

/* Puts the job's files into the work folder as the user, in a child, and waits for it: first archives and a snapshot, in a
 * confined one, then plain files, which replace what they find. Folders on the way are made, no link is followed. To be
 * called before any user code has run. false and `fault` (ARCHIVE with the file's index; FILES with errno; SYSTEM when the
 * child itself cannot be had). */
bool rl_files_write(const rl_user *user, const rl_agent_job *job, rl_fault *fault);

#endif
