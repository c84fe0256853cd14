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

RL_SUITE("services/runner/config", every_default_is_within_its_bounds,
         an_unknown_variable_is_refused_with_the_nearest_name)
