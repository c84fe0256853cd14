/* cli.h: the commands of `runlog`, in one table.
 *
 * A command is one or two words ("probe", "topics create"), a line of help and a function. The function
 * gets the arguments after those words and answers with an exit status:
 *
 *     0  it worked
 *     1  it did not; stderr says why
 *     2  it was called wrongly; stderr says how
 *
 * Adding a command: a file with its function, a line in the table of cli.c.
 */
#ifndef RL_TOOLS_CLI_H
#define RL_TOOLS_CLI_H

#include <stdio.h>

#include "lib/base/error.h"

enum { RL_CLI_OK = 0, RL_CLI_FAILED = 1, RL_CLI_USAGE = 2 };

typedef struct {
    const char *name;      /* "topics create" */
    const char *arguments; /* "URL", "" */
    const char *summary;   /* one line */
    int (*run)(int argc, char *const *argv, char *const *environment);
} rl_cli_command;

/* Finds the command that `argv` (without the program's name) starts with; `*ret_words` gets how many words
 * it took. NULL where there is none. */
const rl_cli_command *rl_cli_find(int argc, char *const *argv, int *ret_words);

/* Runs what `argv` (without the program's name) asks for, --help and --version included. */
int rl_cli_run(int argc, char *const *argv, char *const *environment);

/* Prints all commands and the settings. */
void rl_cli_help(FILE *out);

/* "runlog: <message>" on stderr; returns RL_CLI_FAILED. */
int rl_cli_fail(const rl_error *err);

/* The commands, each in its own file. */
int rl_cli_probe(int argc, char *const *argv, char *const *environment);
int rl_cli_topics_create(int argc, char *const *argv, char *const *environment);

#endif
