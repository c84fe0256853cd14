/* turns.c: see turns.h. */
#include "services/runner/turns.h"

static bool go_on(rl_turns *turns, rl_turns_take take, void *context) {
    for (size_t i = 0; i < turns->count; i++) {
        if (turns->left[i] > 0 && take(context, i)) {
            turns->left[i]--;
            return true;
        }
    }
    return false;
}

bool rl_turns_next(rl_turns *turns, rl_turns_take take, void *context) {
    if (go_on(turns, take, context)) {
        return true;
    }
    for (size_t i = 0; i < turns->count; i++) {
        turns->left[i] = turns->weights[i];
    }
    return go_on(turns, take, context);
}
