/* outcome.h: how a result is shown, and which exit status says what became of a program.
 *
 * Results are those of GET /api/result/ID?encoding=base64, so that every byte comes out as the program wrote it.
 */
#ifndef RL_TOOLS_OUTCOME_H
#define RL_TOOLS_OUTCOME_H

#include <jansson.h>
#include <stdio.h>

#include "lib/base/error.h"

/* The status of `run`: the program's own exit code, 128 and the signal that ended it as a shell has it, or the
 * status of its verdict. The program's own exit code may be one of these: the line on stderr tells them apart. */
int rl_outcome_status(const json_t *result);

/* What rl_outcome_status says for a verdict other than OK and RUNTIME_ERROR; 0 for those. */
int rl_outcome_verdict_status(const char *verdict);

/* Writes the program's standard output and standard error, as they were, to `out` and `err_out`. INVALID where the
 * result is not one in base64, TRANSIENT where it cannot be written. */
bool rl_outcome_write(const json_t *result, FILE *out, FILE *err_out, rl_error *err);

/* A line about it: "TIME_LIMIT (CPU_TIME), 2003 ms CPU, 2101 ms elapsed, 9120 KiB". `to` has room for `size`. */
void rl_outcome_line(const json_t *result, char *to, size_t size);

/* Whether there is something to say that the exit code does not: a verdict of Runlog's, a signal, cut output. */
bool rl_outcome_needs_line(const json_t *result);

/* As the help of commands has it. */
#define RL_OUTCOME_STATUS_HELP                                                                               \
    "Exit status: the program's own exit code; 128 and the signal's number where a signal ended it; and\n"   \
    "    117  SYSTEM_ERROR     Runlog failed, standard error says how\n"                                     \
    "    118  CANCELLED\n"                                                                                   \
    "    119  WRONG_ANSWER\n"                                                                                \
    "    120  COMPILE_ERROR    the compiler's text is on standard error\n"                                   \
    "    121  MEMORY_LIMIT\n"                                                                                \
    "    122  OUTPUT_LIMIT\n"                                                                                \
    "    123  PROCESS_LIMIT\n"                                                                               \
    "    124  TIME_LIMIT\n"                                                                                  \
    "    125  it could not be run: called wrongly, refused, or the service does not answer\n\n"              \
    "A program may exit with one of these as well; then nothing is said on standard error."

#endif
