/* empty.c: see empty.h. Each turn of the outer loop removes a level; each rename happens once for a folder. */
#include "sandbox/agent/empty.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Of the open folder: a stream of its own. */
static DIR *list(int folder) {
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    if (stream == NULL && fd >= 0) {
        close(fd);
    }
    return stream;
}

/* Opens a folder in `folder`, for its owner to work in, whatever its permissions were. */
static int open_unlocked(int folder, const char *name) {
    if (fchmodat(folder, name, 0700, 0) != 0) {
        return -1;
    }
    return openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Moves `name` from the folder `from` to `to`, under a name that is free there. */
static bool move_up(int from, const char *name, int to, unsigned *next) {
    char free_name[16];
    if (fchmodat(from, name, 0700, 0) !=
        0) { /* to change its "..", a folder must be one that may be written to */
        return false;
    }
    do {
        snprintf(free_name, sizeof free_name, "%u", (*next)++);
        if (renameat2(from, name, to, free_name, RENAME_NOREPLACE) == 0) {
            return true;
        }
    } while (errno == EEXIST);
    return false;
}

/* Removes the folder `name` in `folder`; what is in it and a folder itself moves up into `folder`. */
static bool dissolve(int folder, const char *name, unsigned *next) {
    int inner = open_unlocked(folder, name);
    DIR *stream = inner >= 0 ? list(inner) : NULL;
    bool removed = stream != NULL;
    for (struct dirent *entry = NULL; removed && (entry = readdir(stream)) != NULL;) {
        removed = is_dots(entry->d_name) || unlinkat(inner, entry->d_name, 0) == 0 ||
                  (errno == EISDIR && move_up(inner, entry->d_name, folder, next));
    }
    int saved = errno;
    if (stream != NULL) {
        closedir(stream);
    }
    if (inner >= 0) {
        close(inner);
    }
    errno = saved;
    /* ENOTEMPTY: the stream has passed over what was there all the time; the next turn finds it */
    return removed && (unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOTEMPTY);
}

/* One turn over what the folder holds now. */
static bool sweep(int folder, unsigned *next, bool *was_empty) {
    DIR *stream = list(folder);
    if (stream == NULL) {
        return false;
    }
    *was_empty = true;
    bool swept = true;
    for (struct dirent *entry = NULL; swept && (entry = readdir(stream)) != NULL;) {
        if (!is_dots(entry->d_name)) {
            *was_empty = false;
            swept = unlinkat(folder, entry->d_name, 0) == 0 ||
                    (errno == EISDIR && dissolve(folder, entry->d_name, next)) || errno == ENOENT;
        }
    }
    int saved = errno;
    closedir(stream);
    errno = saved;
    return swept;
}

bool rl_empty_folder(int folder) {
    unsigned next = 0;
    for (bool was_empty = false; !was_empty;) {
        if (!sweep(folder, &next, &was_empty)) {
            return false;
        }
    }
    return true;
}

bool rl_empty_remove(int folder, const char *name) {
    if (unlinkat(folder, name, 0) == 0) {
        return true;
    }
    if (errno != EISDIR) {
        return false;
    }
    int inner = open_unlocked(folder, name);
    bool emptied = inner >= 0 && rl_empty_folder(inner);
    int saved = errno;
    if (inner >= 0) {
        close(inner);
    }
    errno = saved;
    return emptied && unlinkat(folder, name, AT_REMOVEDIR) == 0;
}
