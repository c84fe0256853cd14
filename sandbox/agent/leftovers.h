/* leftovers.h: what a program can leave behind outside its work folder: System V IPC objects, message queues, files in /tmp
 * and /dev/shm.
 */
#ifndef RL_SANDBOX_AGENT_LEFTOVERS_H
#define RL_SANDBOX_AGENT_LEFTOVERS_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

enum { RL_LEFTOVERS_FOLDERS = 2 };

/* What is remembered of the folders outside the work folder: their permissions, and when they were modified. */
typedef struct rl_leftovers {
    mode_t modes[RL_LEFTOVERS_FOLDERS];
    struct timespec modified[RL_LEFTOVERS_FOLDERS];
} rl_leftovers;

/* Before any program has run. Looks at nothing that a program could have put there. */
void rl_leftovers_note(rl_leftovers *before);

/* Removes all of it, as a child that has become the user, when no other process of the user's is left. false with errno and
 * *failed, the step. */
bool rl_leftovers_remove(const rl_leftovers *before, const char **failed);

#endif
