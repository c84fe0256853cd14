/* main.c: the agent, process 1 of every sandbox container.
 *
 * It holds one conversation with the runner (sandbox/protocol.h) and exits: 0 when the conversation came to
 * its end, 1 when the runner went away or asked us to stop, 2 after a failure of ours. As the container's
 * PID 1 its exit makes the kernel kill whatever is left in the container.
 *
 * It is root only in name: no capability but SETUID and SETGID (to become the user in a child) and KILL (to
 * end the user's processes without forking, which a fork bomb would prevent). It is not dumpable, so that
 * nothing of it can be read or traced through /proc by anybody in the container.
 */
#include "sandbox/agent/clock.h"
#include "sandbox/agent/fetch.h"
#include "sandbox/agent/files.h"
#include "sandbox/agent/names.h"
#include "sandbox/agent/snapshot.h"
#include "sandbox/agent/standby.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* A copy that only the runner wants takes no more than this part of the memory that the run may have: it is gone before
 * the run begins, and should not meet the container's limit until then. */
enum { COPY_SHARE = 8 };

enum { EXIT_DONE = 0, EXIT_ENDED = 1, EXIT_FAULT = 2 };

typedef struct conversation {
    rl_agent agent;
    rl_standby standby;
    rl_request job_request; /* owns what `job` and `user` point into */
    rl_agent_job job;
    rl_user user;
    rl_snapshot snapshot;
    bool has_run;
} conversation;

static void stop(int number) {
    (void)number;
    _exit(EXIT_ENDED);
}

/* Without a handler the kernel hides SIGTERM and SIGINT from a PID 1, and stopping takes the Engine's whole
 * grace. */
static bool prepare_process(rl_agent *agent, rl_fault *fault) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
        signal(SIGTERM, stop) == SIG_ERR || signal(SIGINT, stop) == SIG_ERR ||
        sigprocmask(SIG_BLOCK, &child, NULL) != 0) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, errno, "preparing the process");
    }
    agent->signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (agent->signal_fd < 0) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, errno, "making a signalfd");
    }
    return true;
}

static bool say_ready(rl_agent *agent) {
    const rl_agent_ready ready = {RL_AGENT_PROTOCOL_VERSION, (uint32_t)agent->cgroup.version,
                                  rl_cgroup_accounting(&agent->cgroup) | RL_AGENT_CAN_PING |
                                      RL_AGENT_CAN_CLEAN | RL_AGENT_CAN_FETCH | RL_AGENT_CAN_UNPACK |
                                      RL_AGENT_CAN_SNAPSHOT | RL_AGENT_CAN_PREPARE,
                                  RL_VERSION};
    return rl_channel_send_ready(&agent->channel, &ready);
}

/* Waits for a frame, answering PINGs. ENDED, or FAULT when what came is not the protocol. */
static rl_phase_end await_any(rl_agent *agent, rl_request *request, rl_fault *fault) {
    while (rl_channel_await(&agent->channel, request, fault)) {
        if (request->type != RL_AGENT_PING || request->size > 0) {
            return RL_PHASE_COMPLETE;
        }
        free(request->payload);
        request->payload = NULL;
        if (!rl_channel_send_pong(&agent->channel)) {
            return RL_PHASE_ENDED;
        }
    }
    return agent->channel.ended ? RL_PHASE_ENDED : RL_PHASE_FAULT;
}

/* Waits for a frame of `type`. ENDED, or FAULT when another one came. */
static rl_phase_end await(rl_agent *agent, rl_agent_frame_type type, rl_request *request, rl_fault *fault) {
    rl_phase_end end = await_any(agent, request, fault);
    if (end == RL_PHASE_COMPLETE && request->type != type) {
        rl_fault_set(fault, RL_AGENT_FAILURE_PROTOCOL, 0, "a frame out of turn");
        return RL_PHASE_FAULT;
    }
    return end;
}

/* Waits for the JOB. A PREPARE may come before it. */
static rl_phase_end await_job(conversation *c, rl_fault *fault) {
    for (;;) {
        rl_phase_end end = await_any(&c->agent, &c->job_request, fault);
        if (end != RL_PHASE_COMPLETE || c->job_request.type == RL_AGENT_JOB) {
            return end;
        }
        if (c->job_request.type != RL_AGENT_PREPARE) {
            rl_fault_set(fault, RL_AGENT_FAILURE_PROTOCOL, 0, "a frame out of turn");
            return RL_PHASE_FAULT;
        }
        if (!rl_standby_prepare(&c->agent, &c->job_request, fault)) {
            return RL_PHASE_FAULT;
        }
    }
}

static rl_phase_end accept_job(conversation *c, rl_fault *fault) {
    rl_phase_end end = await_job(c, fault);
    if (end != RL_PHASE_COMPLETE) {
        return end;
    }
    const char *why = NULL;
    if (!rl_agent_job_decode(c->job_request.payload, c->job_request.size, &c->job, &why)) {
        rl_fault_set(fault, RL_AGENT_FAILURE_PROTOCOL, 0, why);
        return RL_PHASE_FAULT;
    }
    c->user = (rl_user){c->job.uid, c->job.gid, c->job.work_dir, c->job.env};
    return rl_files_write(&c->user, &c->job, fault) ? RL_PHASE_COMPLETE : RL_PHASE_FAULT;
}

/* Also without a compile step: the runner always hears COMPILED. */
static rl_phase_end compile(conversation *c, rl_agent_result *result, rl_fault *fault) {
    *result = (rl_agent_result){.flags = RL_AGENT_SKIPPED};
    if (c->job.has_compile) {
        rl_phase_spec spec = {RL_AGENT_PHASE_COMPILE, 0, &c->user, &c->job.compile, NULL, 0};
        rl_phase_end end = rl_phase_run(&c->agent, &spec, result, fault);
        if (end != RL_PHASE_COMPLETE) {
            return end;
        }
    }
    return rl_channel_send_result(&c->agent.channel, RL_AGENT_COMPILED, result) ? RL_PHASE_COMPLETE
                                                                                : RL_PHASE_ENDED;
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Before the first run: what the compile step left outside the work folder goes, and a copy of the folder is taken where
 * it will be needed: for cleaning before a later run, or because the runner wants it. */
static bool prepare_first(conversation *c, bool is_last, int64_t memory_bytes, rl_fault *fault) {
    if (c->job.has_compile && !rl_snapshot_clean_outside(&c->user, &c->snapshot, fault)) {
        return false;
    }
    int64_t most = is_last ? smaller(c->job.snapshot_bytes, memory_bytes / COPY_SHARE) : INT64_MAX;
    /* Without later runs it is for the runner's sake alone: that there is none is no fault. */
    return most == 0 || rl_snapshot_take(&c->user, most, &c->snapshot, fault) || is_last;
}

/* Gives the runner the copy that it asked for. A program that is not cleaned up after is run without one in memory. */
static bool hand_over_copy(conversation *c, bool is_last) {
    bool sent = c->job.snapshot_bytes == 0 ||
                rl_snapshot_send(&c->agent.channel, &c->snapshot, c->job.snapshot_bytes);
    if (is_last) {
        rl_snapshot_drop(&c->snapshot);
    }
    return sent;
}

/* Everything as this run shall find it. */
static rl_phase_end prepare_run(conversation *c, const rl_agent_run *run, rl_fault *fault) {
    bool is_last = (run->flags & RL_AGENT_RUN_LAST) != 0;
    if (!c->has_run) {
        c->has_run = true;
        if (!prepare_first(c, is_last, run->command.limits.memory_bytes, fault)) {
            return RL_PHASE_FAULT;
        }
        return hand_over_copy(c, is_last) ? RL_PHASE_COMPLETE : RL_PHASE_ENDED;
    }
    bool as_it_is = (run->flags & RL_AGENT_RUN_CLEAN) == 0;
    return as_it_is || rl_snapshot_restore(&c->user, &c->snapshot, fault) ? RL_PHASE_COMPLETE
                                                                          : RL_PHASE_FAULT;
}

static rl_phase_end run_decoded(conversation *c, const rl_agent_run *run, rl_fault *fault) {
    rl_phase_end end = prepare_run(c, run, fault);
    if (end != RL_PHASE_COMPLETE) {
        return end;
    }
    rl_phase_spec spec = {RL_AGENT_PHASE_RUN, run->index, &c->user,
                          &run->command,      run->input, run->input_size};
    rl_agent_result result;
    end = rl_phase_run(&c->agent, &spec, &result, fault);
    if (end != RL_PHASE_COMPLETE) {
        return end;
    }
    if (run->fetch_count > 0 && !rl_fetch_send(&c->agent.channel, &c->user, run, fault)) {
        return c->agent.channel.ended ? RL_PHASE_ENDED : RL_PHASE_FAULT;
    }
    return rl_channel_send_result(&c->agent.channel, RL_AGENT_DONE, &result) ? RL_PHASE_COMPLETE
                                                                             : RL_PHASE_ENDED;
}

/* One RUN. `*last` tells whether it was the last one. */
static rl_phase_end run_once(conversation *c, bool *last, rl_fault *fault) {
    rl_request request = {.payload = NULL};
    rl_phase_end end = await(&c->agent, RL_AGENT_RUN, &request, fault);
    if (end == RL_PHASE_COMPLETE) {
        rl_agent_run run;
        const char *why = NULL;
        if (rl_agent_run_decode(request.payload, request.size, &run, &why)) {
            *last = (run.flags & RL_AGENT_RUN_LAST) != 0;
            end = run_decoded(c, &run, fault);
        } else {
            rl_fault_set(fault, RL_AGENT_FAILURE_PROTOCOL, 0, why);
            end = RL_PHASE_FAULT;
        }
    }
    free(request.payload);
    return end;
}

static rl_phase_end converse(conversation *c, rl_fault *fault) {
    if (!say_ready(&c->agent)) {
        return RL_PHASE_ENDED;
    }
    rl_names_visit(RL_NAMES_LIST); /* a job that is here already waits a moment, and gains more than that */
    rl_phase_end end = accept_job(c, fault);
    rl_agent_result compiled;
    if (end == RL_PHASE_COMPLETE) {
        end = compile(c, &compiled, fault);
    }
    bool last = end == RL_PHASE_COMPLETE && !rl_agent_result_is_success(&compiled);
    while (end == RL_PHASE_COMPLETE && !last) {
        end = run_once(c, &last, fault);
    }
    if (end == RL_PHASE_COMPLETE) {
        rl_channel_await_end(&c->agent.channel, rl_clock_now_us() + RL_AGENT_LINGER_US);
    }
    return end;
}

/* ERROR to the runner; a line for `docker logs` if even that fails. */
static int report_fault(rl_agent *agent, const rl_fault *fault) {
    if (!rl_channel_send_fault(&agent->channel, fault)) {
        fprintf(stderr, "runlog-agent: %s: %s\n", fault->doing, strerror(fault->os_error));
    }
    return EXIT_FAULT;
}

int main(void) {
    if (getpid() != 1) {
        /* It kills with kill(-1): anywhere else that would be everybody. */
        fputs("runlog-agent " RL_VERSION ": runs only as process 1 of a sandbox container\n", stderr);
        return EXIT_FAULT;
    }
    static conversation c; /* holds a whole JOB's worth of pointers and a frame: not for the stack */
    rl_fault fault = {.doing = ""};
    c.agent.standby = &c.standby;
    rl_channel_init(&c.agent.channel, STDIN_FILENO, STDOUT_FILENO);
    rl_cgroup_open(&c.agent.cgroup, "/sys/fs/cgroup");
    rl_snapshot_init(&c.snapshot);
    rl_phase_end end = prepare_process(&c.agent, &fault) ? converse(&c, &fault) : RL_PHASE_FAULT;
    if (end == RL_PHASE_ENDED) {
        rl_phase_kill_all(&c.agent); /* what does not die now dies with us */
    }
    rl_snapshot_drop(&c.snapshot);
    free(c.standby.request.payload);
    free(c.job_request.payload);
    rl_cgroup_close(&c.agent.cgroup);
    return end == RL_PHASE_COMPLETE ? EXIT_DONE
           : end == RL_PHASE_ENDED  ? EXIT_ENDED
                                    : report_fault(&c.agent, &fault);
}
