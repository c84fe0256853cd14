/* cli_fixture.h: the command line as a process, before a real broker. What cannot be done fails the test. */
#ifndef RL_TEST_CLI_FIXTURE_H
#define RL_TEST_CLI_FIXTURE_H

#include <jansson.h>
#include <sys/types.h>

#include "lib/base/error.h"

/* What a run of it came to. */
typedef struct {
    int status;
    char *out, *err; /* owned: cli_forget */
} cli_said;

/* Runs `runlog` with these words, NULL at the end; nobody sits at a terminal, and the caller's name is "tester". */
cli_said cli_run(const char *const *words);
#define CLI(...) cli_run((const char *const[]){__VA_ARGS__, NULL})
void cli_forget(cli_said *said);

/* What it printed as JSON, after ending with `status`. Freed by the caller. */
json_t *cli_json(cli_said said, int status);

/* It ended with `status`, and this stands on its standard error. */
void cli_expect_failure(cli_said said, int status, const char *part);

/* The same in the background: `*ret_out` is a file that grows. Ended by cli_stop. */
pid_t cli_start(const char *const *words, int *ret_out);
void cli_stop(pid_t child);

/* All that stands in such a file. Freed by the caller. */
char *cli_read(int fd);

/* The text of a field; "(none)" where there is none. */
const char *cli_text(const json_t *object, const char *name);

void cli_must(bool ok, const rl_error *err);

#endif
