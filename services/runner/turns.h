/* turns.h: which lane is next, by weight.
 *
 * Each lane has as many turns in a round as its weight says; a round is over when no lane that has turns left
 * has work, and then the next one begins. So while all lanes have work, each gets its share of what is taken,
 * and a lane without work costs the others nothing: what it does not use, they do.
 *
 * Thread: one at a time. Plain value: zeroed but for count and weights.
 */
#ifndef RL_RUNNER_TURNS_H
#define RL_RUNNER_TURNS_H

#include <stdbool.h>
#include <stddef.h>

#define RL_TURNS_MAX 3

typedef struct {
    size_t count;
    unsigned weights[RL_TURNS_MAX]; /* 1 or more */
    unsigned left[RL_TURNS_MAX];    /* turns of this round */
} rl_turns;

/* Takes one piece of work from lane `lane`; false: it has none. */
typedef bool (*rl_turns_take)(void *context, size_t lane);

/* Has one piece of work taken from the lane whose turn it is. false: no lane has any. */
bool rl_turns_next(rl_turns *turns, rl_turns_take take, void *context);

#endif
