/* cancelled_replays.h: the replays that are not to be executed any further, by their generation.
 *
 * What the topic `controls` says of replays, for as long as this runner lives: there are few, so they have no time of their
 * own. There is room for RL_CANCELLED_REPLAYS_MAX; past that the lowest generation, the oldest replay, is forgotten.
 *
 * Thread: any; one lock guards everything inside.
 */
#ifndef RL_RUNNER_CANCELLED_REPLAYS_H
#define RL_RUNNER_CANCELLED_REPLAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

#define RL_CANCELLED_REPLAYS_MAX 1024

typedef struct rl_cancelled_replays rl_cancelled_replays;

/* NULL and TRANSIENT when memory or descriptors are short. */
rl_cancelled_replays *rl_cancelled_replays_new(rl_error *err);
void rl_cancelled_replays_free(rl_cancelled_replays *set); /* NULL is fine */

/* Adds a generation, at least 1. false: another one was forgotten for it, or it was itself, being the lowest. */
bool rl_cancelled_replays_add(rl_cancelled_replays *set, int64_t generation);

/* false for 0, which is no replay's. */
bool rl_cancelled_replays_have(rl_cancelled_replays *set, int64_t generation);

size_t rl_cancelled_replays_count(rl_cancelled_replays *set);

/* Grows with each generation that is added: who has seen a version need not look again while it stays. */
uint64_t rl_cancelled_replays_version(const rl_cancelled_replays *set);

/* An eventfd that gets 1 added after each generation that is added; one reader polls and empties it. */
int rl_cancelled_replays_fd(const rl_cancelled_replays *set);

RL_DEFINE_CLEANUP(rl_cancelled_replays_slot, rl_cancelled_replays, rl_cancelled_replays_free)
#define RL_AUTO_CANCELLED_REPLAYS RL_CLEANUP(rl_cancelled_replays_slot)

#endif
