#include "services/result-sink/config.h"

#include "tests/support/suite.h"

START_TEST(an_empty_environment_gives_the_defaults) {
    char *const environment[] = {NULL};
    rl_sink_settings settings = {0};
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_config_load(&rl_sink_config_table, environment, &settings, &err), "%s", err.message);
    ck_assert_str_eq(settings.kafka_brokers, "kafka:9092");
    ck_assert_str_eq(settings.mongo_uri, "mongodb://mongo:27017/runlog");
    ck_assert_int_eq(settings.retention_us, INT64_C(30) * 86400 * 1000000);
    ck_assert_int_eq(settings.batch_records, 500);
    ck_assert_int_eq(settings.batch_bytes, 16 * 1024 * 1024);
    ck_assert_int_eq(settings.batch_time_us, 50000);
}
END_TEST

START_TEST(a_misspelt_variable_is_refused) {
    char entry[] = "RUNLOG_RESULT_RETENTOIN=7d";
    char *const environment[] = {entry, NULL};
    rl_sink_settings settings = {0};
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_config_load(&rl_sink_config_table, environment, &settings, &err));
    ck_assert_msg(strstr(err.message, "RUNLOG_RESULT_RETENTION") != NULL, "%s", err.message);
}
END_TEST

START_TEST(a_batch_of_nothing_is_refused) {
    char entry[] = "RUNLOG_SINK_BATCH_RECORDS=0";
    char *const environment[] = {entry, NULL};
    rl_sink_settings settings = {0};
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_config_load(&rl_sink_config_table, environment, &settings, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
}
END_TEST

RL_SUITE("sink/config", an_empty_environment_gives_the_defaults, a_misspelt_variable_is_refused,
         a_batch_of_nothing_is_refused)
