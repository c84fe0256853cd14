/* exec.h: starting a program as the user.
 *
 * The child gives up everything on its way to execve, in an order where each step still has the powers it
 * needs: own session, first candidate for the out-of-memory killer, descriptors 0-2 and no other, resource
 * limits, identity, signals, the user's seccomp filter, work folder. The agent learns of a failure through
 * a pipe that closes by itself when execve succeeds.
 */
#ifndef RL_SANDBOX_AGENT_EXEC_H
#define RL_SANDBOX_AGENT_EXEC_H

#include "sandbox/agent/user.h"

#include <sys/resource.h>

/* A started program; the agent's ends of its pipes are owned by whoever holds this. */
typedef struct rl_process {
    pid_t pid;
    int stdin_fd;  /* writing end, non-blocking */
    int stdout_fd; /* reading ends, non-blocking */
    int stderr_fd;
    int report_fd; /* reading end: one rl_child_report, or end of file once the program runs */
} rl_process;

/* The resource limits that `limits` mean for each process. */
#define RL_RLIMIT_COUNT 5
typedef struct rl_rlimits {
    struct {
        __rlimit_resource_t resource;
        rlim_t value;
    } of[RL_RLIMIT_COUNT];
} rl_rlimits;

rl_rlimits rl_exec_rlimits(const rl_agent_limits *limits);

/* Forks and starts `command`. `control_fd` becomes its descriptor 3 and stays the caller's; -1: it gets 0 to 2 alone.
 * false and `fault` (SYSTEM) when even the fork failed; `process` then owns nothing. A failure in the child comes through
 * report_fd. */
bool rl_exec_start(const rl_user *user, const rl_agent_command *command, int control_fd, rl_process *process,
                   rl_fault *fault);

#endif
