/* unpack.c: from libarchive's entries to files. */
#include "sandbox/agent/unpack.h"

#include "sandbox/agent/place.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct unpacking {
    struct archive *reader;
    int top;
    const char *folder;
    rl_unpack_bounds *bounds;
} unpacking;

const char *rl_unpack_problem_text(uint32_t problem) {
    static const char *const texts[RL_UNPACK_PROBLEM_COUNT] = {
        [RL_UNPACK_NONE] = "could not be unpacked",
        [RL_UNPACK_DAMAGED] = "is damaged, encrypted, or not of the format that it is said to be",
        [RL_UNPACK_LEAVES] = "has an entry whose name or link leads out of the folder, or is too long",
        [RL_UNPACK_SPECIAL] = "has an entry that is no file, folder or link",
        [RL_UNPACK_ENTRIES] = "has too many entries",
        [RL_UNPACK_SIZE] = "holds more than fits into the work folder",
        [RL_UNPACK_CLASH] = "has entries that are in each other's way",
        [RL_UNPACK_MEMORY] = "takes too much time or memory to unpack",
    };
    return texts[problem < RL_UNPACK_PROBLEM_COUNT ? problem : RL_UNPACK_NONE];
}

/* ---- names ---- */

bool rl_unpack_path(const char *folder, const char *name, char *path) {
    char plain[RL_AGENT_PATH_MAX + 1];
    while (name[0] == '.' && name[1] == '/') {
        for (name += 2; *name == '/'; name++) {
        }
    }
    size_t size = strcmp(name, ".") == 0 ? 0 : strlen(name);
    while (size > 1 && name[size - 1] == '/') {
        size--;
    }
    if (size > RL_AGENT_PATH_MAX) {
        return false;
    }
    memcpy(plain, name, size);
    plain[size] = '\0';
    if (size == 0) {
        return rl_tree_join("", folder, path, RL_AGENT_PATH_MAX);
    }
    return rl_agent_path_is_plain(plain) && rl_tree_join(folder, plain, path, RL_AGENT_PATH_MAX);
}

static size_t depth_of(const char *path) {
    size_t depth = 0;
    for (; *path != '\0'; path++) {
        depth += *path == '/';
    }
    return depth;
}

bool rl_unpack_link_stays(const char *path, const char *target) {
    size_t depth = depth_of(path); /* of the folder that the link is in */
    if (target[0] == '/' || target[0] == '\0' || strlen(target) > RL_AGENT_PATH_MAX) {
        return false;
    }
    for (const char *part = target; *part != '\0';) {
        size_t size = strcspn(part, "/");
        if (size == 2 && part[0] == '.' && part[1] == '.') {
            if (depth == 0) {
                return false;
            }
            depth--;
        } else if (size > 0 && !(size == 1 && part[0] == '.')) {
            depth++;
        }
        part += size + (part[size] == '/');
    }
    return true;
}

/* ---- contents ---- */

/* What a system call's failure means for an archive. */
static rl_unpack_problem problem_of(int os_error) {
    switch (os_error) {
    case ENOSPC:
    case EFBIG:
    case EDQUOT:
        return RL_UNPACK_SIZE;
    case ENOMEM:
        return RL_UNPACK_MEMORY;
    case ENAMETOOLONG:
        return RL_UNPACK_LEAVES;
    default:
        return RL_UNPACK_CLASH;
    }
}

/* Whether `size` more bytes are within the bounds; then they are taken off. Holes count. */
static bool afford(rl_unpack_bounds *bounds, int64_t size) {
    if (size < 0 || size > bounds->bytes) {
        return false;
    }
    bounds->bytes -= size;
    return true;
}

static rl_unpack_problem write_contents(unpacking *u, int fd) {
    int64_t end = 0;
    for (;;) {
        const void *data = NULL;
        size_t size = 0;
        la_int64_t offset = 0;
        int got = archive_read_data_block(u->reader, &data, &size, &offset);
        if (got == ARCHIVE_EOF) {
            return offset <= end || (afford(u->bounds, offset - end) && ftruncate(fd, offset) == 0)
                       ? RL_UNPACK_NONE
                       : RL_UNPACK_SIZE;
        }
        if (got != ARCHIVE_OK || offset < end) {
            return RL_UNPACK_DAMAGED;
        }
        if (!afford(u->bounds, offset - end) || !afford(u->bounds, (int64_t)size)) {
            return RL_UNPACK_SIZE;
        }
        if (lseek(fd, offset, SEEK_SET) < 0 || !rl_place_write(fd, data, size)) {
            return problem_of(errno);
        }
        end = offset + (int64_t)size;
    }
}

static rl_unpack_problem unpack_file(unpacking *u, const char *path, mode_t mode) {
    int fd = rl_place_create(u->top, path);
    if (fd < 0) {
        return problem_of(errno);
    }
    rl_unpack_problem problem = write_contents(u, fd);
    if (problem == RL_UNPACK_NONE && fchmod(fd, (mode & 0777) | 0600) != 0) {
        problem = problem_of(errno);
    }
    close(fd);
    return problem;
}

static rl_unpack_problem unpack_hardlink(unpacking *u, const char *path, const char *name) {
    char target[RL_AGENT_PATH_MAX + 1];
    if (!rl_unpack_path(u->folder, name, target) || target[0] == '\0') {
        return RL_UNPACK_LEAVES;
    }
    return rl_place_hardlink(u->top, path, target) ? RL_UNPACK_NONE : problem_of(errno);
}

static rl_unpack_problem unpack_symlink(unpacking *u, const char *path, const char *target) {
    if (target == NULL || !rl_unpack_link_stays(path, target)) {
        return RL_UNPACK_LEAVES;
    }
    return rl_place_symlink(u->top, path, target) ? RL_UNPACK_NONE : problem_of(errno);
}

static rl_unpack_problem unpack_entry(unpacking *u, struct archive_entry *entry) {
    char path[RL_AGENT_PATH_MAX + 1];
    const char *name = archive_entry_pathname(entry);
    if (name == NULL || !rl_unpack_path(u->folder, name, path)) {
        return name == NULL ? RL_UNPACK_DAMAGED : RL_UNPACK_LEAVES;
    }
    if (u->bounds->entries-- == 0) {
        u->bounds->entries = 0;
        return RL_UNPACK_ENTRIES;
    }
    const char *other_name = archive_entry_hardlink(entry);
    mode_t type = archive_entry_filetype(entry);
    if (type == AE_IFDIR && other_name == NULL) {
        bool is_there = path[0] == '\0' || strcmp(path, u->folder) == 0;
        return is_there || rl_place_folder(u->top, path) ? RL_UNPACK_NONE : problem_of(errno);
    }
    if (path[0] == '\0') {
        return RL_UNPACK_CLASH; /* the work folder as a file */
    }
    if (other_name != NULL) {
        return unpack_hardlink(u, path, other_name);
    }
    if (type == AE_IFLNK) {
        return unpack_symlink(u, path, archive_entry_symlink(entry));
    }
    return type == AE_IFREG ? unpack_file(u, path, archive_entry_perm(entry)) : RL_UNPACK_SPECIAL;
}

/* ---- the archive ---- */

static rl_unpack_problem unpack_all(unpacking *u) {
    for (;;) {
        struct archive_entry *entry = NULL;
        int got = archive_read_next_header(u->reader, &entry);
        if (got == ARCHIVE_EOF) {
            return RL_UNPACK_NONE;
        }
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN) {
            return archive_errno(u->reader) == ENOMEM ? RL_UNPACK_MEMORY : RL_UNPACK_DAMAGED;
        }
        rl_unpack_problem problem = unpack_entry(u, entry);
        if (problem != RL_UNPACK_NONE) {
            return problem;
        }
    }
}

static bool offer_format(struct archive *reader, rl_agent_format format) {
    if (format == RL_AGENT_FORMAT_ZIP) {
        return archive_read_support_format_zip(reader) == ARCHIVE_OK;
    }
    return archive_read_support_format_tar(reader) == ARCHIVE_OK &&
           archive_read_support_filter_gzip(reader) == ARCHIVE_OK;
}

rl_unpack_problem rl_unpack_archive(int top, const rl_agent_file *archive, rl_unpack_bounds *bounds) {
    setlocale(LC_CTYPE, "C.UTF-8"); /* or names beyond ASCII would be converted to something else */
    unpacking u = {archive_read_new(), top, archive->path, bounds};
    rl_unpack_problem problem = RL_UNPACK_MEMORY;
    if (u.reader != NULL && offer_format(u.reader, archive->format)) {
        problem = archive_read_open_memory(u.reader, archive->data, archive->size) == ARCHIVE_OK
                      ? unpack_all(&u)
                      : RL_UNPACK_DAMAGED;
    }
    archive_read_free(u.reader); /* NULL will do */
    return problem;
}
