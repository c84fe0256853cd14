/* clock.h: time in microseconds, int64_t, named *_us.
 *
 * Durations come from the monotonic clock, which no administrator and no NTP step moves. The wall
 * clock goes only into records and answers.
 */
#ifndef RL_BASE_CLOCK_H
#define RL_BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>

#define RL_US_PER_MS INT64_C(1000)
#define RL_US_PER_S INT64_C(1000000)

/* CLOCK_MONOTONIC in microseconds: for durations and deadlines. */
int64_t rl_clock_us(void);

/* CLOCK_REALTIME in microseconds since 1970-01-01 UTC: for records. */
int64_t rl_wall_clock_us(void);

#define RL_RFC3339_SIZE 28 /* "2026-01-02T03:04:05.678901Z" and its NUL */

/* Writes wall_us as RFC 3339 in UTC with microseconds into `out`; returns `out`. */
char *rl_rfc3339(int64_t wall_us, char out[RL_RFC3339_SIZE]);

/* Initialises a condition variable that measures time-outs on the monotonic clock. */
void rl_cond_init(pthread_cond_t *cond);

/* Waits on `cond` until signalled or until the monotonic `deadline_us` has passed. Returns 0, or
 * ETIMEDOUT. Spurious returns happen, as with any condition variable: re-check the predicate. */
int rl_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_us);

/* The next pause of an exponential backoff: doubles `previous_us` between `min_us` and `max_us` and
 * takes a random point in its upper half, so that clients of a restarted server do not return as one. */
int64_t rl_backoff_next_us(int64_t previous_us, int64_t min_us, int64_t max_us);

#endif
