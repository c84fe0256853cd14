/* bare.c: times a program without Runlog around it.
 *
 * Theory of operation
 * -------------------
 * The baseline of a latency is the same program in the same kind of container with nothing else in the way. Starting that
 * container, and talking to it through the Engine, must not count, so the clock runs inside: this program is the
 * container's only process, waits for a line on its standard input, runs the given steps one after the other
 * (`javac ...`, then `java ...`), and writes one line with the nanoseconds that passed and the status.
 *
 *     bare -- STEP ARGUMENT... [-- STEP ARGUMENT...]
 *
 *     in   "\n"                    out  "12345678 0\n"
 *
 * A step's output goes to /dev/null; the first step that fails ends its round. It ends when its input does.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXEC_FAILED 127

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Does not return. The step's input is empty: the container's own carries the rounds. */
static void become(char **arguments) {
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(nothing, STDOUT_FILENO) >= 0 &&
        dup2(nothing, STDERR_FILENO) >= 0) {
        execvp(arguments[0], arguments);
    }
    _exit(EXEC_FAILED);
}

/* The exit status, 128 and the signal, or -1 when it could not be started. */
static int run_step(char **arguments) {
    pid_t child = fork();
    if (child == 0) {
        become(arguments);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* `steps` is the rest of argv behind the first "--", each "--" in it replaced by NULL. */
static int run_round(char **steps, int count) {
    int status = 0;
    for (int at = 0; at < count && status == 0; at++) {
        status = run_step(steps + at);
        while (at < count && steps[at]) {
            at++;
        }
    }
    return status;
}

int main(int argc, char **argv) {
    if (argc < 3 || strcmp(argv[1], "--") != 0) {
        fputs("usage: bare -- STEP ARGUMENT... [-- STEP ARGUMENT...]\n", stderr);
        return 2;
    }
    char **steps = argv + 2;
    int count = argc - 2;
    for (int i = 0; i < count; i++) {
        if (strcmp(steps[i], "--") == 0) {
            steps[i] = NULL;
        }
    }
    char line[16];
    while (fgets(line, sizeof line, stdin)) {
        int64_t began_ns = now_ns();
        int status = run_round(steps, count);
        printf("%" PRId64 " %d\n", now_ns() - began_ns, status);
        fflush(stdout);
    }
    return 0;
}
