/* What can be set about the runner. */
#include <string.h>

#include "lib/base/clock.h"
#include "services/runner/config.h"
#include "tests/support/suite.h"

START_TEST(every_default_is_within_its_bounds) {
    char *const environment[] = {NULL};
    rl_runner_config config;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_config_load(&rl_runner_config_table, environment, &config, &err), "%s", err.message);
    ck_assert_str_eq(config.kafka_brokers, "kafka:9092");
    ck_assert_int_eq(config.slots, 0);
}
END_TEST

START_TEST(an_unknown_variable_is_refused_with_the_nearest_name) {
    char variable[] = "RUNLOG_SLOT=2";
    char *const environment[] = {variable, NULL};
    rl_runner_config config;
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_config_load(&rl_runner_config_table, environment, &config, &err));
    ck_assert_msg(strstr(err.message, "RUNLOG_SLOTS") != NULL, "%s", err.message);
}
END_TEST

START_TEST(a_wall_limit_that_a_busy_host_would_meet_is_refused) {
    char cpu[] = "RUNLOG_SANDBOX_MAX_CPU=100s";
    char wall[] = "RUNLOG_SANDBOX_MAX_WALL=201s";
    char *const environment[] = {cpu, wall, NULL};
    rl_runner_config config;
    rl_error err = RL_ERROR_INIT;
    ck_assert(rl_config_load(&rl_runner_config_table, environment, &config, &err));
    ck_assert(!rl_runner_config_check(&config, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
    ck_assert_msg(strstr(err.message, "202s") != NULL, "%s", err.message);
    config.max_wall_us += RL_US_PER_S;
    ck_assert(rl_runner_config_check(&config, &err));
}
END_TEST

START_TEST(maxima_apply_to_both_phases) {
    const rl_runner_config config = {.max_cpu_us = 1, .max_wall_us = 2, .max_memory_bytes = 3};
    rl_limits maxima = rl_runner_config_maxima(&config);
    ck_assert_int_eq(maxima.compile.cpu_us, 1);
    ck_assert_int_eq(maxima.run.wall_us, 2);
    ck_assert_int_eq(maxima.run.memory_bytes, 3);
    ck_assert_int_eq(maxima.compile.memory_bytes, 3);
}
END_TEST

RL_SUITE("services/runner/config", a_wall_limit_that_a_busy_host_would_meet_is_refused,
         every_default_is_within_its_bounds, an_unknown_variable_is_refused_with_the_nearest_name,
         maxima_apply_to_both_phases)
