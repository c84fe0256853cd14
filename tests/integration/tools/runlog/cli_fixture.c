#include "cli_fixture.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/kafka.h"

void cli_must(bool ok, const rl_error *err) {
    ck_assert_msg(ok, "%s", err->message);
}

char *cli_read(int fd) {
    const off_t size = lseek(fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    ck_assert_int_eq(pread(fd, text, (size_t)size, 0), size);
    return text;
}

static pid_t start(const char *const *words, int out, int err) {
    char brokers[512];
    const char *arguments[16] = {"runlog"};
    char *const environment[] = {brokers, (char *)(uintptr_t)"USER=tester", NULL};
    (void)snprintf(brokers, sizeof brokers, "RUNLOG_KAFKA_BROKERS=%s", rl_test_stream().brokers);
    for (size_t i = 0; words[i]; i++) {
        arguments[i + 1] = words[i];
    }
    const pid_t child = fork();
    if (child == 0) {
        const int nothing = open("/dev/null", O_RDONLY);
        if (dup2(nothing, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) {
            _exit(126);
        }
        execve(RL_RUNLOG_BINARY, (char *const *)(uintptr_t)arguments, environment);
        _exit(127);
    }
    ck_assert_int_gt(child, 0);
    return child;
}

cli_said cli_run(const char *const *words) {
    const int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
    int status = 0;
    const pid_t child = start(words, out, err);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    const cli_said said = {WIFEXITED(status) ? WEXITSTATUS(status) : -1, cli_read(out), cli_read(err)};
    close(out);
    close(err);
    return said;
}

pid_t cli_start(const char *const *words, int *ret_out) {
    *ret_out = memfd_create("out", MFD_CLOEXEC);
    return start(words, *ret_out, STDERR_FILENO);
}

void cli_stop(pid_t child) {
    int status = 0;
    ck_assert_int_eq(kill(child, SIGINT), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
}

void cli_forget(cli_said *said) {
    free(said->out);
    free(said->err);
}

json_t *cli_json(cli_said said, int status) {
    json_error_t where;
    ck_assert_msg(said.status == status, "%d: %s%s", said.status, said.out, said.err);
    json_t *root = json_loads(said.out, 0, &where);
    ck_assert_msg(root != NULL, "%s in %s", where.text, said.out);
    cli_forget(&said);
    return root;
}

void cli_expect_failure(cli_said said, int status, const char *part) {
    ck_assert_msg(said.status == status, "%d: %s%s", said.status, said.out, said.err);
    ck_assert_msg(strstr(said.err, part) != NULL, "%s in: %s", part, said.err);
    cli_forget(&said);
}

const char *cli_text(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "(none)";
}
