/* tenant_clock.c: tenants at work at a time are few; they are looked through. */
#include "services/runner/tenant_clock.h"

#include <stdlib.h>

#include "lib/base/clock.h"

/* Expectations: of the first program, and what none is below or above. */
#define FIRST_US RL_US_PER_S
#define LEAST_US RL_US_PER_MS
#define MOST_US (60 * RL_US_PER_S)
#define MEMORY 8 /* programs that a mean goes back, more or less */

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static rl_tenant *find(const rl_tenant_clock *clock, uint32_t tag) {
    rl_tenant *tenant = clock->tenants;
    while (tenant && tenant->tag != tag) {
        tenant = tenant->next;
    }
    return tenant;
}

static rl_tenant *add(rl_tenant_clock *clock, uint32_t tag) {
    rl_tenant *tenant = calloc(1, sizeof *tenant);
    if (tenant) {
        tenant->tag = tag;
        tenant->next = clock->tenants;
        clock->tenants = tenant;
    }
    return tenant;
}

rl_tenant *rl_tenant_clock_hold(rl_tenant_clock *clock, uint32_t tag) {
    rl_tenant *tenant = find(clock, tag);
    if (!tenant && !(tenant = add(clock, tag))) {
        return NULL;
    }
    if (tenant->held == 0) {
        tenant->used_us = larger(tenant->used_us, clock->now_us);
    }
    tenant->held++;
    return tenant;
}

/* Who is even with the others and has nothing here is as good as unknown. */
static void forget(rl_tenant_clock *clock) {
    rl_tenant **link = &clock->tenants;
    while (*link) {
        rl_tenant *tenant = *link;
        if (tenant->held > 0 || tenant->working > 0 || tenant->used_us > clock->now_us) {
            link = &tenant->next;
        } else {
            *link = tenant->next;
            free(tenant);
        }
    }
}

void rl_tenant_clock_move_on(rl_tenant_clock *clock) {
    int64_t least_us = INT64_MAX;
    int64_t most_us = 0;
    for (const rl_tenant *tenant = clock->tenants; tenant; tenant = tenant->next) {
        most_us = larger(most_us, tenant->used_us);
        if (tenant->held > 0 && tenant->used_us < least_us) {
            least_us = tenant->used_us;
        }
    }
    /* Where nobody waits, nobody owes anything. */
    const int64_t to_us = least_us < INT64_MAX ? larger(least_us, most_us - clock->spread_us) : most_us;
    clock->now_us = larger(clock->now_us, to_us);
    for (rl_tenant *tenant = clock->tenants; tenant; tenant = tenant->next) {
        if (tenant->held > 0) {
            tenant->used_us = larger(tenant->used_us, clock->now_us);
        }
    }
    forget(clock);
}

int64_t rl_tenant_clock_begin(const rl_tenant_clock *clock, const rl_tenant *tenant) {
    return larger(tenant->used_us, clock->now_us) + tenant->expected_us;
}

int64_t rl_tenant_clock_lease(const rl_tenant_clock *clock, const rl_tenant *tenant) {
    return rl_tenant_clock_begin(clock, tenant) +
           (int64_t)tenant->leased * rl_tenant_clock_expect_us(clock, tenant);
}

const rl_tenant *rl_tenant_clock_first(const rl_tenant_clock *clock) {
    const rl_tenant *first = NULL;
    for (const rl_tenant *tenant = clock->tenants; tenant; tenant = tenant->next) {
        if (tenant->held > 0 &&
            (!first || rl_tenant_clock_begin(clock, tenant) < rl_tenant_clock_begin(clock, first))) {
            first = tenant;
        }
    }
    return first;
}

int64_t rl_tenant_clock_expect_us(const rl_tenant_clock *clock, const rl_tenant *tenant) {
    const int64_t mean_us = tenant && tenant->mean_us > 0 ? tenant->mean_us : clock->mean_us;
    return mean_us > 0 ? mean_us : FIRST_US;
}

static void learn(int64_t *mean_us, int64_t length_us) {
    *mean_us = *mean_us > 0 ? *mean_us + (length_us - *mean_us) / MEMORY : length_us;
    *mean_us = *mean_us < LEAST_US ? LEAST_US : *mean_us > MOST_US ? MOST_US : *mean_us;
}

void rl_tenant_clock_learn(rl_tenant_clock *clock, rl_tenant *tenant, int64_t length_us) {
    learn(&clock->mean_us, length_us);
    if (tenant) {
        learn(&tenant->mean_us, length_us);
    }
}

void rl_tenant_clock_clear(rl_tenant_clock *clock) {
    while (clock->tenants) {
        rl_tenant *tenant = clock->tenants;
        clock->tenants = tenant->next;
        free(tenant);
    }
    *clock = (rl_tenant_clock){0};
}
