/* tenant_clock.h: which tenant is next: shares of time, as between lanes (turns.h), for tenants of equal weight.
 *
 * A runner has many partitions of a lane: a tenant with a thousand records has some in each of them, and one with a
 * single record in one. What is ready to start in any of them is therefore compared by its tenant: each has a virtual
 * clock that its programs move on by the time that they hold slots, and whose clock is furthest behind is next. A tenant
 * that has had nothing waiting starts where those that have were when the last record was taken. What waits is leased by the same clock (partition_commit.c),
 * as if what is leased already were running.
 *
 * How long a program will take is guessed from those before it: the tenant's, as long as it is remembered, else everybody's.
 *
 * Thread: one at a time. Memory: an entry for each tenant that has a record held or in a slot, or is ahead of the others.
 * Zeroed but for spread_us is empty.
 */
#ifndef RL_RUNNER_TENANT_CLOCK_H
#define RL_RUNNER_TENANT_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Owned by its clock: there as long as it holds, leases or works. Microseconds. */
typedef struct rl_tenant {
    struct rl_tenant *next;
    uint32_t tag;
    size_t held;         /* records that were read and have not started; */
    size_t leased;       /* of these, those that may start, or will by the commit under way */
    size_t working;      /* that have started, and whose task is not over */
    int64_t used_us;     /* of slots */
    int64_t expected_us; /* of those at work, besides */
    int64_t mean_us;     /* of a program; 0: none has ended */
} rl_tenant;

typedef struct {
    rl_tenant *tenants;
    int64_t spread_us; /* how far a tenant may fall behind another */
    int64_t now_us;    /* nobody who waits is behind it */
    int64_t mean_us;   /* of all programs; 0: none has ended */
} rl_tenant_clock;

/* One more record of the tenant is held: counts it. NULL when memory is short. */
rl_tenant *rl_tenant_clock_hold(rl_tenant_clock *clock, uint32_t tag);

/* Moves on to where those are that wait, and forgets who is even with them: after each choice. */
void rl_tenant_clock_move_on(rl_tenant_clock *clock);

/* Where the tenant's next program begins: the smallest is next. */
int64_t rl_tenant_clock_begin(const rl_tenant_clock *clock, const rl_tenant *tenant);

/* Where the program after those that are leased would. */
int64_t rl_tenant_clock_lease(const rl_tenant_clock *clock, const rl_tenant *tenant);

/* Of those that have a record held, the one that is next; NULL: none. */
const rl_tenant *rl_tenant_clock_first(const rl_tenant_clock *clock);

/* How long a program of the tenant may take. NULL: anybody's. */
int64_t rl_tenant_clock_expect_us(const rl_tenant_clock *clock, const rl_tenant *tenant);

/* A program has held a slot for so long from its beginning to its end. The tenant may be NULL. */
void rl_tenant_clock_learn(rl_tenant_clock *clock, rl_tenant *tenant, int64_t length_us);

void rl_tenant_clock_clear(rl_tenant_clock *clock);

#endif
