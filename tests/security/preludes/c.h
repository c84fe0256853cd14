#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
__attribute__((constructor)) static void only_in_a_sandbox(void) {
    char name[32] = "";
    FILE *file = fopen("/proc/1/comm", "r");
    if (!file || !fgets(name, sizeof name, file) || strcmp(name, "runlog-agent\n") != 0 || getuid() == 0) {
        puts("BREACH: this is no sandbox");
        exit(99);
    }
    fclose(file);
    setvbuf(stdout, NULL, _IONBF, 0);
}
__attribute__((unused)) static void refused(const char *what, long result) {
    int error = errno;
    if (result >= 0) {
        printf("BREACH: %s\n", what);
    } else {
        printf("%s refused: %s\n", what, strerror(error));
    }
}
/* The same of a call that is not there for a program whatever its arguments: one that looks at them says other errors. */
__attribute__((unused)) static void forbidden(const char *what, long result) {
    int error = errno;
    if (result >= 0 || (error != EPERM && error != ENOSYS)) {
        printf("BREACH: %s: %ld, %s\n", what, result, strerror(error));
    }
}
