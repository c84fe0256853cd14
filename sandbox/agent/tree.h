/* tree.h: a folder with all that is in it as bytes.
 *
 * Theory of operation
 * -------------------
 * The agent keeps the work folder as it was before the first run in this form, to bring it back before a later one; the
 * runner keeps it for the next container that gets the same program. Layout, in the integers and texts of wire.h:
 *
 *     u32 RL_TREE_MAGIC
 *     then, for each entry up to the end of the bytes:
 *     u8 type, u32 mode, u32 links, i64 modified_s, u32 modified_ns, text path, bytes data
 *
 * The first entry is the folder itself, with the path "". A folder comes before what is in it, no path twice. Of pipes,
 * sockets and devices nothing is kept.
 *
 * Reading takes the bytes as untrusted: they may have been kept where others write. Pure; thread: any.
 */
#ifndef RL_SANDBOX_AGENT_TREE_H
#define RL_SANDBOX_AGENT_TREE_H

#include "sandbox/wire.h"

#define RL_TREE_MAGIC 0x524c5431u

/* Of a path in it, in bytes. More than a submission's own files may have (RL_AGENT_PATH_MAX): a compiler makes folders of
 * package names. Less than the kernel's 4095: each entry is looked up from the top, through all folders on its way. */
#define RL_TREE_PATH_MAX 1023u

typedef enum rl_tree_type { RL_TREE_FOLDER = 1, RL_TREE_FILE = 2, RL_TREE_LINK = 3 } rl_tree_type;

typedef struct rl_tree_entry {
    rl_tree_type type;
    uint32_t mode;  /* permission bits, 0..0777; meaningless of a link */
    uint32_t links; /* of a file: how many names it had */
    int64_t modified_s;
    uint32_t modified_ns;
    const char *path;    /* below the folder; plain, see rl_agent_path_is_plain() */
    const uint8_t *data; /* a file's contents; a link's target with its NUL, which size counts */
    size_t size;
} rl_tree_entry;

/* Entries point into the bytes that were read, which must outlive the tree. */
typedef struct rl_tree {
    rl_tree_entry *entries; /* in the order of the bytes */
    const rl_tree_entry **by_path;
    size_t count;
} rl_tree;

/* Appends RL_TREE_MAGIC; an entry up to its data's size, but without the data itself. */
void rl_tree_put_magic(rl_wire_writer *w);
void rl_tree_put_head(rl_wire_writer *w, const rl_tree_entry *entry);

/* Reads a tree. false and *why (a static string) when the bytes are none, or memory is short. */
bool rl_tree_read(const uint8_t *bytes, size_t size, rl_tree *tree, const char **why);
void rl_tree_free(rl_tree *tree);

/* The entry with this path, or NULL. */
const rl_tree_entry *rl_tree_find(const rl_tree *tree, const char *path);

/* `folder` and `name` as one path into `path`, of `most` + 1 bytes; `folder` may be "". false when it is longer than
 * `most`. */
bool rl_tree_join(const char *folder, const char *name, char *path, size_t most);

#endif
