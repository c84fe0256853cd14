/* What a child of the agent can do, as root only: anybody else cannot become another user. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/agent/helper.h"
#include "tests/support/suite.h"

enum { SOMEBODY = 1234567 };

static bool fork_one(const void *what, int fd, rl_helper_report *report) {
    (void)what;
    (void)fd;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    report->os_error = errno;
    return pid > 0 && waitpid(pid, NULL, 0) == pid;
}

static rl_helper_end run(bool is_confined, rl_helper_report *report) {
    const rl_user user = {.uid = SOMEBODY, .gid = SOMEBODY, .work_dir = "/"};
    const rl_helper helper = {
        .user = &user, .work = fork_one, .fd = -1, .is_confined = is_confined, .file_bytes = 1000};
    rl_fault fault = {.doing = ""};
    return rl_helper_run(&helper, report, &fault);
}

START_TEST(a_confined_child_leaves_no_process_behind) {
    if (geteuid() != 0) {
        return;
    }
    rl_helper_report report;
    ck_assert_int_eq(run(false, &report), RL_HELPER_WELL);
    ck_assert_int_eq(run(true, &report), RL_HELPER_FAILED);
    ck_assert_int_eq(report.os_error, EAGAIN);
}
END_TEST

RL_SUITE("agent/helper", a_confined_child_leaves_no_process_behind)
