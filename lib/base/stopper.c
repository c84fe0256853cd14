/* stopper.c: see stopper.h. */
#include "lib/base/stopper.h"

#include "lib/base/clock.h"

void rl_stopper_init(rl_stopper *stopper) {
    pthread_mutex_init(&stopper->lock, NULL);
    rl_cond_init(&stopper->changed);
    stopper->stopping = false;
}

void rl_stopper_destroy(rl_stopper *stopper) {
    pthread_cond_destroy(&stopper->changed);
    pthread_mutex_destroy(&stopper->lock);
}

void rl_stopper_stop(rl_stopper *stopper) {
    pthread_mutex_lock(&stopper->lock);
    stopper->stopping = true;
    pthread_cond_broadcast(&stopper->changed);
    pthread_mutex_unlock(&stopper->lock);
}

bool rl_stopper_pause_us(rl_stopper *stopper, int64_t us) {
    const int64_t until_us = us > 0 ? rl_clock_us() + us : 0;
    pthread_mutex_lock(&stopper->lock);
    while (!stopper->stopping && us > 0 && rl_clock_us() < until_us) {
        rl_cond_wait_until(&stopper->changed, &stopper->lock, until_us);
    }
    const bool go_on = !stopper->stopping;
    pthread_mutex_unlock(&stopper->lock);
    return go_on;
}
