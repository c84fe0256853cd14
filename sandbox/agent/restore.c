/* restore.c: four passes: folders and what is too much in them; files and links that differ go; they are made; folders get
 * their permissions and times. Everything too much goes first because it may take the room. Paths are opened from the top at
 * once: that all folders on the way are folders has been seen to by then.
 */
#include "sandbox/agent/restore.h"

#include "sandbox/agent/empty.h"
#include "sandbox/agent/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };

static const char *or_dot(const char *path) {
    return path[0] != '\0' ? path : ".";
}

static mode_t type_bits(rl_tree_type type) {
    return type == RL_TREE_FOLDER ? S_IFDIR : type == RL_TREE_FILE ? S_IFREG : S_IFLNK;
}

static bool has_time(const struct stat *now, const rl_tree_entry *entry) {
    return now->st_mtim.tv_sec == entry->modified_s && now->st_mtim.tv_nsec == (long)entry->modified_ns;
}

/* Of the entry itself, also where it is a link. When it was last read would tell a later run of an earlier one, so that
 * becomes the time of modification: the file system moves it on at the next reading. */
static bool set_time(int top, const rl_tree_entry *entry) {
    const struct timespec times[2] = {{entry->modified_s, (long)entry->modified_ns},
                                      {entry->modified_s, (long)entry->modified_ns}};
    return utimensat(top, or_dot(entry->path), times, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Sets the times unless they are so already. */
static bool keep_times(int top, const rl_tree_entry *entry, const struct stat *now) {
    bool is_unread =
        now->st_atim.tv_sec == now->st_mtim.tv_sec && now->st_atim.tv_nsec == now->st_mtim.tv_nsec;
    return (has_time(now, entry) && is_unread) || set_time(top, entry);
}

/* ---- folders ---- */

/* Opens a folder of the tree; makes it where it is missing. */
static int open_folder(int top, const rl_tree_entry *entry) {
    const char *path = or_dot(entry->path);
    struct stat now;
    if (fstatat(top, path, &now, AT_SYMLINK_NOFOLLOW) != 0) {
        if (mkdirat(top, path, 0700) != 0) {
            return -1;
        }
    } else if ((now.st_mode & 0700) != 0700 && fchmodat(top, path, 0700, 0) != 0) {
        return -1;
    }
    return openat(top, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Whether the tree has an entry of this name in this folder, and of the type that is there. */
static bool belongs(const rl_tree *tree, const rl_tree_entry *folder, int fd, const char *name) {
    char path[RL_TREE_PATH_MAX + 1];
    struct stat now;
    if (!rl_tree_join(folder->path, name, path, RL_TREE_PATH_MAX)) {
        return false;
    }
    const rl_tree_entry *entry = rl_tree_find(tree, path);
    return entry != NULL && fstatat(fd, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           (now.st_mode & S_IFMT) == type_bits(entry->type);
}

/* Removes what the tree does not have. */
static bool sweep_folder(const rl_tree *tree, const rl_tree_entry *folder, int fd) {
    int own = dup(fd);
    DIR *stream = own >= 0 ? fdopendir(own) : NULL;
    if (stream == NULL) {
        return false;
    }
    bool swept = true;
    for (struct dirent *found = NULL; swept && (found = readdir(stream)) != NULL;) {
        const char *name = found->d_name;
        swept = strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || belongs(tree, folder, fd, name) ||
                rl_empty_remove(fd, name);
    }
    int saved = errno;
    closedir(stream);
    errno = saved;
    return swept;
}

static bool put_folder(int top, const rl_tree *tree, const rl_tree_entry *entry) {
    int fd = open_folder(top, entry);
    if (fd < 0) {
        return false;
    }
    bool put = sweep_folder(tree, entry, fd);
    int saved = errno;
    close(fd);
    errno = saved;
    return put;
}

/* Last: what happened inside has changed the times. Extended attributes it cannot have: see user_filter.h. */
static bool finish_folder(int top, const rl_tree_entry *entry) {
    struct stat now;
    const char *path = or_dot(entry->path);
    if (fstatat(top, path, &now, AT_SYMLINK_NOFOLLOW) != 0) {
        return false;
    }
    bool has_mode = (now.st_mode & 07777) == entry->mode;
    return keep_times(top, entry, &now) && (has_mode || fchmodat(top, path, (mode_t)entry->mode, 0) == 0);
}

/* ---- files and links ---- */

static bool has_contents(int fd, const rl_tree_entry *entry) {
    static uint8_t chunk[CHUNK]; /* of the child alone */
    size_t done = 0;
    while (done < entry->size) {
        ssize_t size = read(fd, chunk, sizeof chunk);
        if (size <= 0 || (size_t)size > entry->size - done ||
            memcmp(chunk, entry->data + done, (size_t)size) != 0) {
            return false;
        }
        done += (size_t)size;
    }
    return true;
}

static bool is_file_intact(int top, const rl_tree_entry *entry) {
    int fd = openat(top, entry->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
    struct stat now;
    bool intact = fd >= 0 && fstat(fd, &now) == 0 && (now.st_mode & 07777) == entry->mode &&
                  now.st_nlink == entry->links && (uint64_t)now.st_size == entry->size &&
                  has_time(&now, entry) && flistxattr(fd, NULL, 0) <= 0 && has_contents(fd, entry);
    if (fd >= 0) {
        close(fd);
    }
    return intact;
}

static bool is_link_intact(int top, const rl_tree_entry *entry) {
    char target[PATH_MAX];
    struct stat now;
    if (fstatat(top, entry->path, &now, AT_SYMLINK_NOFOLLOW) != 0 || !has_time(&now, entry)) {
        return false;
    }
    ssize_t size = readlinkat(top, entry->path, target, sizeof target);
    return size >= 0 && (size_t)size == entry->size - 1 && memcmp(target, entry->data, (size_t)size) == 0;
}

/* Whether the leaf is as it should be. One that is not is removed; that it never was there is as well. */
static bool keep_leaf(int top, const rl_tree_entry *entry) {
    bool intact = entry->type == RL_TREE_FILE ? is_file_intact(top, entry) : is_link_intact(top, entry);
    if (intact) {
        struct stat now; /* where this fails, making it anew fails as well and says so */
        return fstatat(top, entry->path, &now, AT_SYMLINK_NOFOLLOW) == 0 && keep_times(top, entry, &now);
    }
    unlinkat(top, entry->path, 0); /* where it stays although it should not, making it anew fails */
    return false;
}

static bool make_leaf(int top, const rl_tree_entry *entry) {
    if (entry->type == RL_TREE_LINK) {
        return symlinkat((const char *)entry->data, top, entry->path) == 0 && set_time(top, entry);
    }
    int fd = openat(top, entry->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    bool made = rl_place_write(fd, entry->data, entry->size) && fchmod(fd, (mode_t)entry->mode) == 0 &&
                set_time(top, entry);
    int saved = errno;
    close(fd);
    errno = saved;
    return made;
}

/* ---- all of it ---- */

static bool put_leaves(int top, const rl_tree *tree, const char **failed) {
    bool *is_missing = calloc(tree->count + 1, sizeof *is_missing);
    if (is_missing == NULL) {
        *failed = "making room to restore the work folder";
        return false;
    }
    for (size_t i = 0; i < tree->count; i++) {
        is_missing[i] = tree->entries[i].type != RL_TREE_FOLDER && !keep_leaf(top, &tree->entries[i]);
    }
    bool put = true;
    for (size_t i = 0; put && i < tree->count; i++) {
        put = !is_missing[i] || make_leaf(top, &tree->entries[i]);
    }
    int saved = errno;
    free(is_missing);
    errno = saved;
    *failed = "restoring a file of the work folder";
    return put;
}

bool rl_restore_tree(int top, const rl_tree *tree, const char **failed) {
    *failed = "restoring a folder of the work folder";
    for (size_t i = 0; i < tree->count; i++) {
        if (tree->entries[i].type == RL_TREE_FOLDER && !put_folder(top, tree, &tree->entries[i])) {
            return false;
        }
    }
    if (!put_leaves(top, tree, failed)) {
        return false;
    }
    *failed = "finishing a folder of the work folder";
    for (size_t i = tree->count; i > 0; i--) {
        if (tree->entries[i - 1].type == RL_TREE_FOLDER && !finish_folder(top, &tree->entries[i - 1])) {
            return false;
        }
    }
    return true;
}
