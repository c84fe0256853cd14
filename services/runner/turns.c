/* turns.c: see turns.h. */
#include "services/runner/turns.h"

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Of all lanes. */
static int64_t most_used(const rl_turns *turns) {
    int64_t most = turns->used[0];
    for (size_t i = 1; i < turns->count; i++) {
        most = larger(most, turns->used[i]);
    }
    return most;
}

/* To the lane furthest behind of those that wait. Those that do not wait have all the time that they want. */
static void move_on(rl_turns *turns) {
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < turns->count; i++) {
        if (turns->waiting[i] && turns->used[i] < least) {
            least = turns->used[i];
        }
    }
    if (least < INT64_MAX) {
        turns->now = larger(turns->now, larger(least, most_used(turns) - turns->spread));
    }
}

static int64_t clock_of(const rl_turns *turns, size_t lane) {
    return larger(turns->used[lane], turns->now) + turns->expected[lane];
}

static bool is_before(const rl_turns *turns, size_t lane, size_t other) {
    const int64_t a = clock_of(turns, lane);
    const int64_t b = clock_of(turns, other);
    return a < b || (a == b && !turns->waiting[lane] && turns->waiting[other]);
}

/* The next of those that have not been asked; `count` where all have been. */
static size_t first_of(const rl_turns *turns, const bool *asked) {
    size_t found = turns->count;
    for (size_t i = 0; i < turns->count; i++) {
        if (!asked[i] && (found == turns->count || is_before(turns, i, found))) {
            found = i;
        }
    }
    return found;
}

static bool does_any_wait(const rl_turns *turns) {
    for (size_t i = 0; i < turns->count; i++) {
        if (turns->waiting[i]) {
            return true;
        }
    }
    return false;
}

bool rl_turns_next(rl_turns *turns, rl_turns_take take, void *context, size_t *ret_lane) {
    bool asked[RL_TURNS_MAX] = {false};
    size_t lane;
    while ((lane = first_of(turns, asked)) < turns->count) {
        const rl_turn turn = take(context, lane);
        if (turn != RL_TURN_NONE) {
            turns->used[lane] = larger(turns->used[lane], turns->now);
        }
        turns->waiting[lane] = turn != RL_TURN_NONE;
        if (turn == RL_TURN_TAKEN) {
            move_on(turns);
            *ret_lane = lane;
            return true;
        }
        asked[lane] = true;
    }
    if (!does_any_wait(turns)) {
        turns->now = larger(turns->now, most_used(turns));
    }
    return false;
}

void rl_turns_charge(rl_turns *turns, size_t lane, int64_t used_us, int64_t expected_us) {
    const int64_t price = RL_TURNS_UNIT / (int64_t)turns->weights[lane];
    turns->used[lane] += used_us * price;
    turns->expected[lane] += expected_us * price;
}
