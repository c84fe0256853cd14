/* turns.c: see turns.h. */
#include "services/runner/turns.h"

/* What a piece costs a lane of weight 1. Divisible by most small numbers, so that shares are exact. */
#define COST 720720u

static uint64_t begin_of(const rl_turns *turns, size_t lane) {
    return turns->next[lane] > turns->now ? turns->next[lane] : turns->now;
}

/* The lane furthest behind of those that have not been asked; `count` where all have been. */
static size_t furthest_behind(const rl_turns *turns, const bool *asked) {
    size_t found = turns->count;
    for (size_t i = 0; i < turns->count; i++) {
        if (!asked[i] && (found == turns->count || begin_of(turns, i) < begin_of(turns, found))) {
            found = i;
        }
    }
    return found;
}

bool rl_turns_next(rl_turns *turns, rl_turns_take take, void *context) {
    bool asked[RL_TURNS_MAX] = {false};
    size_t lane;
    while ((lane = furthest_behind(turns, asked)) < turns->count) {
        if (take(context, lane)) {
            turns->now = begin_of(turns, lane);
            turns->next[lane] = turns->now + COST / turns->weights[lane];
            return true;
        }
        asked[lane] = true;
    }
    return false;
}
