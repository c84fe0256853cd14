/* lanes.c: the same question to every membership. */
#include "services/runner/lanes.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "services/runner/turns.h"

/* How far a lane may fall behind another, for each slot: what a program of a minute costs the lane of weight 1. */
#define SPREAD (60 * RL_US_PER_S * RL_TURNS_UNIT)

struct rl_lanes {
    rl_membership *members[RL_LANES_MAX];
    size_t count;
    rl_turns turns;
};

static const unsigned weights[RL_LANES_MAX] = {14, 5, 1}; /* 70, 25 and 5 of a hundred */

rl_lanes *rl_lanes_new(const rl_membership_options *options, const char *const *topics, size_t count,
                       rl_error *err) {
    if (count < 1 || count > RL_LANES_MAX) {
        rl_error_set(err, RL_INVALID, 0, "%zu lanes: expected 1 to %d", count, RL_LANES_MAX);
        return NULL;
    }
    rl_lanes *lanes = calloc(1, sizeof *lanes);
    if (!lanes) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    for (; lanes->count < count; lanes->count++) {
        rl_membership_options member = *options;
        member.topic = topics[lanes->count];
        lanes->members[lanes->count] = rl_membership_new(&member, err);
        if (!lanes->members[lanes->count]) {
            rl_lanes_free(lanes);
            return NULL;
        }
        lanes->turns.weights[lanes->count] = weights[lanes->count];
    }
    lanes->turns.count = count;
    lanes->turns.spread = (int64_t)options->slots * SPREAD;
    return lanes;
}

bool rl_lanes_poll(rl_lanes *lanes, rl_error *err) {
    for (size_t i = 0; i < lanes->count; i++) {
        if (!rl_membership_poll(lanes->members[i], err)) {
            return false;
        }
    }
    return true;
}

void rl_lanes_advance(rl_lanes *lanes, int64_t now_us) {
    for (size_t i = 0; i < lanes->count; i++) {
        rl_membership_advance(lanes->members[i], now_us);
    }
}

int64_t rl_lanes_due_us(rl_lanes *lanes, int64_t now_us) {
    int64_t first_us = INT64_MAX;
    for (size_t i = 0; i < lanes->count; i++) {
        int64_t due_us = rl_membership_due_us(lanes->members[i], now_us);
        first_us = due_us < first_us ? due_us : first_us;
    }
    return first_us;
}

typedef struct {
    rl_lanes *lanes;
    rl_taken *ret;
} taking;

static rl_turn take_from(void *context, size_t lane) {
    const taking *t = context;
    switch (rl_membership_take(t->lanes->members[lane], t->ret)) {
    case RL_TAKE_RECORD:
        return RL_TURN_TAKEN;
    case RL_TAKE_PENDING:
        return RL_TURN_LATER;
    case RL_TAKE_NOTHING:
    case RL_TAKE_ERROR:
        break;
    }
    return RL_TURN_NONE;
}

bool rl_lanes_take(rl_lanes *lanes, rl_taken *ret) {
    size_t lane;
    if (!rl_turns_next(&lanes->turns, take_from, &(taking){lanes, ret}, &lane)) {
        return false;
    }
    ret->lane = lane;
    return true;
}

/* ---- time in slots ---- */

static void charge(rl_lanes *lanes, const rl_stay *stay, int64_t used_us, int64_t expected_us) {
    rl_turns_charge(&lanes->turns, stay->lane, used_us, expected_us);
    if (stay->tenant) {
        stay->tenant->used_us += used_us;
        stay->tenant->expected_us += expected_us;
    }
}

void rl_lanes_begin_stay(rl_lanes *lanes, rl_stay *stay, int64_t now_us) {
    const rl_tenant_clock *tenants = rl_membership_tenants(lanes->members[stay->lane]);
    stay->begin_us = now_us;
    stay->charged_us = now_us;
    stay->expected_us = rl_tenant_clock_expect_us(tenants, stay->tenant);
    charge(lanes, stay, 0, stay->expected_us);
}

void rl_lanes_charge_stay(rl_lanes *lanes, rl_stay *stay, int64_t now_us) {
    const int64_t used_us = now_us - stay->charged_us;
    if (stay->begin_us == 0 || used_us <= 0) {
        return;
    }
    const int64_t as_expected_us = used_us < stay->expected_us ? used_us : stay->expected_us;
    stay->charged_us = now_us;
    stay->expected_us -= as_expected_us;
    charge(lanes, stay, used_us, -as_expected_us);
}

void rl_lanes_end_stay(rl_lanes *lanes, rl_stay *stay, int64_t now_us) {
    if (stay->begin_us == 0) {
        return;
    }
    rl_lanes_charge_stay(lanes, stay, now_us);
    charge(lanes, stay, 0, -stay->expected_us);
    rl_tenant_clock_learn(rl_membership_tenants(lanes->members[stay->lane]), stay->tenant,
                          now_us - stay->begin_us);
    stay->begin_us = 0;
    stay->expected_us = 0;
}

/* ---- suspects ---- */

bool rl_lanes_have_suspect(rl_lanes *lanes, int64_t now_us) {
    for (size_t i = 0; i < lanes->count; i++) {
        if (rl_membership_has_suspect(lanes->members[i], now_us)) {
            return true;
        }
    }
    return false;
}

bool rl_lanes_have_begun_suspect(const rl_lanes *lanes) {
    for (size_t i = 0; i < lanes->count; i++) {
        if (rl_membership_has_begun_suspect(lanes->members[i])) {
            return true;
        }
    }
    return false;
}

/* One at a time, so first the one that has been begun, wherever it is. */
bool rl_lanes_take_suspect(rl_lanes *lanes, int64_t now_us, rl_taken *ret) {
    rl_take taken = RL_TAKE_NOTHING;
    for (size_t i = 0; i < lanes->count && taken == RL_TAKE_NOTHING; i++) {
        taken = rl_membership_take_suspect(lanes->members[i], false, now_us, ret);
        ret->lane = i;
    }
    bool may_begin = !rl_lanes_have_begun_suspect(lanes);
    for (size_t i = 0; i < lanes->count && may_begin && taken == RL_TAKE_NOTHING; i++) {
        taken = rl_membership_take_suspect(lanes->members[i], true, now_us, ret);
        ret->lane = i;
    }
    return taken == RL_TAKE_RECORD;
}

void rl_lanes_windows(const rl_lanes *lanes, size_t *ret_total, size_t *ret_largest) {
    *ret_total = 0;
    *ret_largest = 0;
    for (size_t i = 0; i < lanes->count; i++) {
        rl_membership_add_windows(lanes->members[i], ret_total, ret_largest);
    }
}

void rl_lanes_hurry(rl_lanes *lanes) {
    for (size_t i = 0; i < lanes->count; i++) {
        rl_membership_hurry(lanes->members[i]);
    }
}

void rl_lanes_surrender(rl_lanes *lanes) {
    for (size_t i = 0; i < lanes->count; i++) {
        rl_membership_surrender(lanes->members[i]);
    }
}

void rl_lanes_leave(rl_lanes *lanes) {
    for (size_t i = 0; i < lanes->count; i++) {
        rl_membership_leave(lanes->members[i]);
    }
}

static bool all(const rl_lanes *lanes, bool (*holds)(const rl_membership *member)) {
    for (size_t i = 0; i < lanes->count; i++) {
        if (!holds(lanes->members[i])) {
            return false;
        }
    }
    return true;
}

bool rl_lanes_are_committed(const rl_lanes *lanes) {
    return all(lanes, rl_membership_is_committed);
}

bool rl_lanes_are_closed(const rl_lanes *lanes) {
    return all(lanes, rl_membership_is_closed);
}

bool rl_lanes_are_joined(const rl_lanes *lanes) {
    return all(lanes, rl_membership_is_joined);
}

bool rl_lanes_are_rebalancing(rl_lanes *lanes, int64_t now_us) {
    for (size_t i = 0; i < lanes->count; i++) {
        if (rl_membership_is_rebalancing(lanes->members[i], now_us)) {
            return true;
        }
    }
    return false;
}

const char *rl_lanes_refused(const rl_lanes *lanes, int64_t now_us) {
    const char *refused = NULL;
    for (size_t i = 0; i < lanes->count && !refused; i++) {
        refused = rl_membership_refused(lanes->members[i], now_us);
    }
    return refused;
}

void rl_lanes_free(rl_lanes *lanes) {
    if (lanes) {
        while (lanes->count > 0) {
            rl_membership_free(lanes->members[--lanes->count]);
        }
        free(lanes);
    }
}
