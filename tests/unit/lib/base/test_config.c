#include "lib/base/config.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/clock.h"
#include "tests/support/suite.h"

typedef struct {
    const char *brokers;
    int64_t slots, cache, wait, pause;
    bool open;
} sample;

static const rl_config_option options[] = {
    {"RUNLOG_BROKERS", RL_CONFIG_TEXT, offsetof(sample, brokers), "kafka:9092", 1, 20, "where Kafka is"},
    {"RUNLOG_SLOTS", RL_CONFIG_INT, offsetof(sample, slots), "0", 0, 64, "containers at once"},
    {"RUNLOG_CACHE", RL_CONFIG_BYTES, offsetof(sample, cache), "64MiB", 0, INT64_C(1) << 30, "cache"},
    {"RUNLOG_WAIT", RL_CONFIG_DURATION, offsetof(sample, wait), "10s", 1000, 60 * RL_US_PER_S, "patience"},
    {"RUNLOG_PAUSE", RL_CONFIG_DURATION, offsetof(sample, pause), "1s", 0, 60 * RL_US_PER_S, "rest"},
    {"RUNLOG_OPEN", RL_CONFIG_BOOL, offsetof(sample, open), "0", 0, 0, "serve without keys"},
};
static const rl_config_table table = {"runlog-sample", "a sample", options, sizeof options / sizeof *options};

static bool load(sample *target, rl_error *err, char *first, char *second) {
    char *environment[] = {first, second, NULL};
    return rl_config_load(&table, environment, target, err);
}

START_TEST(an_empty_environment_gives_the_defaults) {
    sample s = {0};
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(load(&s, &err, NULL, NULL), "%s", err.message);
    ck_assert_str_eq(s.brokers, "kafka:9092");
    ck_assert_int_eq(s.slots, 0);
    ck_assert_int_eq(s.cache, 64 * 1024 * 1024);
    ck_assert_int_eq(s.wait, 10 * RL_US_PER_S);
    ck_assert(!s.open);
}
END_TEST

START_TEST(values_are_read_in_their_units) {
    sample s = {0};
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(load(&s, &err, "RUNLOG_WAIT=250ms", "RUNLOG_OPEN=yes"), "%s", err.message);
    ck_assert_int_eq(s.wait, 250 * RL_US_PER_MS);
    ck_assert(s.open);
}
END_TEST

START_TEST(a_duration_that_may_be_nothing_can_be_off) {
    sample s = {0};
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(load(&s, &err, "RUNLOG_PAUSE=off", NULL), "%s", err.message);
    ck_assert_int_eq(s.pause, 0);
    ck_assert(!load(&s, &err, "RUNLOG_WAIT=off", NULL));
    ck_assert_str_eq(err.message, "RUNLOG_WAIT=off is out of bounds: 1ms to 1m");
}
END_TEST

START_TEST(an_unknown_variable_is_refused_with_the_nearest_name) {
    sample s = {0};
    rl_error err = RL_ERROR_INIT;
    ck_assert(!load(&s, &err, "PATH=/bin", "RUNLOG_SLOT=3"));
    ck_assert_str_eq(err.message, "RUNLOG_SLOT is no setting of runlog-sample: did you mean RUNLOG_SLOTS?");
}
END_TEST

START_TEST(variables_of_the_tests_are_left_alone) {
    sample s = {0};
    ck_assert(load(&s, NULL, "RUNLOG_TEST_MONGO_URI=x", NULL));
}
END_TEST

START_TEST(what_does_not_parse_is_named) {
    static char *const wrong[] = {
        "RUNLOG_SLOTS=many", "RUNLOG_SLOTS=",       "RUNLOG_SLOTS=1s", "RUNLOG_CACHE=10MB",
        "RUNLOG_WAIT=10",    "RUNLOG_OPEN=perhaps", "RUNLOG_SLOTS=65", "RUNLOG_SLOTS=-1",
        "RUNLOG_BROKERS=",   "RUNLOG_WAIT=1000d",   "RUNLOG_SLOTS= 3", "RUNLOG_CACHE=99999999999999GiB"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        sample s = {0};
        rl_error err = RL_ERROR_INIT;
        ck_assert_msg(!load(&s, &err, wrong[i], NULL), "%s was accepted", wrong[i]);
        size_t name = strcspn(wrong[i], "=");
        ck_assert_msg(strncmp(err.message, wrong[i], name) == 0, "%s: %s", wrong[i], err.message);
        ck_assert_int_eq(err.error_class, RL_INVALID);
    }
}
END_TEST

START_TEST(bounds_are_told_in_the_unit_of_the_setting) {
    sample s = {0};
    rl_error err = RL_ERROR_INIT;
    ck_assert(!load(&s, &err, "RUNLOG_WAIT=2h", NULL));
    ck_assert_str_eq(err.message, "RUNLOG_WAIT=2h is out of bounds: 1ms to 1m");
}
END_TEST

START_TEST(markdown_has_one_row_for_each_option) {
    char text[4096] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    rl_config_markdown(&table, out);
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, "| `RUNLOG_CACHE` | bytes | `64MiB` | 0 to 1GiB | cache |"));
    ck_assert_ptr_nonnull(strstr(text, "| `RUNLOG_OPEN` | boolean | `0` | 0 or 1 | serve without keys |"));
}
END_TEST

RL_SUITE("base/config", an_empty_environment_gives_the_defaults, values_are_read_in_their_units,
         a_duration_that_may_be_nothing_can_be_off, an_unknown_variable_is_refused_with_the_nearest_name,
         variables_of_the_tests_are_left_alone, what_does_not_parse_is_named,
         bounds_are_told_in_the_unit_of_the_setting, markdown_has_one_row_for_each_option)
