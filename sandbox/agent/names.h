/* names.h: making the kernel know the names of a language's files before they are needed.
 *
 * Theory of operation
 * -------------------
 * Each container's root is a mount of its own, and the kernel's memory of which names exist in it, and which do not,
 * begins empty. The first look at a name goes through all layers of the image. An interpreter looks at a hundred names
 * before it runs anything, a C++ compiler at a thousand, and does so in small steps that each wait: measured, the
 * first `python3` in a container takes 3 to 5 ms longer than the second, the first `g++` 40. Looking at the same names
 * in a row takes a fraction of that, and a warm container does it while nobody waits.
 *
 * Which names those are was recorded when the language's image was built (sandbox/record_names.c). What is looked at is
 * neither read nor executed, so nothing of a container that waits changes but the kernel's memory of it.
 *
 * Thread: the agent's only one, before any user code is in the container.
 */
#ifndef RL_AGENT_NAMES_H
#define RL_AGENT_NAMES_H

#define RL_NAMES_LIST "/usr/share/runlog/names"

/* Looks at each name in the file `list`, one absolute path a line. An image without a list, or one that is cut off, is
 * as good as any: only slower. */
void rl_names_visit(const char *list);

#endif
