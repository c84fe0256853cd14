/* suspicion.c: counting strikes. */
#include "lib/sink/suspicion.h"

void rl_suspicion_raise(rl_suspicion *suspicion) {
    suspicion->on = true;
}

bool rl_suspicion_strike(rl_suspicion *suspicion, const rl_patience *patience, int64_t now_us) {
    if (suspicion->strikes == 0) {
        suspicion->since_us = now_us;
    }
    suspicion->strikes++;
    return suspicion->strikes >= patience->strikes && now_us - suspicion->since_us >= patience->us;
}

void rl_suspicion_clear(rl_suspicion *suspicion) {
    *suspicion = (rl_suspicion){0};
}
