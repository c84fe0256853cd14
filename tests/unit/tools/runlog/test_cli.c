/* From words to a command. */
#include <string.h>

#include "tests/support/suite.h"
#include "tools/runlog/cli.h"

static char *const no_environment[] = {NULL};

static int run(int argc, const char *first, const char *second, const char *third) {
    char words[3][64] = {"", "", ""};
    const char *given[3] = {first, second, third};
    char *argv[4] = {NULL};
    for (int i = 0; i < argc; i++) {
        (void)snprintf(words[i], sizeof words[i], "%s", given[i]);
        argv[i] = words[i];
    }
    return rl_cli_run(argc, argv, no_environment);
}

START_TEST(a_command_may_have_two_words) {
    char topics[] = "topics", create[] = "create", more[] = "more";
    char *const argv[] = {topics, create, more, NULL};
    int words = 0;
    const rl_cli_command *command = rl_cli_find(3, argv, &words);
    ck_assert_ptr_nonnull(command);
    ck_assert_str_eq(command->name, "topics create");
    ck_assert_int_eq(words, 2);
    ck_assert_ptr_null(rl_cli_find(1, argv, &words));
}
END_TEST

START_TEST(help_and_version_succeed) {
    ck_assert_int_eq(run(1, "--help", NULL, NULL), RL_CLI_OK);
    ck_assert_int_eq(run(1, "--version", NULL, NULL), RL_CLI_OK);
    ck_assert_int_eq(run(2, "probe", "--help", NULL), RL_CLI_OK);
    ck_assert_int_eq(run(3, "topics", "create", "--help"), RL_CLI_OK);
}
END_TEST

START_TEST(wrong_calls_are_told_apart_from_failures) {
    ck_assert_int_eq(run(0, NULL, NULL, NULL), RL_CLI_USAGE);
    ck_assert_int_eq(run(1, "topic", NULL, NULL), RL_CLI_USAGE);
    ck_assert_int_eq(run(1, "topics", NULL, NULL), RL_CLI_USAGE);
    ck_assert_int_eq(run(1, "probe", NULL, NULL), RL_CLI_USAGE);
    ck_assert_int_eq(run(3, "topics", "create", "now"), RL_CLI_USAGE);
}
END_TEST

START_TEST(a_wrong_setting_is_a_wrong_call) {
    char topics[] = "topics", create[] = "create", variable[] = "RUNLOG_TOPIC_PARTITIONS=none";
    char *const argv[] = {topics, create, NULL};
    char *const environment[] = {variable, NULL};
    ck_assert_int_eq(rl_cli_run(2, argv, environment), RL_CLI_USAGE);
}
END_TEST

START_TEST(a_broker_that_does_not_answer_is_a_failure) {
    char topics[] = "topics", create[] = "create";
    char brokers[] = "RUNLOG_KAFKA_BROKERS=127.0.0.1:1", patience[] = "RUNLOG_TOPICS_WAIT=300ms";
    char *const argv[] = {topics, create, NULL};
    char *const environment[] = {brokers, patience, NULL};
    ck_assert_int_eq(rl_cli_run(2, argv, environment), RL_CLI_FAILED);
}
END_TEST

RL_SUITE("tools/runlog/cli", a_command_may_have_two_words, help_and_version_succeed,
         wrong_calls_are_told_apart_from_failures, a_wrong_setting_is_a_wrong_call,
         a_broker_that_does_not_answer_is_a_failure)
