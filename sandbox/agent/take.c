/* take.c: a walk in breadth, so that one folder is open at a time. */
#include "sandbox/agent/take.h"

#include "sandbox/agent/place.h"
#include "sandbox/agent/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024, HEAD_MAX = 64 + RL_TREE_PATH_MAX };

/* Folders that are still to be looked into are those from `done` on. */
typedef struct walk {
    int top, out;
    int64_t left;
    char **folders;
    size_t count, room, done;
} walk;

static bool put(walk *w, const void *data, size_t size) {
    if ((int64_t)size > w->left) {
        errno = EFBIG;
        return false;
    }
    w->left -= (int64_t)size;
    return rl_place_write(w->out, data, size);
}

static bool put_head(walk *w, const rl_tree_entry *entry) {
    uint8_t head[HEAD_MAX];
    rl_wire_writer writer = {head, sizeof head, 0};
    rl_tree_put_head(&writer, entry);
    return put(w, head, writer.used);
}

static bool remember_folder(walk *w, const char *path) {
    if (w->count == w->room) {
        size_t room = w->room > 0 ? 2 * w->room : 16;
        char **folders = reallocarray(w->folders, room, sizeof *folders);
        if (folders == NULL) {
            return false;
        }
        w->folders = folders;
        w->room = room;
    }
    w->folders[w->count] = strdup(path);
    return w->folders[w->count++] != NULL;
}

static rl_tree_entry describe(const char *path, rl_tree_type type, const struct stat *now) {
    return (rl_tree_entry){.type = type,
                           .mode = now->st_mode & 0777,
                           .links = (uint32_t)now->st_nlink,
                           .modified_s = now->st_mtim.tv_sec,
                           .modified_ns = (uint32_t)now->st_mtim.tv_nsec,
                           .path = path};
}

/* The owner may lack the permission to read, but not that to change it. */
static int open_file(walk *w, const char *path, mode_t mode) {
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = openat(w->top, path, flags);
    if (fd < 0 && errno == EACCES && fchmodat(w->top, path, 0600, 0) == 0) {
        fd = openat(w->top, path, flags);
        if (fd >= 0 && fchmod(fd, mode & 07777) != 0) {
            close(fd);
            return -1;
        }
    }
    return fd;
}

static bool put_contents(walk *w, int fd, size_t size) {
    static uint8_t chunk[CHUNK]; /* of the child alone */
    while (size > 0) {
        ssize_t got = read(fd, chunk, size < sizeof chunk ? size : sizeof chunk);
        if (got <= 0) {
            errno = got == 0 ? EIO : errno; /* nobody is there to make it shorter meanwhile */
            return false;
        }
        if (!put(w, chunk, (size_t)got)) {
            return false;
        }
        size -= (size_t)got;
    }
    return true;
}

static bool put_file(walk *w, const char *path, const struct stat *now) {
    rl_tree_entry entry = describe(path, RL_TREE_FILE, now);
    if (now->st_size > w->left || now->st_size > UINT32_MAX) {
        errno = EFBIG;
        return false;
    }
    entry.size = (size_t)now->st_size;
    int fd = open_file(w, path, now->st_mode);
    bool done = fd >= 0 && put_head(w, &entry) && put_contents(w, fd, entry.size);
    int saved = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = saved;
    return done;
}

static bool put_link(walk *w, const char *path, const struct stat *now) {
    rl_tree_entry entry = describe(path, RL_TREE_LINK, now);
    entry.mode = 0777;
    char target[PATH_MAX];
    ssize_t size = readlinkat(w->top, path, target, sizeof target - 1);
    if (size < 0) {
        return false;
    }
    target[size] = '\0';
    entry.size = (size_t)size + 1;
    return put_head(w, &entry) && put(w, target, entry.size);
}

static bool put_entry(walk *w, const char *folder, const char *name) {
    char path[RL_TREE_PATH_MAX + 1];
    struct stat now;
    if (!rl_tree_join(folder, name, path, RL_TREE_PATH_MAX)) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (fstatat(w->top, path, &now, AT_SYMLINK_NOFOLLOW) != 0) {
        return false;
    }
    if (S_ISDIR(now.st_mode)) {
        rl_tree_entry entry = describe(path, RL_TREE_FOLDER, &now);
        return put_head(w, &entry) && remember_folder(w, path);
    }
    if (S_ISREG(now.st_mode)) {
        return put_file(w, path, &now);
    }
    return !S_ISLNK(now.st_mode) || put_link(w, path, &now);
}

static bool put_folder(walk *w, const char *path) {
    int fd = openat(w->top, path[0] != '\0' ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    if (stream == NULL) {
        return false;
    }
    bool done = true;
    for (struct dirent *found = NULL; done && (found = readdir(stream)) != NULL;) {
        const char *name = found->d_name;
        done = strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || put_entry(w, path, name);
    }
    int saved = errno;
    closedir(stream);
    errno = saved;
    return done;
}

static bool put_top(walk *w) {
    uint8_t magic[4];
    rl_wire_writer writer = {magic, sizeof magic, 0};
    rl_tree_put_magic(&writer);
    struct stat now;
    if (fstat(w->top, &now) != 0) {
        return false;
    }
    rl_tree_entry entry = describe("", RL_TREE_FOLDER, &now);
    return put(w, magic, sizeof magic) && put_head(w, &entry) && remember_folder(w, "");
}

bool rl_take_tree(int top, int out, int64_t most, const char **failed) {
    walk w = {.top = top, .out = out, .left = most};
    bool done = put_top(&w);
    while (done && w.done < w.count) {
        done = put_folder(&w, w.folders[w.done]);
        w.done++;
    }
    int saved = errno;
    for (size_t i = 0; i < w.count; i++) {
        free(w.folders[i]);
    }
    free(w.folders);
    errno = saved;
    *failed = done ? NULL : "keeping a copy of the work folder";
    return done;
}
