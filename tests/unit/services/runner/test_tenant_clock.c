/* Which tenant is next. */
#include "services/runner/tenant_clock.h"
#include "tests/support/suite.h"

#define MS INT64_C(1000)
#define S (1000 * MS)
#define TENANTS 3
#define SPREAD (600 * S)

/* Everybody has records waiting, for ever. */
static void hold(rl_tenant_clock *clock, rl_tenant **tenants, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        tenants[i] = rl_tenant_clock_hold(clock, i);
        ck_assert_ptr_nonnull(tenants[i]);
    }
}

/* One slot: runs a program of whoever is next. */
static uint32_t serve(rl_tenant_clock *clock, const int64_t *lengths) {
    rl_tenant_clock_move_on(clock);
    const rl_tenant *first = rl_tenant_clock_first(clock);
    ck_assert_ptr_nonnull(first);
    for (rl_tenant *tenant = clock->tenants; tenant; tenant = tenant->next) {
        if (tenant == first) {
            tenant->used_us += lengths[tenant->tag];
            rl_tenant_clock_learn(clock, tenant, lengths[tenant->tag]);
        }
    }
    return first->tag;
}

START_TEST(a_newcomer_is_next_however_much_another_has_had) {
    rl_tenant_clock clock = {.spread_us = SPREAD};
    rl_tenant *tenants[1];
    hold(&clock, tenants, 1);
    for (int i = 0; i < 1000; i++) {
        (void)serve(&clock, (const int64_t[]){S});
    }
    rl_tenant *newcomer = rl_tenant_clock_hold(&clock, 7);
    ck_assert_ptr_eq(rl_tenant_clock_first(&clock), newcomer);
    rl_tenant_clock_clear(&clock);
}
END_TEST

START_TEST(tenants_take_turns) {
    rl_tenant_clock clock = {.spread_us = SPREAD};
    const int64_t lengths[TENANTS] = {S, S, S};
    rl_tenant *tenants[TENANTS];
    int served[TENANTS] = {0};
    hold(&clock, tenants, TENANTS);
    for (int i = 0; i < 300; i++) {
        served[serve(&clock, lengths)]++;
        for (int j = 0; j < TENANTS; j++) {
            ck_assert_int_le(served[j], i / TENANTS + 1);
        }
    }
    rl_tenant_clock_clear(&clock);
}
END_TEST

START_TEST(who_sends_long_programs_has_fewer_turns) {
    rl_tenant_clock clock = {.spread_us = SPREAD};
    const int64_t lengths[2] = {60 * S, 100 * MS};
    rl_tenant *tenants[2];
    int served[2] = {0};
    hold(&clock, tenants, 2);
    for (int i = 0; i < 6010; i++) {
        served[serve(&clock, lengths)]++;
    }
    ck_assert_int_ge(served[0], 9);
    ck_assert_int_le(served[0], 11);
    rl_tenant_clock_clear(&clock);
}
END_TEST

START_TEST(what_is_expected_of_programs_at_work_counts_until_they_end) {
    rl_tenant_clock clock = {.spread_us = SPREAD};
    rl_tenant *tenants[2];
    hold(&clock, tenants, 2);
    tenants[0]->expected_us = S;
    ck_assert_ptr_eq(rl_tenant_clock_first(&clock), tenants[1]);
    tenants[1]->expected_us = 2 * S;
    ck_assert_ptr_eq(rl_tenant_clock_first(&clock), tenants[0]);
    tenants[1]->expected_us = 0; /* it was nothing */
    ck_assert_ptr_eq(rl_tenant_clock_first(&clock), tenants[1]);
    rl_tenant_clock_clear(&clock);
}
END_TEST

START_TEST(who_was_away_has_saved_nothing_up) {
    rl_tenant_clock clock = {.spread_us = SPREAD};
    const int64_t lengths[2] = {S, S};
    rl_tenant *tenants[2];
    hold(&clock, tenants, 1);
    for (int i = 0; i < 500; i++) {
        (void)serve(&clock, lengths);
    }
    tenants[1] = rl_tenant_clock_hold(&clock, 1);
    int first = 0;
    for (int i = 0; i < 20; i++) {
        first += serve(&clock, lengths) == 0;
    }
    ck_assert_int_ge(first, 9);
    rl_tenant_clock_clear(&clock);
}
END_TEST

START_TEST(nobody_owes_more_than_the_spread) {
    rl_tenant_clock clock = {.spread_us = 60 * S};
    const int64_t lengths[2] = {S, S};
    rl_tenant *tenants[2];
    hold(&clock, tenants, 2);
    tenants[0]->used_us = 36000 * S;
    int others = 0;
    while (serve(&clock, lengths) != 0) {
        others++;
    }
    ck_assert_int_le(others, 61);
    ck_assert_int_ge(others, 59);
    rl_tenant_clock_clear(&clock);
}
END_TEST

START_TEST(where_nobody_waits_nobody_owes) {
    rl_tenant_clock clock = {.spread_us = SPREAD};
    rl_tenant *tenants[2];
    hold(&clock, tenants, 2);
    tenants[0]->used_us = 100 * S;
    tenants[0]->held = 0;
    tenants[1]->held = 0;
    tenants[0]->working = 1; /* remembered */
    rl_tenant_clock_move_on(&clock);
    rl_tenant *back = rl_tenant_clock_hold(&clock, 0);
    rl_tenant *other = rl_tenant_clock_hold(&clock, 1);
    ck_assert_int_eq(rl_tenant_clock_begin(&clock, back), rl_tenant_clock_begin(&clock, other));
    rl_tenant_clock_clear(&clock);
}
END_TEST

START_TEST(what_is_leased_counts_against_the_next_lease) {
    rl_tenant_clock clock = {.spread_us = SPREAD};
    rl_tenant *tenants[2];
    hold(&clock, tenants, 2);
    rl_tenant_clock_learn(&clock, tenants[0], 10 * S);
    rl_tenant_clock_learn(&clock, tenants[1], S);
    tenants[0]->leased = 1;
    tenants[1]->leased = 9;
    ck_assert_int_lt(rl_tenant_clock_lease(&clock, tenants[1]), rl_tenant_clock_lease(&clock, tenants[0]));
    tenants[1]->leased = 11;
    ck_assert_int_lt(rl_tenant_clock_lease(&clock, tenants[0]), rl_tenant_clock_lease(&clock, tenants[1]));
    rl_tenant_clock_clear(&clock);
}
END_TEST

START_TEST(expectations_follow_what_was_seen_within_bounds) {
    rl_tenant_clock clock = {.spread_us = SPREAD};
    rl_tenant *tenants[2];
    hold(&clock, tenants, 2);
    ck_assert_int_eq(rl_tenant_clock_expect_us(&clock, tenants[0]), S);
    rl_tenant_clock_learn(&clock, tenants[0], 5 * S);
    ck_assert_int_eq(rl_tenant_clock_expect_us(&clock, tenants[0]), 5 * S);
    ck_assert_int_eq(rl_tenant_clock_expect_us(&clock, tenants[1]), 5 * S); /* nothing better is known */
    ck_assert_int_eq(rl_tenant_clock_expect_us(&clock, NULL), 5 * S);
    for (int i = 0; i < 100; i++) {
        rl_tenant_clock_learn(&clock, tenants[0], 3600 * S);
        rl_tenant_clock_learn(&clock, tenants[1], 0);
    }
    ck_assert_int_eq(rl_tenant_clock_expect_us(&clock, tenants[0]), 60 * S);
    ck_assert_int_eq(rl_tenant_clock_expect_us(&clock, tenants[1]), MS);
    rl_tenant_clock_clear(&clock);
}
END_TEST

START_TEST(only_tenants_at_work_are_remembered) {
    rl_tenant_clock clock = {.spread_us = SPREAD};
    for (uint32_t i = 0; i < 10000; i++) {
        rl_tenant *tenant = rl_tenant_clock_hold(&clock, i);
        tenant->held--;
        tenant->used_us += S;
        rl_tenant_clock_move_on(&clock);
    }
    int count = 0;
    for (const rl_tenant *tenant = clock.tenants; tenant; tenant = tenant->next) {
        count++;
    }
    ck_assert_int_le(count, 2);
    rl_tenant_clock_clear(&clock);
}
END_TEST

RL_SUITE("runner/tenant_clock", a_newcomer_is_next_however_much_another_has_had, tenants_take_turns,
         who_sends_long_programs_has_fewer_turns, what_is_expected_of_programs_at_work_counts_until_they_end,
         who_was_away_has_saved_nothing_up, nobody_owes_more_than_the_spread, where_nobody_waits_nobody_owes,
         what_is_leased_counts_against_the_next_lease, expectations_follow_what_was_seen_within_bounds,
         only_tenants_at_work_are_remembered)
