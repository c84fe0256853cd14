/* files.h: putting the submission's files into the work folder. */
#ifndef RL_SANDBOX_AGENT_FILES_H
#define RL_SANDBOX_AGENT_FILES_H

#include "sandbox/agent/user.h"

/* Writes `files` as the user, in a child, and waits for it: folders on the way are made, no link is
 * followed, an existing file is an error. To be called before any user code has run, while no other child
 * exists. false and `fault` (FILES with errno; SYSTEM when the child itself cannot be had). */
bool rl_files_write(const rl_user *user, const rl_agent_file *files, size_t count, rl_fault *fault);

#endif
