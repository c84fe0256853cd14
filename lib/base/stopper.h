/* stopper.h: the pauses of a background thread, which end at once when the thread is to stop.
 *
 * Thread: any, between init and destroy.
 */
#ifndef RL_BASE_STOPPER_H
#define RL_BASE_STOPPER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    pthread_mutex_t lock; /* guards `stopping` */
    pthread_cond_t changed;
    bool stopping;
} rl_stopper;

void rl_stopper_init(rl_stopper *stopper);
void rl_stopper_destroy(rl_stopper *stopper); /* nobody may be pausing */

/* From now on no pause lasts. */
void rl_stopper_stop(rl_stopper *stopper);

/* Sleeps; false when it is time to stop. With 0 it only asks. */
bool rl_stopper_pause_us(rl_stopper *stopper, int64_t us);

#endif
