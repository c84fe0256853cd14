/* restore.h: making a folder what a tree says, as a child that has become the user.
 *
 * What is already so is left alone, which is the usual case and has to be quick. Contents are compared byte by byte rather
 * than by size and times: a program that has mapped a file of a tmpfs can change it without any of its times moving.
 */
#ifndef RL_SANDBOX_AGENT_RESTORE_H
#define RL_SANDBOX_AGENT_RESTORE_H

#include "sandbox/agent/tree.h"

/* The open folder `top` becomes what `tree` holds: what is not in it goes, what differs is made anew. false with errno and
 * *failed, the step. */
bool rl_restore_tree(int top, const rl_tree *tree, const char **failed);

#endif
