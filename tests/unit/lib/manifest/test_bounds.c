#include "lib/manifest/bounds.h"

#include "lib/base/clock.h"
#include "tests/support/suite.h"

START_TEST(a_wall_limit_that_a_busy_host_would_meet_is_refused) {
    rl_maxima maxima = {.cpu_us = 100 * RL_US_PER_S, .wall_us = 201 * RL_US_PER_S};
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_maxima_check(&maxima, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
    ck_assert_msg(strstr(err.message, "202s") != NULL, "%s", err.message);
    maxima.wall_us += RL_US_PER_S;
    ck_assert(rl_maxima_check(&maxima, &err));
}
END_TEST

START_TEST(maxima_apply_to_both_phases) {
    const rl_maxima maxima = {.cpu_us = 1, .wall_us = 2, .memory_bytes = 3, .open_files = 4};
    const rl_limits limits = rl_maxima_limits(&maxima);
    ck_assert_int_eq(limits.compile.cpu_us, 1);
    ck_assert_int_eq(limits.run.wall_us, 2);
    ck_assert_int_eq(limits.run.memory_bytes, 3);
    ck_assert_int_eq(limits.compile.memory_bytes, 3);
    ck_assert_int_eq(limits.open_files, 4);
}
END_TEST

START_TEST(defaults_above_a_maximum_are_cut_to_it_and_others_stay) {
    const rl_limits limits = {
        .compile = {10, 20, 30}, .run = {40, 50, 60}, .processes = 70, .stack_bytes = 80};
    const rl_limits maxima = {
        .compile = {10, 19, 31}, .run = {39, 51, 60}, .processes = 7, .stack_bytes = 81};
    const rl_limits cut = rl_bounds_cut(&limits, &maxima);
    const rl_limits expected = {
        .compile = {10, 19, 30}, .run = {39, 50, 60}, .processes = 7, .stack_bytes = 80};
    ck_assert_mem_eq(&cut, &expected, sizeof cut);
}
END_TEST

RL_SUITE("manifest/bounds", a_wall_limit_that_a_busy_host_would_meet_is_refused, maxima_apply_to_both_phases,
         defaults_above_a_maximum_are_cut_to_it_and_others_stay)
