/* waiters.h: who waits for a result to appear on the log: threads, and clients without one (parking.h).
 *
 * The thread that reads the log calls rl_waiters_wake for every id; those who wait for it get up and look
 * it up themselves. To miss nothing: enter, look whether the result is there already, wait, look again,
 * leave.
 *
 * A waiter that blocks is made once per thread and used for every wait of that thread. Their number is capped, so
 * that waiting cannot take all the threads that serve requests.
 *
 * Thread: any; locks are per bucket of ids.
 */
#ifndef RL_API_WAITERS_H
#define RL_API_WAITERS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

typedef struct rl_waiters rl_waiters;
typedef struct rl_waiter rl_waiter;

/* At most `capacity` may wait at once. NULL and TRANSIENT when memory is short. */
rl_waiters *rl_waiters_new(int capacity, rl_error *err);
void rl_waiters_free(rl_waiters *waiters); /* nobody may be waiting */

rl_waiter *rl_waiter_new(void); /* NULL when memory is short */

/* One that does not block: instead of rl_waiters_wait ending, `on_wake` is called, on the thread that wakes and with a
 * lock held, each time the id is seen and once when waiting has ended. It must neither block nor call anything
 * here. Such waiters hold no thread and are not among those whose number is capped. */
rl_waiter *rl_waiter_new_called(void (*on_wake)(void *context), void *context);
void rl_waiter_free(rl_waiter *waiter);

/* From now on `waiter` hears of `id` (RL_ID_LENGTH characters). false where too many wait already or
 * waiting has ended. */
bool rl_waiters_enter(rl_waiters *waiters, rl_waiter *waiter, const char *id);

typedef enum { RL_WAIT_WOKEN, RL_WAIT_TIMEOUT, RL_WAIT_CLOSED } rl_wait_status;

/* Blocks until the id was seen since the last call (or since entering), until the monotonic `deadline_us`,
 * or until rl_waiters_close. */
rl_wait_status rl_waiters_wait(rl_waiters *waiters, rl_waiter *waiter, int64_t deadline_us);

void rl_waiters_leave(rl_waiters *waiters, rl_waiter *waiter);

/* The id was seen. */
void rl_waiters_wake(rl_waiters *waiters, const char *id);

/* Sends everybody home, now and in future: the service stops. */
void rl_waiters_close(rl_waiters *waiters);

/* Of both kinds. */
int rl_waiters_count(const rl_waiters *waiters);

RL_DEFINE_CLEANUP(rl_waiters_slot, rl_waiters, rl_waiters_free)
#define RL_AUTO_WAITERS RL_CLEANUP(rl_waiters_slot)

#endif
