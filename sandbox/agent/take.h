/* take.h: a folder's contents written down as tree.h lays them out, as a child that has become the user. */
#ifndef RL_SANDBOX_AGENT_TAKE_H
#define RL_SANDBOX_AGENT_TAKE_H

#include <stdbool.h>
#include <stdint.h>

/* Writes the open folder `top` with all that is in it to `out`, at most `most` bytes. Pipes, sockets and devices are passed
 * over. A file that its owner may not read is made readable for a moment. false with errno, EFBIG when it is more than
 * `most`, ENAMETOOLONG when a path is longer than RL_TREE_PATH_MAX, and *failed, the step. */
bool rl_take_tree(int top, int out, int64_t most, const char **failed);

#endif
