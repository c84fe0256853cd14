/* From words to a command, and what is generated from the table of commands. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
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
    ck_assert_int_eq(run(1, "--manual", NULL, NULL), RL_CLI_OK);
    ck_assert_int_eq(run(2, "--completion", "bash", NULL), RL_CLI_OK);
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
    ck_assert_int_eq(run(2, "languages", "--colour", NULL), RL_CLI_USAGE);
    ck_assert_int_eq(run(2, "result", "no-id", NULL), RL_CLI_USAGE);
    ck_assert_int_eq(run(1, "run", NULL, NULL), RL_CLI_RUN_FAILED);
}
END_TEST

/* As run(), with a standard output that takes nothing. */
static int run_on_a_full_disk(int argc, const char *first, const char *second, const char *third) {
    (void)fflush(stdout);
    const int kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(kept, 0);
    ck_assert_int_ge(full, 0);
    ck_assert_int_eq(dup2(full, STDOUT_FILENO), STDOUT_FILENO);
    const int status = run(argc, first, second, third);
    ck_assert_int_eq(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
    clearerr(stdout);
    (void)close(full);
    (void)close(kept);
    return status;
}

START_TEST(output_that_cannot_be_written_is_a_failure) {
    ck_assert_int_eq(run_on_a_full_disk(1, "--version", NULL, NULL), RL_CLI_FAILED);
    ck_assert_int_eq(run_on_a_full_disk(1, "--manual", NULL, NULL), RL_CLI_FAILED);
    ck_assert_int_eq(run_on_a_full_disk(2, "result", "--help", NULL), RL_CLI_FAILED);
    ck_assert_int_eq(run_on_a_full_disk(2, "run", "--help", NULL), RL_CLI_RUN_FAILED);
}
END_TEST

START_TEST(who_has_nothing_to_write_needs_no_room_for_it) {
    ck_assert_int_eq(run_on_a_full_disk(1, "topics", NULL, NULL), RL_CLI_USAGE);
    ck_assert_int_eq(run_on_a_full_disk(2, "result", "no-id", NULL), RL_CLI_USAGE);
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

START_TEST(a_service_that_does_not_answer_is_a_failure) {
    char languages[] = "languages", url[] = "RUNLOG_URL=http://127.0.0.1:1";
    char *const argv[] = {languages, NULL};
    char *const environment[] = {url, NULL};
    ck_assert_int_eq(rl_cli_run(1, argv, environment), RL_CLI_FAILED);
}
END_TEST

/* Somebody at a port of his own who answers the one request that comes with `text`, or never; ends with the child. */
static pid_t answer_with(const char *text, char url[64]) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 4), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(url, 64, "RUNLOG_URL=http://127.0.0.1:%d", ntohs(address.sin_port));
    const pid_t child = fork();
    if (child == 0) {
        char request[4096];
        const int client = accept(fd, NULL, NULL);
        const bool asked = client >= 0 && read(client, request, sizeof request) > 0;
        _exit(asked && write(client, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : 1);
    }
    close(fd);
    return child;
}

START_TEST(a_page_of_somebody_elses_is_no_result) {
    char url[64], result[] = "result", id[64], json[] = "--json";
    memset(id, 'A', 40);
    id[40] = '\0';
    const pid_t child =
        answer_with("HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<p>Log in</p>\n", url);
    char *const argv[] = {result, id, json, NULL};
    char *const environment[] = {url, NULL};
    ck_assert_int_eq(rl_cli_run(3, argv, environment), RL_CLI_FAILED);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

static bool parse(const char *const *given, int count, const char **words, rl_cli_call *call, rl_error *err) {
    static char *argv[8]; /* the call borrows from it */
    static char texts[8][64];
    for (int i = 0; i < count; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%s", given[i]);
        argv[i] = texts[i];
    }
    return rl_cli_parse(&rl_command_run, count, argv, words, call, err);
}

START_TEST(options_may_stand_anywhere_before_two_dashes) {
    static const char *const given[] = {"a.py", "--lang=python", "--timeout", "7", "--json", "--", "--lang"};
    const char *words[8];
    rl_cli_call call;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(parse(given, 7, words, &call, &err), "%s", err.message);
    ck_assert_int_eq(call.word_count, 2);
    ck_assert_str_eq(call.words[0], "a.py");
    ck_assert_str_eq(call.words[1], "--lang");
    ck_assert_str_eq(rl_cli_value(&call, "lang"), "python");
    ck_assert(rl_cli_has(&call, "json") && !rl_cli_has(&call, "verbose"));
    int64_t number = 0;
    ck_assert(rl_cli_number(&call, "timeout", 0, 10, -1, &number, &err) && number == 7);
    ck_assert(!rl_cli_number(&call, "timeout", 0, 6, -1, &number, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "--timeout is \"7\""));
}
END_TEST

START_TEST(an_option_may_be_given_again_and_again) {
    static const char *const given[] = {"a.py",   "--lang=c", "--stdin", "--lang",
                                        "--lang", "python",   "--",      "--lang=d"};
    const char *words[8];
    rl_cli_call call;
    rl_error err = RL_ERROR_INIT;
    int at = 0;
    ck_assert_msg(parse(given, 8, words, &call, &err), "%s", err.message);
    ck_assert_str_eq(rl_cli_next(&call, "lang", &at), "c");
    ck_assert_str_eq(rl_cli_next(&call, "lang", &at), "python");
    ck_assert_ptr_null(rl_cli_next(&call, "lang", &at));
    ck_assert_ptr_null(rl_cli_next(&call, "lang", &at));
    at = 0;
    ck_assert_ptr_null(rl_cli_next(&call, "timeout", &at));
}
END_TEST

START_TEST(what_is_wrong_with_an_option_is_said) {
    static const char *const wrong[][2] = {
        {"--nonsense", "--nonsense"}, {"--lang", "LANGUAGE"}, {"--json=1", "--json"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *words[8];
        const char *given[] = {"a.py", wrong[i][0]};
        rl_cli_call call;
        rl_error err = RL_ERROR_INIT;
        ck_assert(!parse(given, 2, words, &call, &err));
        ck_assert_msg(strstr(err.message, wrong[i][1]) != NULL, "%s", err.message);
    }
}
END_TEST

typedef void (*print_function)(FILE *out);

static char *printed(print_function print) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    print(out);
    (void)fclose(out);
    return text;
}

static char *content(const char *path) {
    static char text[256 * 1024];
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

START_TEST(help_manual_and_completion_have_every_command_and_option) {
    size_t count = 0;
    const rl_cli_command *const *commands = rl_cli_commands(&count);
    RL_AUTO_FREE char *help = printed(rl_cli_help);
    RL_AUTO_FREE char *manual = printed(rl_cli_manual);
    RL_AUTO_FREE char *completion = printed(rl_cli_completion);
    for (size_t i = 0; i < count; i++) {
        char text[96];
        (void)snprintf(text, sizeof text, "\n  %s ", commands[i]->name);
        ck_assert_msg(strstr(help, text) != NULL, "help: %s", text);
        (void)snprintf(text, sizeof text, "\n.SS %s", commands[i]->name);
        ck_assert_msg(strstr(manual, text) != NULL, "manual: %s", text);
        (void)snprintf(text, sizeof text, "\"%s\") words=", commands[i]->name);
        ck_assert_msg(strstr(completion, text) != NULL, "completion: %s", text);
        for (size_t j = 0; j < commands[i]->option_count; j++) {
            (void)snprintf(text, sizeof text, "--%s ", commands[i]->options[j].name);
            ck_assert_msg(strstr(completion, text) != NULL, "completion: %s", text);
        }
        ck_assert_uint_le(commands[i]->option_count, RL_CLI_MAX_OPTIONS);
    }
}
END_TEST

START_TEST(the_files_beside_the_sources_are_what_the_program_prints) {
    RL_AUTO_FREE char *manual = printed(rl_cli_manual);
    RL_AUTO_FREE char *completion = printed(rl_cli_completion);
    ck_assert_msg(strcmp(content(RL_SOURCE_DIR "/tools/runlog/runlog.1"), manual) == 0, "run scripts/docs");
    ck_assert_msg(strcmp(content(RL_SOURCE_DIR "/tools/runlog/runlog.bash"), completion) == 0,
                  "run scripts/docs");
}
END_TEST

RL_SUITE("tools/runlog/cli", a_command_may_have_two_words, help_and_version_succeed,
         wrong_calls_are_told_apart_from_failures, output_that_cannot_be_written_is_a_failure,
         who_has_nothing_to_write_needs_no_room_for_it, a_wrong_setting_is_a_wrong_call,
         a_broker_that_does_not_answer_is_a_failure, a_service_that_does_not_answer_is_a_failure,
         a_page_of_somebody_elses_is_no_result, options_may_stand_anywhere_before_two_dashes,
         an_option_may_be_given_again_and_again, what_is_wrong_with_an_option_is_said,
         help_manual_and_completion_have_every_command_and_option,
         the_files_beside_the_sources_are_what_the_program_prints)
