/* exec.c: from fork to execve. */
#include "sandbox/agent/exec.h"

#include "sandbox/seccomp/user_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONTROL_FD = 3,
    MOVED_FD = 10, /* out of the way of all that are arranged */
};

/* ---- in the child ---- */

/* What the child keeps of the agent's descriptors. */
typedef struct child_ends {
    int pipes[3];
    int control_fd; /* -1: none */
    int report_fd;
} child_ends;

/* 0, 1, 2 are the pipes, CONTROL_FD a standby's socket if it is one, the next closes on exec and reports; all else is
 * closed. Returns the one that reports, or -1. */
static int arrange_descriptors(const child_ends *ends) {
    for (int i = 0; i < 3; i++) {
        if (dup2(ends->pipes[i], i) < 0) {
            return -1;
        }
    }
    int moved_fd = fcntl(ends->report_fd, F_DUPFD_CLOEXEC, MOVED_FD);
    if (moved_fd < 0 ||
        (ends->control_fd >= 0 && ends->control_fd != CONTROL_FD && dup2(ends->control_fd, CONTROL_FD) < 0)) {
        return -1;
    }
    if (ends->control_fd == CONTROL_FD && fcntl(CONTROL_FD, F_SETFD, 0) != 0) {
        return -1;
    }
    int report_fd = ends->control_fd >= 0 ? CONTROL_FD + 1 : CONTROL_FD;
    if (dup3(moved_fd, report_fd, O_CLOEXEC) < 0) {
        return -1;
    }
    /* Linux before 5.9 lacks it; every descriptor of the agent closes on exec anyway. */
    (void)close_range((unsigned)report_fd + 1, UINT_MAX, 0);
    return report_fd;
}

/* RLIMIT_CPU counts one process in whole seconds, by a clock that samples and may run well ahead of the control
 * group's exact one. It only stands behind the agent's own accounting, in case the agent is not scheduled, so it lies
 * where no program gets to that is within its limit. No RLIMIT_NPROC: it counts a uid over the whole host.
 * RLIMIT_CORE is 1, not 0: a host whose core_pattern is a pipe ignores 0 and starts its helper for every crash,
 * outside all limits; 1 is what the kernel itself takes for "no dump, not even into a pipe" (fs/coredump.c). */
rl_rlimits rl_exec_rlimits(const rl_agent_limits *limits) {
    return (rl_rlimits){{
        {RLIMIT_CPU, 2 * (rlim_t)((limits->cpu_us + 999999) / 1000000) + 2},
        {RLIMIT_FSIZE, (rlim_t)limits->file_bytes},
        {RLIMIT_NOFILE, limits->open_files},
        {RLIMIT_CORE, 1},
        {RLIMIT_STACK, (rlim_t)limits->stack_bytes},
    }};
}

static int lower_limits(const rl_agent_limits *limits) {
    const rl_rlimits wanted = rl_exec_rlimits(limits);
    for (size_t i = 0; i < RL_RLIMIT_COUNT; i++) {
        if (rl_user_lower_limit(wanted.of[i].resource, wanted.of[i].value) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Ignored signals and the mask survive execve; a program shall start with neither. */
static void restore_signals(void) {
    for (int number = 1; number < NSIG; number++) {
        signal(number, SIG_DFL); /* fails for SIGKILL, SIGSTOP and the C library's own: as it should */
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static const char *job_path(const rl_user *user) {
    for (const char *const *entry = user->env; *entry != NULL; entry++) {
        if (strncmp(*entry, "PATH=", 5) == 0) {
            return *entry + 5;
        }
    }
    return "/usr/local/bin:/usr/bin:/bin";
}

/* execve with the lookup of a bare name in the job's PATH, not in ours. Returns with errno: that of the
 * first candidate which exists but cannot be executed, else ENOENT. */
static void execute(const rl_user *user, const rl_agent_command *command) {
    char *const *argv = (char *const *)command->argv;
    char *const *env = (char *const *)user->env;
    if (strchr(argv[0], '/') != NULL) {
        execve(argv[0], argv, env);
        return;
    }
    int reason = ENOENT;
    for (const char *part = job_path(user); reason == ENOENT;) {
        size_t size = strcspn(part, ":");
        char candidate[PATH_MAX];
        int length = snprintf(candidate, sizeof candidate, "%.*s/%s", (int)size, part, argv[0]);
        if (size > 0 && length > 0 && (size_t)length < sizeof candidate) {
            execve(candidate, argv, env);
            reason = errno == ENOTDIR ? ENOENT : errno;
        }
        if (part[size] == '\0') {
            break;
        }
        part += size + 1;
    }
    errno = reason;
}

/* Everything before execve. NULL, or the step that failed, with errno. */
static const char *prepare(const rl_user *user, const rl_agent_command *command,
                           const rl_user_filter *filter) {
    umask(022);
    if (rl_user_volunteer_for_oom() != 0) {
        return "raising oom_score_adj";
    }
    if (lower_limits(&command->limits) != 0) {
        return "setting resource limits";
    }
    const char *failed = rl_user_become(user);
    if (failed != NULL) {
        return failed;
    }
    restore_signals();
    return rl_user_filter_install(filter) == 0 ? NULL : "installing the seccomp filter";
}

static _Noreturn void child(const rl_user *user, const rl_agent_command *command,
                            const rl_user_filter *filter, const child_ends *ends) {
    setsid(); /* cannot fail: a fresh child leads no group */
    int report_fd = arrange_descriptors(ends);
    if (report_fd < 0) {
        rl_child_fail(ends->report_fd, "arranging descriptors", false);
    }
    const char *failed = prepare(user, command, filter);
    if (failed != NULL) {
        rl_child_fail(report_fd, failed, false);
    }
    if (chdir(user->work_dir) != 0) { /* an earlier step of the user's may have locked it */
        rl_child_fail(report_fd, "entering the work folder", true);
    }
    execute(user, command);
    rl_child_fail(report_fd, "executing the program", true);
}

/* ---- in the agent ---- */

/* All eight ends; -1 where not open. */
typedef struct pipes {
    int in[2], out[2], err[2], report[2];
} pipes;

static void close_all(int *fds, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
            fds[i] = -1;
        }
    }
}

static int open_pipes(const rl_user *user, pipes *p) {
    *p = (pipes){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    if (rl_user_pipe(user, p->in) != 0 || rl_user_pipe(user, p->out) != 0 ||
        rl_user_pipe(user, p->err) != 0 || pipe2(p->report, O_CLOEXEC) != 0) {
        return -1;
    }
    /* Only our ends: the flag belongs to an end, and a program expects its own to block. */
    const int ours[] = {p->in[1], p->out[0], p->err[0], p->report[0]};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (fcntl(ours[i], F_SETFL, O_NONBLOCK) != 0) {
            return -1;
        }
    }
    return 0;
}

static void close_pipes(pipes *p) {
    close_all(p->in, 2);
    close_all(p->out, 2);
    close_all(p->err, 2);
    close_all(p->report, 2);
}

bool rl_exec_start(const rl_user *user, const rl_agent_command *command, int control_fd, rl_process *process,
                   rl_fault *fault) {
    rl_user_filter filter;
    if (rl_user_filter_build(&filter) != 0) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, 0, "building the seccomp filter");
    }
    pipes p;
    if (open_pipes(user, &p) != 0) {
        int os_error = errno;
        close_pipes(&p);
        return rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, os_error, "making pipes");
    }
    pid_t pid = fork();
    if (pid == 0) {
        const child_ends ends = {{p.in[0], p.out[1], p.err[1]}, control_fd, p.report[1]};
        child(user, command, &filter, &ends);
    }
    if (pid < 0) {
        int os_error = errno;
        close_pipes(&p);
        return rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, os_error, "forking");
    }
    *process = (rl_process){pid, p.in[1], p.out[0], p.err[0], p.report[0]};
    close(p.in[0]);
    close(p.out[1]);
    close(p.err[1]);
    close(p.report[1]);
    return true;
}
