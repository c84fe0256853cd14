/* starvation.c: a walk over /proc. */
#include "sandbox/agent/starvation.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 0 where there is none, or it has just gone. */
static int64_t waited_us(int proc_fd, const char *process) {
    char name[64], text[96];
    int size = snprintf(name, sizeof name, "%.32s/schedstat", process);
    int fd = size > 0 ? openat(proc_fd, name, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        return 0;
    }
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got > 0 ? got : 0] = '\0';
    const char *second = strchr(text, ' ');
    uint64_t nanoseconds = second != NULL ? strtoull(second, NULL, 10) : 0;
    return (int64_t)(nanoseconds / 1000);
}

int64_t rl_starvation_us(const char *proc_root) {
    DIR *proc = opendir(proc_root);
    if (proc == NULL) {
        return 0;
    }
    int64_t longest_us = 0;
    for (const struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || strcmp(entry->d_name, "1") == 0) {
            continue;
        }
        int64_t us = waited_us(dirfd(proc), entry->d_name);
        longest_us = us > longest_us ? us : longest_us;
    }
    closedir(proc);
    return longest_us;
}
