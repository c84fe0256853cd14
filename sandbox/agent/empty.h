/* empty.h: removing whatever a program has left in a folder, as a child that has become the user.
 *
 * A stranger has built it: folders without permissions, thousands of them inside one another, names that no path is long
 * enough for. So nothing here recurses, builds a path or holds more than two descriptors: what is deep is first moved up.
 */
#ifndef RL_SANDBOX_AGENT_EMPTY_H
#define RL_SANDBOX_AGENT_EMPTY_H

#include <stdbool.h>

/* Removes the entry `name` of the open folder, with all that is in it. false with errno. */
bool rl_empty_remove(int folder, const char *name);

/* Removes all that is in the open folder. false with errno. */
bool rl_empty_folder(int folder);

#endif
