/* Which tenant is next. */
#include "services/runner/tenant_clock.h"
#include "tests/support/suite.h"

#define TENANTS 3

/* Of tenants that have records waiting, serves the next one. */
static uint32_t serve(rl_tenant_clock *clock, const uint32_t *costs, uint32_t count) {
    uint32_t next = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (rl_tenant_clock_begin(clock, i) < rl_tenant_clock_begin(clock, next)) {
            next = i;
        }
    }
    rl_tenant_clock_charge(clock, next, costs[next]);
    return next;
}

START_TEST(a_newcomer_is_next_however_much_another_has_had) {
    rl_tenant_clock clock = {0};
    for (int i = 0; i < 1000; i++) {
        rl_tenant_clock_charge(&clock, 1, 1);
    }
    ck_assert_uint_lt(rl_tenant_clock_begin(&clock, 2), rl_tenant_clock_begin(&clock, 1));
    rl_tenant_clock_clear(&clock);
}
END_TEST

START_TEST(tenants_take_turns) {
    rl_tenant_clock clock = {0};
    const uint32_t costs[TENANTS] = {1, 1, 1};
    int served[TENANTS] = {0};
    for (int i = 0; i < 300; i++) {
        served[serve(&clock, costs, TENANTS)]++;
        for (int j = 0; j < TENANTS; j++) {
            ck_assert_int_le(served[j], i / TENANTS + 1);
        }
    }
    rl_tenant_clock_clear(&clock);
}
END_TEST

START_TEST(who_sends_large_records_has_fewer_turns) {
    rl_tenant_clock clock = {0};
    const uint32_t costs[2] = {10, 1};
    int large = 0;
    for (int i = 0; i < 110; i++) {
        large += serve(&clock, costs, 2) == 0;
    }
    ck_assert_int_ge(large, 9);
    ck_assert_int_le(large, 11);
    rl_tenant_clock_clear(&clock);
}
END_TEST

START_TEST(who_was_away_has_saved_nothing_up) {
    rl_tenant_clock clock = {0};
    const uint32_t costs[2] = {1, 1};
    for (int i = 0; i < 500; i++) {
        rl_tenant_clock_charge(&clock, 0, 1);
    }
    int first = 0;
    for (int i = 0; i < 20; i++) {
        first += serve(&clock, costs, 2) == 0;
    }
    ck_assert_int_ge(first, 9);
    rl_tenant_clock_clear(&clock);
}
END_TEST

START_TEST(only_tenants_at_work_are_remembered) {
    rl_tenant_clock clock = {0};
    for (uint32_t i = 0; i < 10000; i++) {
        rl_tenant_clock_charge(&clock, i, 1);
        rl_tenant_clock_charge(&clock, i, 1);
    }
    ck_assert_uint_le(clock.count, 2);
    rl_tenant_clock_clear(&clock);
}
END_TEST

RL_SUITE("runner/tenant_clock", a_newcomer_is_next_however_much_another_has_had, tenants_take_turns,
         who_sends_large_records_has_fewer_turns, who_was_away_has_saved_nothing_up,
         only_tenants_at_work_are_remembered)
