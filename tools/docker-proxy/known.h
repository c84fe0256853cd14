/* known.h: texts that have been verified, so that they need not be again: ids of containers and of images.
 *
 * A table in which each text has one place, by its hash: a newer one may take the place of another, which is then verified
 * once more when it is asked for. What is told of an id (a container's labels, an image's name when it was looked up) does
 * not change while the id lives, and ids are not used twice.
 *
 * Thread: any. Memory: one allocation.
 */
#ifndef RL_PROXY_KNOWN_H
#define RL_PROXY_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

#define RL_KNOWN_TEXT_SIZE 80 /* "sha256:" and 64 digits; longer texts are never known */

typedef struct rl_known rl_known;

/* NULL and TRANSIENT when memory is short. */
rl_known *rl_known_new(size_t places, rl_error *err);
void rl_known_free(rl_known *known);

void rl_known_add(rl_known *known, const char *text);
bool rl_known_has(rl_known *known, const char *text);

RL_DEFINE_CLEANUP(rl_known_slot, rl_known, rl_known_free)
#define RL_AUTO_KNOWN RL_CLEANUP(rl_known_slot)

#endif
