/* standby.c: starting a process early, and making it the program. See standby.h. */
#include "sandbox/agent/standby.h"

#include "sandbox/agent/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long it may take to be ready, or to answer. It had a container's waiting time, so this is for a host that is busy
 * and a job that is early; past it, the ordinary way is the quicker one. */
enum { PATIENCE_US = 2 * 1000 * 1000, ARGV_BYTES_MAX = 64 * 1024 };

/* CPU time that it may have used when its step comes. RLIMIT_CPU, twice the step's limit and 2 s, counts from the start of
 * the process: with this gone, twice the limit is left. A virtual machine that waits is never quite at rest. */
enum { WAITING_CPU_S = 2 };

/* ---- starting ---- */

static void close_end(int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static void start(rl_standby *standby) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return;
    }
    rl_fault ignored; /* the step will be started the ordinary way, and meets the same or does not */
    if (!rl_exec_start(&standby->user, &standby->job.compile, ends[1], &standby->process, &ignored)) {
        standby->process.pid = 0;
        close(ends[0]);
    } else {
        standby->control_fd = ends[0];
    }
    close(ends[1]);
}

bool rl_standby_prepare(rl_agent *agent, rl_request *request, rl_fault *fault) {
    rl_standby *standby = agent->standby;
    const char *why = "a second PREPARE";
    if (standby->request.payload == NULL) {
        standby->request = *request;
        *request = (rl_request){.payload = NULL};
        why = NULL;
    }
    rl_agent_job *job = &standby->job;
    if (why == NULL && rl_agent_job_decode(standby->request.payload, standby->request.size, job, &why) &&
        (job->file_count > 0 || !job->has_compile)) {
        why = "PREPARE has files, or no command";
    }
    if (why != NULL) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_PROTOCOL, 0, why);
    }
    standby->user = (rl_user){job->uid, job->gid, job->work_dir, job->env};
    start(standby);
    return true;
}

/* ---- does it fit? ---- */

static bool same_environment(const char *const *a, const char *const *b) {
    while (*a != NULL && *b != NULL && strcmp(*a, *b) == 0) {
        a++;
        b++;
    }
    return *a == NULL && *b == NULL;
}

static bool same_user(const rl_user *a, const rl_user *b) {
    return a->uid == b->uid && a->gid == b->gid && strcmp(a->work_dir, b->work_dir) == 0 &&
           same_environment(a->env, b->env);
}

/* In a child that has become the user: a process may lower the limits of its like. */
static _Noreturn void lower_in_child(const rl_standby *standby, const rl_rlimits *limits) {
    if (rl_user_become(&standby->user) != NULL) {
        _exit(1);
    }
    for (size_t i = 0; i < RL_RLIMIT_COUNT; i++) {
        struct rlimit limit = {limits->of[i].value, limits->of[i].value};
        if (prlimit(standby->process.pid, limits->of[i].resource, &limit, NULL) != 0) {
            _exit(1);
        }
    }
    _exit(0);
}

/* Gives it the limits of `command` if they are none above its own. The stack's must be the same: a C library takes the
 * size of threads' stacks from it when the process starts. */
static bool take_limits(const rl_standby *standby, const rl_agent_command *command) {
    const rl_agent_limits *wanted_limits = &command->limits;
    if (wanted_limits->stack_bytes != standby->job.compile.limits.stack_bytes) {
        return false;
    }
    rl_rlimits has = rl_exec_rlimits(&standby->job.compile.limits);
    rl_rlimits wanted = rl_exec_rlimits(wanted_limits);
    bool same = true;
    for (size_t i = 0; i < RL_RLIMIT_COUNT; i++) {
        if (wanted.of[i].value > has.of[i].value) {
            return false;
        }
        same = same && wanted.of[i].value == has.of[i].value;
    }
    if (same) {
        return true;
    }
    pid_t pid = fork();
    if (pid == 0) {
        lower_in_child(standby, &wanted);
    }
    int status = 1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- handing over ---- */

/* Whether its next word is `word`, and comes in time. */
static bool says(const rl_standby *standby, char word) {
    int64_t until_us = rl_clock_now_us() + PATIENCE_US;
    struct pollfd control = {standby->control_fd, POLLIN, 0};
    for (int64_t left_us = PATIENCE_US; left_us > 0; left_us = until_us - rl_clock_now_us()) {
        struct timespec timeout = {left_us / 1000000, left_us % 1000000 * 1000};
        if (ppoll(&control, 1, &timeout, NULL) > 0) {
            char said = 0;
            return recv(standby->control_fd, &said, 1, MSG_DONTWAIT) == 1 && said == word;
        }
    }
    return false;
}

static bool send_argv(const rl_standby *standby, const rl_agent_command *command) {
    char text[ARGV_BYTES_MAX];
    size_t used = 0;
    for (uint32_t i = 0; i < command->argc; i++) {
        size_t size = strlen(command->argv[i]) + 1;
        if (size > sizeof text - used) {
            return false;
        }
        memcpy(text + used, command->argv[i], size);
        used += size;
    }
    return send(standby->control_fd, text, used, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)used;
}

static bool is_rested(pid_t pid) {
    clockid_t clock;
    struct timespec used;
    return clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &used) == 0 &&
           used.tv_sec < WAITING_CPU_S;
}

/* Whether it waits for this very step. */
static bool is_fit(const rl_standby *standby, const rl_phase_spec *spec) {
    return standby->process.pid > 0 && same_user(&standby->user, spec->user) &&
           take_limits(standby, spec->command) && says(standby, 'R') && is_rested(standby->process.pid);
}

/* Memory of its own, the files that it has mapped not counted; 0 where that cannot be read. */
static int64_t own_memory_bytes(pid_t pid) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    long resident = 0;
    long shared = 0;
    if (file != NULL) {
        if (fscanf(file, "%*d %ld %ld", &resident, &shared) != 2) {
            resident = shared;
        }
        fclose(file);
    }
    return resident > shared ? (resident - shared) * sysconf(_SC_PAGESIZE) : 0;
}

/* From here on the step's time counts. */
static bool hand_over(rl_agent *agent, const rl_phase_spec *spec, rl_usage *usage) {
    const rl_standby *standby = agent->standby;
    int64_t memory_bytes = own_memory_bytes(standby->process.pid);
    rl_usage_begin(usage, &agent->cgroup);
    rl_usage_adopt(usage, memory_bytes);
    return send_argv(standby, spec->command) && says(standby, 'Y');
}

/* From here on its descriptors are the phase's. */
static void release(rl_standby *standby, rl_process *process) {
    *process = standby->process;
    standby->process = (rl_process){0, -1, -1, -1, -1};
    close_end(&standby->control_fd);
}

/* Ends it, and whatever it may have started. */
static bool end(rl_agent *agent, rl_fault *fault) {
    rl_process process;
    release(agent->standby, &process);
    int *fds[] = {&process.stdin_fd, &process.stdout_fd, &process.stderr_fd, &process.report_fd};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        close_end(fds[i]);
    }
    return rl_phase_kill_all(agent) ||
           rl_fault_set(fault, RL_AGENT_FAILURE_STUCK, 0, "ending a process that was not needed");
}

bool rl_standby_begin(rl_agent *agent, const rl_phase_spec *spec, rl_usage *usage, rl_process *process,
                      rl_fault *fault) {
    rl_standby *standby = agent->standby;
    if (standby->process.pid > 0) {
        if (is_fit(standby, spec) && hand_over(agent, spec, usage)) {
            release(standby, process);
            return true;
        }
        if (!end(agent, fault)) {
            return false;
        }
    }
    rl_usage_begin(usage, &agent->cgroup);
    return rl_exec_start(spec->user, spec->command, -1, process, fault);
}
