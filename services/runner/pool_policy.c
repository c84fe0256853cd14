/* pool_policy.c: a leaky average, and handing out one by one. The numbers are small: no cleverness. */
#include "services/runner/pool_policy.h"

#include <math.h>
#include <stdbool.h>

static const double us_per_s = 1e6;

double rl_demand_rate(const rl_demand *demand, int64_t now_us) {
    int64_t elapsed_us = now_us > demand->at_us ? now_us - demand->at_us : 0;
    return demand->per_s * exp(-(double)elapsed_us / (double)RL_DEMAND_MEMORY_US);
}

void rl_demand_note(rl_demand *demand, int64_t now_us) {
    demand->per_s = rl_demand_rate(demand, now_us) + us_per_s / (double)RL_DEMAND_MEMORY_US;
    demand->at_us = now_us;
}

static size_t wanted(const rl_pool_wish *wish, size_t each_max) {
    double ahead =
        ceil(wish->per_s * (double)RL_POOL_COVER_US / us_per_s - 0.1); /* a single arrival is no demand */
    double all = (double)wish->when_idle + (ahead > 0 ? ahead : 0);
    return all < (double)each_max ? (size_t)all : each_max;
}

/* Whether `a` is to get one before `b` does. */
static bool comes_first(const rl_pool_wish *a, size_t a_wanted, const rl_pool_wish *b, size_t b_wanted) {
    if ((a->target == 0) != (b->target == 0)) {
        return a->target == 0;
    }
    if (a->target == 0) {
        return a->per_s > b->per_s;
    }
    return a->target * b_wanted < b->target * a_wanted;
}

void rl_pool_share(rl_pool_wish *wishes, size_t count, size_t each_max, size_t all_max, int64_t bytes_max) {
    int64_t left = bytes_max;
    for (size_t i = 0; i < count; i++) {
        wishes[i].target = 0;
    }
    for (size_t given = 0; given < all_max; given++) {
        rl_pool_wish *next = NULL;
        for (size_t i = 0; i < count; i++) {
            rl_pool_wish *wish = &wishes[i];
            if (wish->target < wanted(wish, each_max) && wish->bytes <= left &&
                (!next || comes_first(wish, wanted(wish, each_max), next, wanted(next, each_max)))) {
                next = wish;
            }
        }
        if (!next) {
            return;
        }
        next->target++;
        left -= next->bytes;
    }
}
