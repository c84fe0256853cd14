/* tenant_clock.c: tenants at work at a time are few; they are looked through. */
#include "services/runner/tenant_clock.h"

#include <stdlib.h>

#define LEAST_CAPACITY 16

static rl_tenant_time *find(const rl_tenant_clock *clock, uint32_t tenant) {
    for (size_t i = 0; i < clock->count; i++) {
        if (clock->ahead[i].tenant == tenant) {
            return &clock->ahead[i];
        }
    }
    return NULL;
}

uint64_t rl_tenant_clock_begin(const rl_tenant_clock *clock, uint32_t tenant) {
    const rl_tenant_time *time = find(clock, tenant);
    return time && time->next > clock->now ? time->next : clock->now;
}

/* Forgets who is not ahead of the others any more. */
static void forget(rl_tenant_clock *clock) {
    size_t kept = 0;
    for (size_t i = 0; i < clock->count; i++) {
        if (clock->ahead[i].next > clock->now) {
            clock->ahead[kept++] = clock->ahead[i];
        }
    }
    clock->count = kept;
}

static rl_tenant_time *add(rl_tenant_clock *clock, uint32_t tenant) {
    if (clock->count == clock->capacity) {
        size_t capacity = clock->capacity ? 2 * clock->capacity : LEAST_CAPACITY;
        rl_tenant_time *grown = realloc(clock->ahead, capacity * sizeof *grown);
        if (!grown) {
            return NULL;
        }
        clock->ahead = grown;
        clock->capacity = capacity;
    }
    clock->ahead[clock->count] = (rl_tenant_time){.tenant = tenant};
    return &clock->ahead[clock->count++];
}

void rl_tenant_clock_charge(rl_tenant_clock *clock, uint32_t tenant, uint32_t cost) {
    uint64_t begin = rl_tenant_clock_begin(clock, tenant);
    clock->now = begin;
    forget(clock);
    rl_tenant_time *time = find(clock, tenant);
    if (time || (time = add(clock, tenant)) != NULL) {
        time->next = begin + cost;
    }
}

void rl_tenant_clock_clear(rl_tenant_clock *clock) {
    free(clock->ahead);
    *clock = (rl_tenant_clock){0};
}
