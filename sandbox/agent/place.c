/* place.c: see place.h. Nobody else's process runs meanwhile; refusing links costs nothing and holds even if one did. */
#include "sandbox/agent/place.h"

#include "sandbox/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int rl_place_open_parent(int top, const char *path, bool make, const char **name) {
    int folder = dup(top);
    const char *slash = NULL;
    while (folder >= 0 && (slash = strchr(path, '/')) != NULL) {
        char part[RL_AGENT_PATH_MAX + 1];
        size_t size = (size_t)(slash - path);
        if (size >= sizeof part) {
            close(folder);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, path, size);
        part[size] = '\0';
        if (make && mkdirat(folder, part, 0755) != 0 && errno != EEXIST) {
            close(folder);
            return -1;
        }
        int next = openat(folder, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int saved = errno;
        close(folder);
        errno = saved;
        folder = next;
        path = slash + 1;
    }
    *name = path;
    return folder;
}

/* Makes room for `name`: a file or link of that name goes, and an empty folder. */
static void remove_old(int folder, const char *name) {
    if (unlinkat(folder, name, 0) != 0 && errno == EISDIR) {
        unlinkat(folder, name, AT_REMOVEDIR); /* where it stays, what follows says why */
    }
}

static void close_keeping_errno(int fd) {
    int saved = errno;
    close(fd);
    errno = saved;
}

int rl_place_create(int top, const char *path) {
    const char *name = NULL;
    int folder = rl_place_open_parent(top, path, true, &name);
    if (folder < 0) {
        return -1;
    }
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(folder, name, flags, 0600);
    if (fd < 0 && errno == EEXIST) {
        remove_old(folder, name);
        fd = openat(folder, name, flags, 0600);
    }
    close_keeping_errno(folder);
    return fd;
}

bool rl_place_folder(int top, const char *path) {
    const char *name = NULL;
    int folder = rl_place_open_parent(top, path, true, &name);
    if (folder < 0) {
        return false;
    }
    bool made = mkdirat(folder, name, 0755) == 0;
    if (!made && errno == EEXIST) {
        struct stat there;
        made = fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(there.st_mode);
        errno = EEXIST;
    }
    close_keeping_errno(folder);
    return made;
}

bool rl_place_symlink(int top, const char *path, const char *target) {
    const char *name = NULL;
    int folder = rl_place_open_parent(top, path, true, &name);
    if (folder < 0) {
        return false;
    }
    remove_old(folder, name);
    bool made = symlinkat(target, folder, name) == 0;
    close_keeping_errno(folder);
    return made;
}

bool rl_place_hardlink(int top, const char *path, const char *target) {
    const char *name = NULL;
    const char *old_name = NULL;
    int folder = rl_place_open_parent(top, path, true, &name);
    int old_folder = folder >= 0 ? rl_place_open_parent(top, target, false, &old_name) : -1;
    bool made = false;
    if (old_folder >= 0) {
        if (strcmp(path, target) != 0) {
            remove_old(folder, name);
        }
        made = linkat(old_folder, old_name, folder, name, 0) == 0;
        close_keeping_errno(old_folder);
    }
    if (folder >= 0) {
        close_keeping_errno(folder);
    }
    return made;
}

bool rl_place_write(int fd, const uint8_t *data, size_t size) {
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
