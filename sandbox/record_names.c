/* record_names.c: which files a command looks at, by name.
 *
 * Theory of operation
 * -------------------
 * Used once, while a language's image is built; sandbox/agent/names.h says what for. It runs the command and, through
 * ptrace(2), stops it and all of its children at each system call that takes a path. The absolute ones among those
 * paths are the list: whether the file exists or not, each once, sorted, one a line.
 *
 *     runlog-record-names LIST COMMAND [ARGUMENT...]
 *
 * Paths in folders that are each container's own (/proc, /tmp and so on) are left out. Where the build may not trace,
 * the list stays empty, with a message: that makes the language slower, not wrong. A command that fails is an error.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMES_MAX = 20000, EXIT_USAGE = 2, EXIT_NOT_STARTED = 127 };

typedef struct {
    char *names[NAMES_MAX];
    size_t count;
} list;

/* Which argument is the path; -1: the call takes none of interest. */
static int path_argument(uint64_t number) {
    switch (number) {
#ifdef SYS_open
    case SYS_open:
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
    case SYS_readlink:
#endif
    case SYS_execve:
        return 0;
    case SYS_openat:
    case SYS_newfstatat:
    case SYS_faccessat:
    case SYS_faccessat2:
    case SYS_readlinkat:
    case SYS_statx:
        return 1;
    default:
        return -1;
    }
}

/* Word by word: what reads more at once is forbidden to containers of some Engines. */
static bool read_text(pid_t process, uint64_t address, char text[static PATH_MAX]) {
    for (size_t have = 0; have + sizeof(long) <= PATH_MAX; have += sizeof(long)) {
        errno = 0;
        long word = ptrace(PTRACE_PEEKDATA, process, (void *)(uintptr_t)(address + have), NULL);
        if (errno != 0) {
            return false;
        }
        memcpy(text + have, &word, sizeof word);
        if (memchr(text + have, '\0', sizeof word) != NULL) {
            return true;
        }
    }
    return false;
}

static bool is_of_the_image(const char *name) {
    static const char *const others[] = {"/proc/", "/sys/", "/dev/", "/tmp/"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strncmp(name, others[i], strlen(others[i])) == 0) {
            return false;
        }
    }
    return name[0] == '/' && strchr(name, '\n') == NULL;
}

static void note(list *found, pid_t process) {
    struct __ptrace_syscall_info call;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, process, sizeof call, &call) <= 0 ||
        call.op != PTRACE_SYSCALL_INFO_ENTRY) {
        return;
    }
    int argument = path_argument(call.entry.nr);
    char name[PATH_MAX];
    if (argument < 0 || !read_text(process, call.entry.args[argument], name) || !is_of_the_image(name) ||
        found->count == NAMES_MAX) {
        return;
    }
    char *copy = strdup(name);
    if (copy != NULL) {
        found->names[found->count++] = copy;
    }
}

/* The signal that the process is to get when it goes on: its own, but none of the tracing's. */
static int handle_stop(list *found, pid_t process, int status) {
    int number = WSTOPSIG(status);
    if (number == (SIGTRAP | 0x80)) {
        note(found, process);
        return 0;
    }
    bool ours = status >> 16 != 0 || number == SIGSTOP || number == SIGTRAP;
    return ours ? 0 : number;
}

/* The first stop of the first process is its own: from there on it is traced, and whoever it starts as well. */
static void follow_children(pid_t process) {
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                         PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    ptrace(PTRACE_SETOPTIONS, process, NULL, (void *)options);
}

/* Until all have ended; the wait status of `first`. */
static int trace(list *found, pid_t first) {
    int result = -1, status = 0;
    bool begun = false;
    for (pid_t process; (process = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
        if (process > 0 && WIFSTOPPED(status)) {
            if (!begun) {
                follow_children(process);
                begun = true;
            }
            int number = handle_stop(found, process, status);
            ptrace(PTRACE_SYSCALL, process, NULL, (void *)(intptr_t)number); /* ESRCH: killed meanwhile */
        } else if (process == first) {
            result = status;
        }
    }
    return result;
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool write_list(list *found, const char *path) {
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return false;
    }
    qsort(found->names, found->count, sizeof found->names[0], compare);
    for (size_t i = 0; i < found->count; i++) {
        if (i == 0 || strcmp(found->names[i], found->names[i - 1]) != 0) {
            fprintf(file, "%s\n", found->names[i]);
        }
    }
    return fclose(file) == 0;
}

static _Noreturn void become(char **command) {
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0) {
        raise(SIGSTOP);
    } else {
        fprintf(stderr, "runlog-record-names: cannot trace (%s): the list stays empty\n", strerror(errno));
    }
    execvp(command[0], command);
    fprintf(stderr, "runlog-record-names: %s: %s\n", command[0], strerror(errno));
    _exit(EXIT_NOT_STARTED);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: runlog-record-names LIST COMMAND [ARGUMENT...]\n", stderr);
        return EXIT_USAGE;
    }
    static list found;
    pid_t child = fork();
    if (child == 0) {
        become(argv + 2);
    }
    if (child < 0) {
        perror("runlog-record-names: fork");
        return EXIT_FAILURE;
    }
    int status = trace(&found, child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "runlog-record-names: the command failed (wait status %d)\n", status);
        return EXIT_FAILURE;
    }
    if (!write_list(&found, argv[1])) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
