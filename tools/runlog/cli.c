/* cli.c: from words to a command. */
#include "tools/runlog/cli.h"

#include <stdbool.h>
#include <string.h>

#include "tools/runlog/settings.h"

static const rl_cli_command commands[] = {
    {"probe", "URL", "ask an HTTP endpoint; succeed when it answers 2xx", rl_cli_probe},
    {"topics create", "", "create the topics that are missing, waiting for Kafka to answer",
     rl_cli_topics_create},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

/* How many arguments `name` takes up at the start of `argv`; 0 where they differ. */
static int match(const char *name, int argc, char *const *argv) {
    int words = 0;
    while (*name) {
        size_t length = strcspn(name, " ");
        if (words >= argc || strlen(argv[words]) != length || strncmp(argv[words], name, length) != 0) {
            return 0;
        }
        words++;
        name += length + strspn(name + length, " ");
    }
    return words;
}

const rl_cli_command *rl_cli_find(int argc, char *const *argv, int *ret_words) {
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        *ret_words = match(commands[i].name, argc, argv);
        if (*ret_words > 0) {
            return &commands[i];
        }
    }
    return NULL;
}

void rl_cli_help(FILE *out) {
    (void)fprintf(out, "usage: runlog COMMAND [ARGUMENT...]\n\ncommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        char left[64];
        (void)snprintf(left, sizeof left, "%s %s", commands[i].name, commands[i].arguments);
        (void)fprintf(out, "  %-20s %s\n", left, commands[i].summary);
    }
    (void)fprintf(out, "  %-20s %s\n", "--help", "this text");
    (void)fprintf(out, "  %-20s %s\n\n", "--version", "the version");
    rl_config_help(rl_cli_settings_table(), out);
}

int rl_cli_fail(const rl_error *err) {
    (void)fprintf(stderr, "runlog: %s\n", err->message);
    return RL_CLI_FAILED;
}

static bool is(const char *word, const char *option, const char *other) {
    return strcmp(word, option) == 0 || strcmp(word, other) == 0;
}

int rl_cli_run(int argc, char *const *argv, char *const *environment) {
    if (argc < 1) {
        rl_cli_help(stderr);
        return RL_CLI_USAGE;
    }
    if (is(argv[0], "--help", "help") || is(argv[0], "-h", "-?")) {
        rl_cli_help(stdout);
        return RL_CLI_OK;
    }
    if (is(argv[0], "--version", "version")) {
        (void)printf("runlog %s\n", RL_VERSION);
        return RL_CLI_OK;
    }
    if (strcmp(argv[0], "--config-markdown") == 0) {
        rl_config_markdown(rl_cli_settings_table(), stdout);
        return RL_CLI_OK;
    }
    int words = 0;
    const rl_cli_command *command = rl_cli_find(argc, argv, &words);
    if (!command) {
        (void)fprintf(stderr, "runlog: there is no command \"%s%s%s\"; runlog --help lists them\n", argv[0],
                      argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
        return RL_CLI_USAGE;
    }
    if (argc > words && is(argv[words], "--help", "-h")) {
        (void)printf("usage: runlog %s %s\n\n%s\n", command->name, command->arguments, command->summary);
        return RL_CLI_OK;
    }
    return command->run(argc - words, argv + words, environment);
}
