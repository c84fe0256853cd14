/* phase.c: the supervising loop. See phase.h for how it works. */
#include "sandbox/agent/phase.h"

#include "sandbox/agent/clock.h"
#include "sandbox/agent/standby.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long killed processes may take to vanish. Seconds pass when a large memory is given back on a busy
 * host; ten of them mean a process stuck in the kernel. */
enum { DEATH_PATIENCE_US = 10 * 1000 * 1000, REAPS_PER_TURN = 256 };

typedef struct phase {
    rl_agent *agent;
    const rl_phase_spec *spec;
    rl_process process;
    rl_capture out, err;
    size_t input_sent;
    rl_usage usage;
    bool main_ended;
    int main_status; /* as wait4() gave it, once main_ended */
    rl_child_report report;
    bool has_report;
    rl_agent_result *result;
} phase;

static void close_fd(int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

/* ---- reaping and killing ---- */

static void note_death(phase *p, pid_t pid, int status, const struct rusage *usage) {
    rl_usage_add_reaped(&p->usage, usage);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ) {
        p->result->flags |= RL_AGENT_HIT_FILE_SIZE;
    }
    if (pid == p->process.pid) {
        p->main_ended = true;
        p->main_status = status;
        p->result->wall_us = rl_clock_now_us() - p->usage.start_us;
    }
}

/* Reaps whoever is dead, but not for ever: a bomb of orphans that end at once must not keep us from the
 * limits. `p` may be NULL. Returns whether any process is left. */
static bool reap(phase *p) {
    for (int i = 0; i < REAPS_PER_TURN; i++) {
        int status = 0;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, WNOHANG, &usage);
        if (pid > 0 && p != NULL) {
            note_death(p, pid, status, &usage);
        } else if (pid == 0) {
            return true;
        } else if (pid < 0 && errno != EINTR) {
            return false; /* ECHILD: as PID 1 we inherit every orphan, so nobody is left at all */
        }
    }
    return true;
}

static void forget_signals(int signal_fd) {
    struct signalfd_siginfo info[8];
    while (read(signal_fd, info, sizeof info) > 0) {
    }
}

static bool kill_and_reap(rl_agent *agent, phase *p) {
    int64_t give_up_us = rl_clock_now_us() + DEATH_PATIENCE_US;
    kill(-1, SIGKILL); /* ESRCH when we are alone already */
    while (reap(p)) {
        struct pollfd child = {agent->signal_fd, POLLIN, 0};
        poll(&child, 1, 10);
        forget_signals(agent->signal_fd);
        kill(-1, SIGKILL);
        if (rl_clock_now_us() > give_up_us) {
            return false;
        }
    }
    return true;
}

bool rl_phase_kill_all(rl_agent *agent) {
    return kill_and_reap(agent, NULL);
}

/* ---- the program's pipes ---- */

static void feed_input(phase *p) {
    const rl_phase_spec *spec = p->spec;
    while (p->process.stdin_fd >= 0 && p->input_sent < spec->input_size) {
        ssize_t size =
            write(p->process.stdin_fd, spec->input + p->input_sent, spec->input_size - p->input_sent);
        if (size < 0 && errno == EAGAIN) {
            return;
        }
        if (size < 0 && errno != EINTR) {
            break; /* EPIPE: the program has closed its input, which is its right */
        }
        p->input_sent += size > 0 ? (size_t)size : 0;
    }
    close_fd(&p->process.stdin_fd);
}

static void read_report(phase *p) {
    if (p->process.report_fd < 0) {
        return;
    }
    ssize_t size = read(p->process.report_fd, &p->report, sizeof p->report);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    p->has_report = size == (ssize_t)sizeof p->report;
    close_fd(&p->process.report_fd);
}

static void pump(phase *p) {
    const rl_phase_spec *spec = p->spec;
    rl_channel_pump(&p->agent->channel, &p->out, spec->index, spec->phase, RL_AGENT_STDOUT);
    rl_channel_pump(&p->agent->channel, &p->err, spec->index, spec->phase, RL_AGENT_STDERR);
}

/* ---- the loop ---- */

enum { AT_IN, AT_OUT, AT_SIGNAL, AT_STDIN, AT_STDOUT, AT_STDERR, AT_REPORT, AT_COUNT };

static int wait_for_events(phase *p, struct pollfd fds[static AT_COUNT]) {
    rl_channel_poll_set(&p->agent->channel, fds); /* AT_IN and AT_OUT */
    fds[AT_SIGNAL] = (struct pollfd){p->agent->signal_fd, POLLIN, 0};
    fds[AT_STDIN] = (struct pollfd){p->process.stdin_fd, POLLOUT, 0};
    fds[AT_STDOUT] = (struct pollfd){p->out.fd, POLLIN, 0};
    fds[AT_STDERR] = (struct pollfd){p->err.fd, POLLIN, 0};
    fds[AT_REPORT] = (struct pollfd){p->process.report_fd, POLLIN, 0};
    int64_t sleep_us = rl_usage_sleep_us(&p->usage, &p->spec->command->limits, rl_clock_now_us());
    struct timespec timeout = {sleep_us / 1000000, sleep_us % 1000000 * 1000};
    return ppoll(fds, AT_COUNT, &timeout, NULL);
}

/* One turn. false on a fault. */
static bool turn(phase *p, rl_fault *fault) {
    struct pollfd fds[AT_COUNT];
    if (wait_for_events(p, fds) < 0) {
        return errno == EINTR ||
               rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, errno, "waiting for the program");
    }
    if (!rl_channel_service(&p->agent->channel, fds, fault)) {
        return false;
    }
    if (fds[AT_STDIN].revents != 0) {
        feed_input(p);
    }
    if (fds[AT_STDOUT].revents != 0) {
        rl_capture_drain(&p->out);
    }
    if (fds[AT_STDERR].revents != 0) {
        rl_capture_drain(&p->err);
    }
    if (fds[AT_REPORT].revents != 0) {
        read_report(p);
    }
    pump(p);
    if (fds[AT_SIGNAL].revents != 0) {
        forget_signals(p->agent->signal_fd);
    }
    reap(p); /* every turn: what one turn left over announces itself no second time */
    return true;
}

/* Until the main process has ended, a limit is met, or the runner has gone. */
static bool supervise(phase *p, rl_fault *fault) {
    const rl_agent_limits *limits = &p->spec->command->limits;
    while (!p->main_ended && !p->agent->channel.ended) {
        if (!turn(p, fault)) {
            return false;
        }
        uint32_t hits = rl_usage_check(&p->usage, limits, rl_clock_now_us());
        if (hits != 0 && !p->main_ended) {
            p->result->flags |= hits | RL_AGENT_KILLED_BY_US;
            return true;
        }
    }
    return true;
}

/* ---- the end ---- */

static void send_rest(phase *p) {
    rl_channel *channel = &p->agent->channel;
    while ((p->out.sent < p->out.kept || p->err.sent < p->err.kept) && rl_channel_flush(channel)) {
        pump(p);
    }
}

static void fill_status(const phase *p, rl_agent_result *result) {
    result->exit_code = -1;
    if (p->has_report) {
        result->flags |= RL_AGENT_NOT_STARTED;
        result->start_errno = (uint32_t)p->report.os_error;
    } else if (WIFEXITED(p->main_status)) {
        result->exit_code = WEXITSTATUS(p->main_status);
    } else {
        result->term_signal = (uint32_t)WTERMSIG(p->main_status);
    }
}

static void fill_result(phase *p) {
    rl_agent_result *result = p->result;
    rl_usage_finish(&p->usage, &p->spec->command->limits, result);
    fill_status(p, result);
    result->index = p->spec->index;
    result->stdout_bytes = p->out.total;
    result->stderr_bytes = p->err.total;
    result->flags |= rl_capture_is_truncated(&p->out) ? RL_AGENT_HIT_STDOUT : 0;
    result->flags |= rl_capture_is_truncated(&p->err) ? RL_AGENT_HIT_STDERR : 0;
}

/* Everybody else is dead: collects what they left. */
static rl_phase_end conclude(phase *p, rl_fault *fault) {
    if (p->agent->channel.ended) {
        return RL_PHASE_ENDED;
    }
    while (rl_capture_drain(&p->out)) {
    }
    while (rl_capture_drain(&p->err)) {
    }
    read_report(p);
    if (p->has_report && !p->report.is_exec) {
        rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, p->report.os_error, p->report.doing);
        return RL_PHASE_FAULT;
    }
    fill_result(p);
    send_rest(p);
    return p->agent->channel.ended ? RL_PHASE_ENDED : RL_PHASE_COMPLETE;
}

static rl_phase_end run_started(phase *p, rl_fault *fault) {
    feed_input(p);
    bool supervised = supervise(p, fault);
    if (!kill_and_reap(p->agent, p) && supervised) {
        rl_fault_set(fault, RL_AGENT_FAILURE_STUCK, 0, "waiting for killed processes to vanish");
        return RL_PHASE_FAULT;
    }
    return supervised ? conclude(p, fault) : RL_PHASE_FAULT;
}

static bool init_captures(phase *p, rl_fault *fault) {
    const rl_agent_limits *limits = &p->spec->command->limits;
    if (!rl_capture_init(&p->out, p->process.stdout_fd, (size_t)limits->stdout_bytes) ||
        !rl_capture_init(&p->err, p->process.stderr_fd, (size_t)limits->stderr_bytes)) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, ENOMEM, "making room for output");
    }
    return true;
}

rl_phase_end rl_phase_run(rl_agent *agent, const rl_phase_spec *spec, rl_agent_result *result,
                          rl_fault *fault) {
    *result = (rl_agent_result){0};
    phase p = {.agent = agent, .spec = spec, .result = result, .out.fd = -1, .err.fd = -1};
    if (!rl_standby_begin(agent, spec, &p.usage, &p.process, fault)) {
        return RL_PHASE_FAULT;
    }
    rl_phase_end end = RL_PHASE_FAULT;
    if (init_captures(&p, fault)) {
        end = run_started(&p, fault);
    } else {
        kill_and_reap(agent, &p); /* memory is short; that something is stuck as well changes nothing */
    }
    rl_capture_destroy(&p.out);
    rl_capture_destroy(&p.err);
    close_fd(&p.process.stdin_fd);
    close_fd(&p.process.report_fd);
    return end;
}
