/* cli.c: from words to a command. */
#include "tools/runlog/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "tools/runlog/settings.h"

static const rl_cli_command *const commands[] = {
    &rl_command_run,
    &rl_command_submit,
    &rl_command_result,
    &rl_command_watch,
    &rl_command_cancel,
    &rl_command_delete,
    &rl_command_languages,
    &rl_command_topics_list,
    &rl_command_topics_describe,
    &rl_command_topics_create,
    &rl_command_tail,
    &rl_command_lag,
    &rl_command_dlq_list,
    &rl_command_dlq_show,
    &rl_command_dlq_retry,
    &rl_command_dlq_drop,
    &rl_command_replay_start,
    &rl_command_replay_list,
    &rl_command_replay_show,
    &rl_command_replay_watch,
    &rl_command_replay_cancel,
    &rl_command_replay_resume,
    &rl_command_replay_diff,
    &rl_command_replay_apply,
    &rl_command_replay_discard,
    &rl_command_rebuild,
    &rl_command_probe,
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

const rl_cli_command *const *rl_cli_commands(size_t *ret_count) {
    *ret_count = COMMAND_COUNT;
    return commands;
}

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
        *ret_words = match(commands[i]->name, argc, argv);
        if (*ret_words > 0) {
            return commands[i];
        }
    }
    return NULL;
}

static bool option_of(const rl_cli_command *command, const char *name, size_t length, size_t *ret_index) {
    for (size_t i = 0; i < command->option_count; i++) {
        if (strlen(command->options[i].name) == length &&
            strncmp(command->options[i].name, name, length) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

/* One option, which begins at argv[*at]; leaves `*at` at its last argument. */
static bool parse_option(const rl_cli_command *command, int argc, char *const *argv, int *at,
                         rl_cli_call *call, rl_error *err) {
    const char *word = argv[*at];
    const size_t length = strcspn(word + 2, "=");
    const bool joined = word[2 + length] == '=';
    size_t index = 0;
    if (!option_of(command, word + 2, length, &index)) {
        return rl_error_set(err, RL_INVALID, 0, "there is no option %.*s; --help lists them", (int)length + 2,
                            word);
    }
    const rl_cli_option *option = &command->options[index];
    if (!option->argument) {
        call->values[index] = "";
        return joined ? rl_error_set(err, RL_INVALID, 0, "--%s takes no value", option->name) : true;
    }
    if (joined) {
        call->values[index] = word + 2 + length + 1;
        return true;
    }
    if (*at + 1 >= argc) {
        return rl_error_set(err, RL_INVALID, 0, "--%s needs a value: %s", option->name, option->argument);
    }
    (*at)++;
    call->values[index] = argv[*at];
    return true;
}

static bool check_count(const rl_cli_command *command, const rl_cli_call *call, rl_error *err) {
    if (call->word_count < command->least) {
        return rl_error_set(err, RL_INVALID, 0, "missing argument; usage: runlog %s %s", command->name,
                            command->arguments);
    }
    if (command->most != RL_CLI_ANY_NUMBER && call->word_count > command->most) {
        return rl_error_set(err, RL_INVALID, 0, "unexpected argument %s", call->words[command->most]);
    }
    return true;
}

bool rl_cli_parse(const rl_cli_command *command, int argc, char *const *argv, const char **words,
                  rl_cli_call *ret, rl_error *err) {
    *ret = (rl_cli_call){.command = command, .words = words, .arguments = argv, .argument_count = argc};
    bool options = true;
    for (int i = 0; i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && strncmp(argv[i], "--", 2) == 0) {
            if (!parse_option(command, argc, argv, &i, ret, err)) {
                return false;
            }
        } else {
            words[ret->word_count++] = argv[i];
        }
    }
    return check_count(command, ret, err);
}

const char *rl_cli_value(const rl_cli_call *call, const char *name) {
    size_t index = 0;
    return option_of(call->command, name, strlen(name), &index) ? call->values[index] : NULL;
}

bool rl_cli_has(const rl_cli_call *call, const char *name) {
    return rl_cli_value(call, name) != NULL;
}

const char *rl_cli_next(const rl_cli_call *call, const char *name, int *at) {
    size_t index = 0;
    if (!option_of(call->command, name, strlen(name), &index)) {
        return NULL;
    }
    for (int i = *at; i < call->argument_count && strcmp(call->arguments[i], "--") != 0; i++) {
        rl_cli_call one = {.command = call->command};
        if (strncmp(call->arguments[i], "--", 2) == 0 &&
            parse_option(call->command, call->argument_count, call->arguments, &i, &one, NULL) &&
            one.values[index]) {
            *at = i + 1;
            return one.values[index];
        }
    }
    *at = call->argument_count;
    return NULL;
}

bool rl_cli_number(const rl_cli_call *call, const char *name, int64_t min, int64_t max, int64_t fallback,
                   int64_t *ret, rl_error *err) {
    const char *text = rl_cli_value(call, name);
    *ret = fallback;
    if (!text) {
        return true;
    }
    char *end = NULL;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < min || number > max) {
        return rl_error_set(err, RL_INVALID, 0,
                            "--%s is \"%s\": expected a number from %" PRId64 " to %" PRId64, name, text, min,
                            max);
    }
    *ret = number;
    return true;
}

int rl_cli_fail(const rl_cli_call *call, const rl_error *err) {
    (void)fprintf(stderr, "runlog %s: %s\n", call->command->name, err->message);
    return call->command->failed ? call->command->failed : RL_CLI_FAILED;
}

int rl_cli_misused(const rl_cli_call *call, const rl_error *err) {
    (void)rl_cli_fail(call, err);
    return call->command->failed ? call->command->failed : RL_CLI_USAGE;
}

static bool is(const char *word, const char *option, const char *other) {
    return strcmp(word, option) == 0 || strcmp(word, other) == 0;
}

/* What is asked of the program itself. false: it is a command. */
static bool answer_directly(int argc, char *const *argv) {
    if (is(argv[0], "--help", "help") || is(argv[0], "-h", "-?")) {
        rl_cli_help(stdout);
    } else if (is(argv[0], "--version", "version")) {
        (void)printf("runlog %s\n", RL_VERSION);
    } else if (strcmp(argv[0], "--config-markdown") == 0) {
        rl_config_markdown(rl_cli_settings_table(), stdout);
    } else if (strcmp(argv[0], "--manual") == 0) {
        rl_cli_manual(stdout);
    } else if (strcmp(argv[0], "--completion") == 0 && argc == 2 && strcmp(argv[1], "bash") == 0) {
        rl_cli_completion(stdout);
    } else {
        return false;
    }
    return true;
}

/* Before `--`: behind it, --help is the program's. */
static bool asks_for_help(int argc, char *const *argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (is(argv[i], "--help", "-h")) {
            return true;
        }
    }
    return false;
}

static int run_command(const rl_cli_command *command, int argc, char *const *argv, char *const *environment) {
    RL_AUTO_FREE const char **words = calloc((size_t)argc + 1, sizeof *words);
    rl_error err = RL_ERROR_INIT;
    rl_cli_call call = {.command = command};
    if (!words) {
        (void)rl_error_set(&err, RL_TRANSIENT, 0, "out of memory");
        return rl_cli_fail(&call, &err);
    }
    if (!rl_cli_parse(command, argc, argv, words, &call, &err)) {
        return rl_cli_misused(&call, &err);
    }
    call.environment = environment;
    return command->run(&call);
}

/* `*ret_failed` gets the status of failures of what was asked for. */
static int answer(int argc, char *const *argv, char *const *environment, int *ret_failed) {
    *ret_failed = RL_CLI_FAILED;
    if (argc < 1) {
        rl_cli_help(stderr);
        return RL_CLI_USAGE;
    }
    if (answer_directly(argc, argv)) {
        return RL_CLI_OK;
    }
    int words = 0;
    const rl_cli_command *command = rl_cli_find(argc, argv, &words);
    if (!command) {
        (void)fprintf(stderr, "runlog: there is no command \"%s%s%s\"; runlog --help lists them\n", argv[0],
                      argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
        return RL_CLI_USAGE;
    }
    if (command->failed) {
        *ret_failed = command->failed;
    }
    if (asks_for_help(argc - words, argv + words)) {
        rl_cli_command_help(command, stdout);
        return RL_CLI_OK;
    }
    return run_command(command, argc - words, argv + words, environment);
}

/* The status of what ended with `status`, once its output is out of the buffer. A disk that is full shows only here: what is
 * short is refused when the buffer is written, and nobody looks at each printf(). */
static int finish_output(int status, int failed) {
    errno = 0;
    const bool flushed = fflush(stdout) == 0;
    const int reason = errno;
    if ((flushed && !ferror(stdout)) || status == failed) {
        return status; /* who has failed has said why */
    }
    (void)fprintf(stderr, "runlog: cannot write to standard output%s%s\n", flushed ? "" : ": ",
                  flushed ? "" : strerror(reason));
    return failed;
}

int rl_cli_run(int argc, char *const *argv, char *const *environment) {
    int failed = RL_CLI_FAILED;
    const int status = answer(argc, argv, environment, &failed);
    return finish_output(status, failed);
}
