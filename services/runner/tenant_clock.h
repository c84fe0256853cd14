/* tenant_clock.h: which tenant is next: start-time fair queueing, as between lanes (turns.h), for tenants of equal weight.
 *
 * A partition leases its records in fair order between tenants (fair_queue.h), but a runner has many partitions: a tenant
 * with a thousand records has some in each of them, and one with a single record in one. What is ready to start in
 * any of them is therefore compared by its tenant: each has a virtual clock that its records move on by their cost, and
 * whose clock is furthest behind is next. A tenant that has not been served lately is where the others are, and so
 * before all that have just been served.
 *
 * Thread: one at a time. Memory: an entry for each tenant that is ahead of the others; zeroed is empty.
 */
#ifndef RL_RUNNER_TENANT_CLOCK_H
#define RL_RUNNER_TENANT_CLOCK_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t tenant;
    uint64_t next;
} rl_tenant_time;

typedef struct {
    uint64_t now;           /* where the last record began */
    rl_tenant_time *ahead;  /* where tenants that are ahead of it may begin again */
    size_t count, capacity; /* of `ahead` */
} rl_tenant_clock;

/* Where the tenant's next record begins: the smallest is next. */
uint64_t rl_tenant_clock_begin(const rl_tenant_clock *clock, uint32_t tenant);

/* A record of the tenant, of this cost, was taken. When memory is short the tenant is not charged for it. */
void rl_tenant_clock_charge(rl_tenant_clock *clock, uint32_t tenant, uint32_t cost);

void rl_tenant_clock_clear(rl_tenant_clock *clock);

#endif
