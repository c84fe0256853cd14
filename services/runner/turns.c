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
    bool all_asked = true;
    for (size_t i = 0; i < turns->count; i++) {
        all_asked = all_asked && turns->left[i] > 0;
        turns->left[i] = turns->weights[i];
    }
    return !all_asked && go_on(turns, take, context);
}
