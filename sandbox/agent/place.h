/* place.h: putting files, folders and links below a folder, as a child that has become the user.
 *
 * Every step walks from a folder's descriptor, one component at a time, and follows no link: what is named stays below the
 * folder, whatever is in it. Paths are plain ones (rl_agent_path_is_plain). Functions return false or -1 with errno.
 */
#ifndef RL_SANDBOX_AGENT_PLACE_H
#define RL_SANDBOX_AGENT_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Opens the folder that `path` names something in, `*name` becomes its last component. With `make`, folders that are
 * missing are made. The caller closes. */
int rl_place_open_parent(int top, const char *path, bool make, const char **name);

/* A new, empty file, open for writing, its folders made where they are missing. What has that name already is replaced,
 * but for a folder that is not empty. */
int rl_place_create(int top, const char *path);

/* Makes a folder and those on the way; one that is there already will do. */
bool rl_place_folder(int top, const char *path);

/* Makes a symbolic link, or one more name of the file `target`, which is such a path too. As for rl_place_create(). */
bool rl_place_symlink(int top, const char *path, const char *target);
bool rl_place_hardlink(int top, const char *path, const char *target);

bool rl_place_write(int fd, const uint8_t *data, size_t size);

#endif
