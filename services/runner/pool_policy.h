/* pool_policy.h: how many warm containers each language is worth.
 *
 * Demand is the rate of arrivals, as an average that forgets: each arrival adds, and what was added fades with
 * RL_DEMAND_MEMORY_US. A language is wanted as many warm containers as its manifest asks for when nothing
 * happens, and on top of them those that its demand would use up within RL_POOL_COVER_US: a refill takes a
 * fraction of that, the rest is for arrivals that come in bursts.
 *
 * What all languages want together is cut to what may be held, fairly: first one for each, the most asked for
 * first, then always one more for the language that has the smallest part of its wish.
 *
 * Pure, but for the caller's clock. Thread: any.
 */
#ifndef RL_RUNNER_POOL_POLICY_H
#define RL_RUNNER_POOL_POLICY_H

#include <stddef.h>
#include <stdint.h>

#define RL_DEMAND_MEMORY_US (INT64_C(20) * 1000 * 1000)
#define RL_POOL_COVER_US (INT64_C(1) * 1000 * 1000)

/* Zeroed: nothing has arrived yet. */
typedef struct {
    double per_s;
    int64_t at_us; /* when it was that much */
} rl_demand;

/* Counts an arrival at `now_us` (monotonic; never before an earlier one). */
void rl_demand_note(rl_demand *demand, int64_t now_us);

/* Arrivals per second, as remembered at `now_us`. */
double rl_demand_rate(const rl_demand *demand, int64_t now_us);

typedef struct {
    double per_s;     /* rl_demand_rate */
    size_t when_idle; /* wanted without any demand */
    size_t target;    /* the answer */
    int64_t bytes;    /* of memory that one takes while it waits */
} rl_pool_wish;

/* Fills each `target`; none above `each_max`, their sum not above `all_max`, nor what they take above `bytes_max`. */
void rl_pool_share(rl_pool_wish *wishes, size_t count, size_t each_max, size_t all_max, int64_t bytes_max);

#endif
