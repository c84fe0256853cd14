/* turns.h: which lane is next, by weight, where what is shared is time.
 *
 * Theory of operation
 * -------------------
 * Self-clocked fair queueing over time that is known only afterwards. Each lane has a virtual clock that the time of its
 * pieces of work moves on, by less the greater its weight is. How long a piece will take nobody knows when it begins. So
 * two things are kept: what the lane has `used`, which grows while its pieces run and never shrinks, and what is still
 * `expected` of those that run. The lane whose sum is least is next. A wrong expectation does not matter in the end: what
 * was expected and not used goes when the piece ends, and a piece that takes longer is charged for it while it runs.
 *
 * So while all lanes have work each gets its share of the time, in many short pieces or in few long ones. A lane without work
 * costs the others nothing, and what it does not use, they do. It saves nothing up: when it has work again its clock
 * starts where the lanes that wait were when the last piece was taken (`now`), as it may have been waiting since; so it is next, and so
 * are those that came with it. And nobody owes for ever: where nothing waits all are even, and no lane falls behind another by
 * more than `spread`.
 *
 * Thread: one at a time. Plain value: zeroed but for count, weights and spread.
 */
#ifndef RL_RUNNER_TURNS_H
#define RL_RUNNER_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RL_TURNS_MAX 3

/* What a microsecond costs a lane of weight 1; weights that divide it make exact shares. */
#define RL_TURNS_UNIT 70

typedef struct {
    size_t count;
    unsigned weights[RL_TURNS_MAX]; /* 1 to RL_TURNS_UNIT */
    int64_t spread;                 /* in RL_TURNS_UNIT-ths of a microsecond, as the three that follow */
    int64_t now;                    /* nobody who waits is behind it: of the last piece that was taken */
    int64_t used[RL_TURNS_MAX];
    int64_t expected[RL_TURNS_MAX];
    bool waiting[RL_TURNS_MAX]; /* the lane had work when it was asked last */
} rl_turns;

typedef enum {
    RL_TURN_TAKEN,
    RL_TURN_LATER, /* the lane has work that cannot begin yet */
    RL_TURN_NONE,
} rl_turn;

/* Takes one piece of work from lane `lane`. */
typedef rl_turn (*rl_turns_take)(void *context, size_t lane);

/* Has one piece of work taken from the lane whose turn it is; of equals from one that has had no work, then from the
 * first. false: no lane has any that can begin. */
bool rl_turns_next(rl_turns *turns, rl_turns_take take, void *context, size_t *ret_lane);

/* A lane's pieces have used so much more time (0 or more), and so much more, or less, is expected of them; microseconds. */
void rl_turns_charge(rl_turns *turns, size_t lane, int64_t used_us, int64_t expected_us);

#endif
