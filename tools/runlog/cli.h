/* cli.h: the commands of `runlog`, in one table.
 *
 * A command is one or two words ("probe", "topics create"), what it takes, its help and a function, all in one
 * constant that its own file defines. The table in cli.c drives parsing, --help, the manual page (manual.c) and the
 * shell's completion (completion.c), so that they cannot say different things.
 *
 * Exit statuses, unless a command's own help says otherwise:
 *
 *     0  it worked
 *     1  it did not; stderr says why
 *     2  it was called wrongly; stderr says how
 *     3  the submission has not finished yet
 *
 * Adding a command: a file with its constant, a line in the table of cli.c, scripts/docs.
 */
#ifndef RL_TOOLS_CLI_H
#define RL_TOOLS_CLI_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/error.h"

enum { RL_CLI_OK = 0, RL_CLI_FAILED = 1, RL_CLI_USAGE = 2, RL_CLI_PENDING = 3 };

/* The status of failures of `run`'s own, calls of the wrong form included: the others are its program's. */
#define RL_CLI_RUN_FAILED 125

#define RL_CLI_MAX_OPTIONS 20
#define RL_CLI_ANY_NUMBER (-1)

typedef struct {
    const char *name;     /* "wait" is --wait */
    const char *argument; /* "SECONDS"; NULL: the option takes none */
    const char *help;     /* one line */
} rl_cli_option;

typedef struct rl_cli_call rl_cli_call;

typedef struct {
    const char *name;      /* "topics create" */
    const char *arguments; /* "URL", "" */
    const char *summary;   /* one line */
    const char *details;   /* further paragraphs for its --help and the manual, wrapped by hand; NULL: none */
    bool for_operators;    /* talks to Kafka, not to the API */
    int least, most;       /* how many words it takes; RL_CLI_ANY_NUMBER: no bound */
    int failed; /* the status of its failures; 0: RL_CLI_FAILED, and RL_CLI_USAGE for wrong calls */
    const rl_cli_option *options;
    size_t option_count;
    int (*run)(const rl_cli_call *call);
} rl_cli_command;

/* What a command was called with. Borrows from the command line. */
struct rl_cli_call {
    const rl_cli_command *command;
    const char *values[RL_CLI_MAX_OPTIONS]; /* of command->options, in their order; NULL: not given */
    const char *const *words;
    int word_count;
    char *const *arguments; /* all of them, words and options */
    int argument_count;
    char *const *environment;
};

/* All commands, in the order of the help. */
const rl_cli_command *const *rl_cli_commands(size_t *ret_count);

/* Finds the command that `argv` (without the program's name) starts with; `*ret_words` gets how many words
 * it took. NULL where there is none. */
const rl_cli_command *rl_cli_find(int argc, char *const *argv, int *ret_words);

/* Takes the arguments behind a command's name apart: `--name VALUE`, `--name=VALUE`, flags, words; behind `--` there
 * are words alone. `words` has room for argc entries. false with INVALID and a message that names the argument. */
bool rl_cli_parse(const rl_cli_command *command, int argc, char *const *argv, const char **words,
                  rl_cli_call *ret, rl_error *err);

/* Runs what `argv` (without the program's name) asks for, --help and --version included. Flushes stdout at the end: output
 * that could not be written is a failure, whatever the command made of it. */
int rl_cli_run(int argc, char *const *argv, char *const *environment);

/* What was given for an option of the command: NULL where it was not, "" for one that takes no argument. */
const char *rl_cli_value(const rl_cli_call *call, const char *name);
bool rl_cli_has(const rl_cli_call *call, const char *name);

/* What was given for an option that may be repeated, one after the other: `*at` is 0 before the first. NULL: no more. */
const char *rl_cli_next(const rl_cli_call *call, const char *name, int *at);

/* A whole number from `min` to `max`; `fallback` where the option was not given. INVALID where it is none. */
bool rl_cli_number(const rl_cli_call *call, const char *name, int64_t min, int64_t max, int64_t fallback,
                   int64_t *ret, rl_error *err);

/* Prints all commands and the settings; what one command takes; the manual page (roff); a completion for bash. */
void rl_cli_help(FILE *out);
void rl_cli_command_help(const rl_cli_command *command, FILE *out);
void rl_cli_manual(FILE *out);
void rl_cli_completion(FILE *out);

/* "runlog COMMAND: <message>" on stderr; returns the command's status of failures. */
int rl_cli_fail(const rl_cli_call *call, const rl_error *err);

/* The same for a call of the wrong form: RL_CLI_USAGE, or the command's own status. */
int rl_cli_misused(const rl_cli_call *call, const rl_error *err);

/* The commands, each in its own file. */
extern const rl_cli_command rl_command_run, rl_command_submit, rl_command_result, rl_command_watch,
    rl_command_cancel, rl_command_delete, rl_command_languages, rl_command_probe, rl_command_topics_create,
    rl_command_topics_list, rl_command_topics_describe, rl_command_tail, rl_command_lag, rl_command_dlq_list,
    rl_command_dlq_show, rl_command_dlq_retry, rl_command_dlq_drop, rl_command_replay_start,
    rl_command_replay_resume, rl_command_replay_list, rl_command_replay_show, rl_command_replay_watch,
    rl_command_replay_cancel, rl_command_replay_diff, rl_command_replay_apply, rl_command_replay_discard,
    rl_command_rebuild;

#endif
