/* phase.h: one program from fork to the last byte of its output.
 *
 * Theory of operation
 * -------------------
 * One thread, one poll() over the runner's channel, SIGCHLD, the program's three pipes and its report pipe.
 * It wakes for events and at least every few milliseconds, to sample memory and to compare CPU and elapsed
 * time with the limits. Nothing in the loop can block: all descriptors are non-blocking, output is kept in
 * bounded memory while the runner is slow, and a program that does not read its input is not waited for.
 *
 * The phase is over when the main process has ended or a limit was met. Then every other process in the
 * container is killed (as PID 1 the agent is spared by kill(-1), and the kernel excludes forks while it
 * walks the list, so no fork bomb can outrun it), all are reaped, since orphans become ours, and what is
 * left in the pipes is read. A daemon that holds on to standard output is therefore never waited for.
 *
 * CPU is the container's, minus what was there at the start, minus the agent's own since then. Where the
 * control groups are not readable it is the reaped processes', and RLIMIT_CPU is what stops a spinning one.
 */
#ifndef RL_SANDBOX_AGENT_PHASE_H
#define RL_SANDBOX_AGENT_PHASE_H

#include "sandbox/agent/cgroup.h"
#include "sandbox/agent/channel.h"
#include "sandbox/agent/user.h"

/* What the agent owns for its whole life. */
typedef struct rl_agent {
    rl_channel channel;
    rl_cgroup cgroup;
    struct rl_standby *standby; /* what PREPARE started, for the first phase */
    int signal_fd;              /* a non-blocking signalfd for SIGCHLD, which is blocked */
} rl_agent;

typedef struct rl_phase_spec {
    rl_agent_phase phase;
    uint32_t index;
    const rl_user *user;
    const rl_agent_command *command;
    const uint8_t *input;
    size_t input_size;
} rl_phase_spec;

typedef enum rl_phase_end {
    RL_PHASE_COMPLETE, /* `result` is filled and all output has been sent */
    RL_PHASE_ENDED,    /* the runner has gone */
    RL_PHASE_FAULT     /* `fault` is filled */
} rl_phase_end;

/* Runs it. On every return no other process is left, except after a STUCK fault. */
rl_phase_end rl_phase_run(rl_agent *agent, const rl_phase_spec *spec, rl_agent_result *result,
                          rl_fault *fault);

/* Kills and reaps everything but the agent. Only ever as PID 1 of a container: it is kill(-1). false when
 * something did not die in time. */
bool rl_phase_kill_all(rl_agent *agent);

#endif
