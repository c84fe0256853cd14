/* leftovers.c: the places that a sandbox container's user can write to, one after another. */
#include "sandbox/agent/leftovers.h"

#include "sandbox/agent/empty.h"
#include "sandbox/agent/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const folders[RL_LEFTOVERS_FOLDERS] = {"/dev/shm", "/tmp"};

void rl_leftovers_note(rl_leftovers *before) {
    for (int i = 0; i < RL_LEFTOVERS_FOLDERS; i++) {
        struct stat now;
        bool known = stat(folders[i], &now) == 0;
        before->modes[i] = known ? now.st_mode & 07777 : 0;
        before->modified[i] = known ? now.st_mtim : (struct timespec){.tv_sec = 0};
    }
}

static int remove_segment(int id) {
    return shmctl(id, IPC_RMID, NULL);
}

static int remove_queue(int id) {
    return msgctl(id, IPC_RMID, NULL);
}

static int remove_semaphores(int id) {
    return semctl(id, 0, IPC_RMID);
}

/* How many objects of a kind there are, by calls that need no permission for any of them; -1: unknown. */
static int count_segments(void) {
    struct shm_info info;
    return shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&info) >= 0 ? info.used_ids : -1;
}

static int count_queues(void) {
    struct msginfo info;
    return msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&info) >= 0 ? info.msgpool : -1;
}

static int count_semaphores(void) {
    union {
        struct seminfo *info;
        int value;
    } argument;
    struct seminfo info;
    argument.info = &info;
    return semctl(0, 0, SEM_INFO, argument) >= 0 ? info.semusz : -1;
}

/* The kernel's lists: a line of headings, then `key id ...` of each object, whatever its permissions. */
static bool remove_listed(const char *list, int (*remove)(int id)) {
    FILE *file = fopen(list, "re");
    if (file == NULL) {
        return errno == ENOENT;
    }
    bool removed = true;
    char line[512];
    while (fgets(line, sizeof line, file) != NULL) {
        int key = 0;
        int id = 0;
        if (sscanf(line, "%d %d", &key, &id) == 2 && remove(id) != 0 && errno != EINVAL && errno != EIDRM) {
            removed = false;
        }
    }
    fclose(file);
    return removed;
}

static bool remove_ipc_objects(void) {
    return (count_segments() == 0 || remove_listed("/proc/sysvipc/shm", remove_segment)) &&
           (count_queues() == 0 || remove_listed("/proc/sysvipc/msg", remove_queue)) &&
           (count_semaphores() == 0 || remove_listed("/proc/sysvipc/sem", remove_semaphores));
}

/* Empties the open folder and closes it. One that is not there has nothing in it. */
static bool empty(int fd) {
    if (fd < 0) {
        return errno == ENOENT;
    }
    bool emptied = rl_empty_folder(fd);
    int saved = errno;
    close(fd);
    errno = saved;
    return emptied;
}

/* Both its times become that of its modification: either would carry 64 bits from one run to the next. */
static bool empty_folder(const char *path, mode_t mode, struct timespec modified) {
    const struct timespec times[2] = {modified, modified};
    struct stat now;
    if (!empty(rl_helper_open_folder(path))) {
        return false;
    }
    return stat(path, &now) != 0 || (utimensat(AT_FDCWD, path, times, 0) == 0 &&
                                     ((now.st_mode & 07777) == mode || chmod(path, mode) == 0));
}

bool rl_leftovers_remove(const rl_leftovers *before, const char **failed) {
    *failed = "removing System V IPC objects";
    if (!remove_ipc_objects()) {
        return false;
    }
    *failed = "removing message queues";
    if (!empty(
            open("/dev/mqueue", O_RDONLY | O_DIRECTORY | O_CLOEXEC))) { /* root's folder, the user's files */
        return false;
    }
    for (int i = 0; i < RL_LEFTOVERS_FOLDERS; i++) {
        *failed = folders[i];
        if (!empty_folder(folders[i], before->modes[i], before->modified[i])) {
            return false;
        }
    }
    return true;
}
