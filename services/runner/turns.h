/* turns.h: which lane is next, by weight: start-time fair queueing (P. Goyal, H. Vin, H. Cheng: "Start-time Fair Queuing",
 * SIGCOMM 1996).
 *
 * Each lane has a virtual clock that its pieces of work move on, by less the greater its weight is; the lane whose clock
 * is furthest behind is next. So while all lanes have work, each gets its share of what is taken, evenly spread: the
 * pieces of one lane do not come in a row. A lane without work costs the others nothing, what it does not use, they do,
 * and it saves nothing up: when it has work again its clock starts where the others are. Then it is next.
 *
 * Thread: one at a time. Plain value: zeroed but for count and weights.
 */
#ifndef RL_RUNNER_TURNS_H
#define RL_RUNNER_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RL_TURNS_MAX 3

typedef struct {
    size_t count;
    unsigned weights[RL_TURNS_MAX]; /* 1 to 1000 */
    uint64_t now;                   /* where the last piece began */
    uint64_t next[RL_TURNS_MAX];    /* where the next one of each lane may begin at the earliest */
} rl_turns;

/* Takes one piece of work from lane `lane`; false: it has none. */
typedef bool (*rl_turns_take)(void *context, size_t lane);

/* Has one piece of work taken from the lane whose turn it is, of equals from the first. false: no lane has any. */
bool rl_turns_next(rl_turns *turns, rl_turns_take take, void *context);

#endif
