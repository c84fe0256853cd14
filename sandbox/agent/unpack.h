/* unpack.h: what an archive holds, into the work folder.
 *
 * Theory of operation
 * -------------------
 * libarchive reads the formats (zip; tar, also compressed by gzip), from memory; everything that touches a file is ours,
 * by place.h, so that no entry's name, and no link that an earlier entry made, leads out of the work folder. The bytes are
 * a stranger's: this runs in a confined helper only (helper.h).
 *
 * Taken are files, folders, hard links to entries before them and symbolic links that lead to somewhere in the work
 * folder, as far as their text tells. Of permissions, those of files and folders, with the user's own to read and write.
 * Anything else is refused, and so is everything past the bounds.
 */
#ifndef RL_SANDBOX_AGENT_UNPACK_H
#define RL_SANDBOX_AGENT_UNPACK_H

#include "sandbox/agent/tree.h"
#include "sandbox/protocol.h"

typedef enum rl_unpack_problem {
    RL_UNPACK_NONE,
    RL_UNPACK_DAMAGED,
    RL_UNPACK_LEAVES,
    RL_UNPACK_SPECIAL,
    RL_UNPACK_ENTRIES,
    RL_UNPACK_SIZE,
    RL_UNPACK_CLASH,
    RL_UNPACK_MEMORY,
    RL_UNPACK_PROBLEM_COUNT
} rl_unpack_problem;

/* What is left of the bounds of all archives together. */
typedef struct rl_unpack_bounds {
    int64_t bytes;
    uint32_t entries;
} rl_unpack_bounds;

/* Unpacks one archive (format ZIP or TAR) below the folder `top`. *bounds become smaller. */
rl_unpack_problem rl_unpack_archive(int top, const rl_agent_file *archive, rl_unpack_bounds *bounds);

/* For the submitter: a static string, never NULL. */
const char *rl_unpack_problem_text(uint32_t problem);

/* The path that an entry named `name` gets in the work folder, when the archive is unpacked into `folder`: leading "./" and
 * a trailing "/" do not count. Into `path`, of RL_AGENT_PATH_MAX + 1 bytes; "" is the work folder itself. false when it
 * leaves the folder. Pure. */
bool rl_unpack_path(const char *folder, const char *name, char *path);

/* Whether a symbolic link at `path` to `target` stays in the work folder, by their text. Pure. */
bool rl_unpack_link_stays(const char *path, const char *target);

#endif
