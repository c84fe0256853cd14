/* starvation.c: a walk over /proc. */
#include "sandbox/agent/starvation.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One walk, beside what the one before it saw. */
typedef struct walk {
    const rl_starvation *before;
    size_t at; /* in `before`: where the next thread is likely to be */
    rl_starvation now;
} walk;

/* 0 where there is none, or it has just gone. */
static int64_t waited_us(int tasks_fd, const char *thread) {
    char name[64], text[96];
    snprintf(name, sizeof name, "%.32s/schedstat", thread);
    int fd = openat(tasks_fd, name, O_RDONLY | O_CLOEXEC);
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

/* What the walk before saw of the thread; NULL: nothing, it is new. Both walks meet threads in nearly the same order. */
static const rl_waiter *find_before(walk *w, int32_t id) {
    for (size_t i = 0; i < w->before->count; i++) {
        size_t at = (w->at + i) % w->before->count;
        if (w->before->seen[at].id == id) {
            w->at = at + 1;
            return &w->before->seen[at];
        }
    }
    return NULL;
}

static void note_thread(walk *w, int tasks_fd, const char *thread) {
    rl_waiter *waiter = &w->now.seen[w->now.count++];
    *waiter = (rl_waiter){.id = (int32_t)strtol(thread, NULL, 10),
                          .waited_us = waited_us(tasks_fd, thread),
                          .total_then_us = w->before->total_us};
    const rl_waiter *before = find_before(w, waiter->id);
    int64_t since_us = waiter->waited_us;
    if (before != NULL &&
        before->waited_us <= waiter->waited_us) { /* else its number has been given away again */
        waiter->total_then_us = before->total_then_us;
        since_us -= before->waited_us;
    }
    if (since_us > 0) {
        int64_t counted_us = w->now.total_us - waiter->total_then_us;
        w->now.total_us += since_us > counted_us ? since_us - counted_us : 0;
        waiter->total_then_us = w->now.total_us;
    }
}

static bool is_number(const char *name) {
    return name[0] >= '1' && name[0] <= '9';
}

/* NULL where it is not there any more. */
static DIR *open_folder(int parent_fd, const char *name) {
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (folder == NULL && fd >= 0) {
        close(fd);
    }
    return folder;
}

static void note_process(walk *w, int proc_fd, const char *process) {
    char name[64];
    snprintf(name, sizeof name, "%.32s/task", process);
    DIR *tasks = open_folder(proc_fd, name);
    if (tasks == NULL) {
        return;
    }
    for (const struct dirent *entry;
         w->now.count < RL_STARVATION_THREADS && (entry = readdir(tasks)) != NULL;) {
        if (is_number(entry->d_name)) {
            note_thread(w, dirfd(tasks), entry->d_name);
        }
    }
    closedir(tasks);
}

void rl_starvation_begin(rl_starvation *starvation, int64_t now_us) {
    starvation->begun_us = now_us;
    starvation->total_us = 0;
    starvation->count = 0;
}

int64_t rl_starvation_note(rl_starvation *starvation, const char *proc_root, int64_t now_us) {
    DIR *proc = open_folder(AT_FDCWD, proc_root);
    if (proc == NULL) {
        return starvation->total_us;
    }
    walk w = {.before = starvation,
              .now = {.begun_us = starvation->begun_us, .total_us = starvation->total_us}};
    for (const struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        if (is_number(entry->d_name) && strcmp(entry->d_name, "1") != 0) {
            note_process(&w, dirfd(proc), entry->d_name);
        }
    }
    closedir(proc);
    int64_t passed_us = now_us - starvation->begun_us;
    w.now.total_us = w.now.total_us < passed_us ? w.now.total_us : passed_us;
    *starvation = w.now;
    return starvation->total_us;
}

void rl_starvation_rebase(rl_starvation *starvation, const char *proc_root) {
    (void)rl_starvation_note(starvation, proc_root, starvation->begun_us);
    for (size_t i = 0; i < starvation->count; i++) {
        starvation->seen[i].total_then_us = 0;
    }
    starvation->total_us = 0;
}
