/* standby.h: a process that is started before its job is there.
 *
 * Theory of operation
 * -------------------
 * An interpreter takes longer to start than most programs take to run. A container that waits has the time: with
 * PREPARE the runner names the user and a command, and the agent starts it exactly as it would start a program, as that
 * user, in the work folder, under the limits and the filter, with the three pipes that will be the program's. It gets one
 * descriptor more, number 3, a local socket of sequenced packets. What it says there:
 *
 *     standby: 'R'              ready; from here on it waits
 *     agent: the step's argv    each element followed by a NUL: be this program, now
 *     standby: 'Y' or 'N'       'Y': I am. It closes the socket and goes on as the program
 *                               'N', or its end: I cannot be; the agent ends it and starts the program the ordinary way
 *
 * So the program is that process itself: no parent of it, no server is left beside it. It serves the container's first
 * step and no other, because after a step every process is ended. Nobody's code has run in the container before.
 *
 * Whatever does not fit is answered by starting the program the ordinary way: another user, environment or stack, a
 * limit above the one that it was started under, a process that has died or does not answer in time, or that has used so much
 * CPU time while it waited that its RLIMIT_CPU may end its step early. Lower limits are
 * set by a child that becomes the user. What the standby has used before its step is not the step's: CPU time counts
 * from there. The memory that it has is.
 *
 * That the socket belongs to root is how the started process can tell it from any other descriptor 3.
 *
 * Thread: the agent's only one.
 */
#ifndef RL_SANDBOX_AGENT_STANDBY_H
#define RL_SANDBOX_AGENT_STANDBY_H

#include "sandbox/agent/exec.h"
#include "sandbox/agent/phase.h"
#include "sandbox/agent/usage.h"

typedef struct rl_standby {
    rl_process process; /* pid 0: there is none; then nothing else counts */
    int control_fd;     /* ours of the two ends */
    rl_request request; /* owns what `job` points into, as long as the agent lives */
    rl_agent_job job;   /* PREPARE has the layout of a JOB */
    rl_user user;
} rl_standby;

/* Starts what PREPARE asks for; `request` is taken over. false and `fault` when the payload makes no sense (PROTOCOL). That
 * nothing could be started is no fault: the step is then started the ordinary way. */
bool rl_standby_prepare(rl_agent *agent, rl_request *request, rl_fault *fault);

/* Begins a phase: takes its starting figures and makes the standby its program or, where there is none that fits, starts
 * the program. No other process of the user is left. false and `fault` (SYSTEM, STUCK) when that failed. */
bool rl_standby_begin(rl_agent *agent, const rl_phase_spec *spec, rl_usage *usage, rl_process *process,
                      rl_fault *fault);

#endif
