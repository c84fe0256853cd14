/* files.c: a child that becomes the user and writes.
 *
 * Every step walks from a folder's descriptor and refuses links, although nobody's code has been here yet:
 * the rule costs nothing and stays true when files are one day written between two runs.
 */
#include "sandbox/agent/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Opens the folder of `path` below `top`, making what is missing; `*name` becomes the last component. */
static int open_parent(int top, const char *path, const char **name) {
    int folder = dup(top);
    const char *slash = NULL;
    while (folder >= 0 && (slash = strchr(path, '/')) != NULL) {
        char part[RL_AGENT_PATH_MAX + 1];
        size_t size = (size_t)(slash - path);
        memcpy(part, path, size); /* the decoder has bounded the whole path */
        part[size] = '\0';
        if (mkdirat(folder, part, 0755) != 0 && errno != EEXIST) {
            close(folder);
            return -1;
        }
        int next = openat(folder, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(folder);
        folder = next;
        path = slash + 1;
    }
    *name = path;
    return folder;
}

static bool write_all(int fd, const uint8_t *data, size_t size) {
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        if (written > 0) {
            data += written;
            size -= (size_t)written;
        }
    }
    return true;
}

/* In the child. NULL, or the step that failed, with errno. Descriptors end with the child. */
static const char *write_file(int top, const rl_agent_file *file) {
    const char *name = NULL;
    int folder = open_parent(top, file->path, &name);
    if (folder < 0) {
        return "making a file's folder";
    }
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return "creating a file";
    }
    if (!write_all(fd, file->data, file->size)) {
        return "writing a file";
    }
    if (fchmod(fd, (mode_t)file->mode) != 0 || close(fd) != 0) {
        return "finishing a file";
    }
    close(folder);
    return NULL;
}

static _Noreturn void child(const rl_user *user, const rl_agent_file *files, size_t count, int report_fd) {
    signal(SIGXFSZ, SIG_IGN); /* a file past RLIMIT_FSIZE is an EFBIG to be reported, not a death */
    const char *failed = rl_user_become(user);
    int top = failed == NULL ? open(user->work_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (failed == NULL && top < 0) {
        failed = "opening the work folder";
    }
    for (size_t i = 0; failed == NULL && i < count; i++) {
        failed = write_file(top, &files[i]);
    }
    if (failed != NULL) {
        rl_child_fail(report_fd, failed, false);
    }
    _exit(0);
}

/* Reads the report, if there is one, and reaps. */
static bool await_child(pid_t pid, int report_fd, rl_fault *fault) {
    rl_child_report report = {.doing = "writing the files"};
    ssize_t size = 0;
    do {
        size = read(report_fd, &report, sizeof report);
    } while (size < 0 && errno == EINTR);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (size == (ssize_t)sizeof report) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_FILES, report.os_error, report.doing);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_FILES, 0, "writing the files: the child was killed");
    }
    return true;
}

bool rl_files_write(const rl_user *user, const rl_agent_file *files, size_t count, rl_fault *fault) {
    if (count == 0) {
        return true;
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, errno, "making a pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(user, files, count, ends[1]);
    }
    int fork_error = errno;
    close(ends[1]);
    bool written = pid > 0
                       ? await_child(pid, ends[0], fault)
                       : rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, fork_error, "forking for the files");
    close(ends[0]);
    return written;
}
