/* helper.c: from fork to the report. */
#include "sandbox/agent/helper.h"

#include "sandbox/seccomp/user_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of a confined child. The address space holds the agent itself, a JOB (8 MiB) and what a decompressor may ask for. */
enum { CONFINED_CPU_S = 10, CONFINED_MEMORY = 256 << 20, CONFINED_FILES = 32 };

enum { REPORT_FD = 0, WORK_FD = 1, FIRST_OTHER_FD = 2, SAFE_FD = 16, OPEN_MAX_GUESS = 4096 };

/* ---- in the child ---- */

/* REPORT_FD and WORK_FD are what they say, and there is no other. */
static bool arrange_descriptors(int report_fd, int work_fd) {
    int report = fcntl(report_fd, F_DUPFD_CLOEXEC, SAFE_FD);
    int work = work_fd >= 0 ? fcntl(work_fd, F_DUPFD_CLOEXEC, SAFE_FD) : -1;
    if (report < 0 || dup2(report, REPORT_FD) < 0 ||
        (work_fd >= 0 && (work < 0 || dup2(work, WORK_FD) < 0))) {
        return false;
    }
    int first = work_fd >= 0 ? FIRST_OTHER_FD : WORK_FD;
    if (close_range((unsigned)first, UINT_MAX, 0) != 0) { /* Linux before 5.9 */
        for (int fd = first; fd < OPEN_MAX_GUESS; fd++) {
            close(fd);
        }
    }
    return true;
}

static const char *confine(int64_t file_bytes) {
    rl_user_filter filter;
    if (rl_user_lower_limit(RLIMIT_CPU, CONFINED_CPU_S) != 0 ||
        rl_user_lower_limit(RLIMIT_AS, CONFINED_MEMORY) != 0 ||
        rl_user_lower_limit(RLIMIT_FSIZE, (rlim_t)file_bytes) != 0 ||
        rl_user_lower_limit(RLIMIT_NPROC, 0) != 0 || /* whoever takes it over leaves nobody behind */
        rl_user_lower_limit(RLIMIT_NOFILE, CONFINED_FILES) != 0 || rl_user_lower_limit(RLIMIT_CORE, 1) != 0) {
        return "setting a helper's limits";
    }
    if (rl_user_filter_build(&filter) != 0 || rl_user_filter_install(&filter) != 0) {
        return "installing a helper's seccomp filter";
    }
    return NULL;
}

static _Noreturn void child(const rl_helper *helper, int report_fd) {
    umask(022);
    signal(SIGXFSZ, SIG_IGN); /* a file past RLIMIT_FSIZE is an EFBIG to be reported, not a death */
    rl_helper_report report = {.doing = "arranging a helper's descriptors"};
    bool done = false;
    if (arrange_descriptors(report_fd, helper->fd)) {
        rl_user_volunteer_for_oom(); /* where that fails the agent is no worse off than the child */
        report.doing = rl_user_become(helper->user);
        if (report.doing == NULL && helper->is_confined) {
            report.doing = confine(helper->file_bytes);
        }
        report.os_error = errno;
        done = report.doing == NULL && helper->work(helper->what, helper->fd >= 0 ? WORK_FD : -1, &report);
        report_fd = REPORT_FD;
    }
    if (!done) {
        /* A pipe takes this little at once; where it fails, the agent sees a child that ended with 1. */
        ssize_t ignored = write(report_fd, &report, sizeof report);
        (void)ignored;
    }
    _exit(done ? 0 : 1);
}

int rl_helper_open_folder(const char *path) {
    struct stat now;
    if (stat(path, &now) != 0 || ((now.st_mode & 0700) != 0700 && chmod(path, 0700) != 0)) {
        return -1;
    }
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* ---- in the agent ---- */

/* Reads the report, if there is one, and reaps. */
static rl_helper_end await_child(const rl_helper *helper, pid_t pid, int report_fd,
                                 rl_helper_report *report) {
    ssize_t size = 0;
    do {
        size = read(report_fd, report, sizeof *report);
    } while (size < 0 && errno == EINTR);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return RL_HELPER_WELL;
    }
    if (size != (ssize_t)sizeof *report) {
        *report = (rl_helper_report){.doing = "a child of the agent was killed"};
    } else if (helper->is_confined) {
        report->doing = "a confined child of the agent gave up";
    }
    return RL_HELPER_FAILED;
}

rl_helper_end rl_helper_run(const rl_helper *helper, rl_helper_report *report, rl_fault *fault) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, errno, "making a pipe");
        return RL_HELPER_FAULT;
    }
    *report = (rl_helper_report){.problem = 0};
    pid_t pid = fork();
    if (pid == 0) {
        child(helper, ends[1]);
    }
    rl_helper_end end = RL_HELPER_FAULT;
    if (pid < 0) {
        rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, errno, "forking a helper");
    }
    close(ends[1]);
    if (pid > 0) {
        end = await_child(helper, pid, ends[0], report);
    }
    close(ends[0]);
    return end;
}
