/* program.h: a submission made of files on this host.
 *
 * Thread: any.
 */
#ifndef RL_TOOLS_PROGRAM_H
#define RL_TOOLS_PROGRAM_H

#include <jansson.h>

#include "tools/runlog/cli.h"
#include "tools/runlog/service.h"

/* The language for a file's name, by its ending: one of `languages` (the answer of GET /api/languages) whose name or alias it
 * is, or which it is known to belong to. NULL and INVALID where there is none: the message says what to do. Borrows from
 * `languages`. */
const char *rl_program_language(const json_t *languages, const char *path, rl_error *err);

/* The whole of a file, or of standard input for "-". INVALID where it cannot be read or has more than 8 MiB. */
bool rl_program_read(const char *path, rl_buffer *out, rl_error *err);

/* The body of POST /api/submit, as `call` has it: words are the file and the program's arguments, options are
 * --lang and --stdin. Asks `service` for its languages where it needs them. Freed by the caller with free(). INVALID for what
 * cannot be read or is not UTF-8. */
char *rl_program_body(const rl_cli_call *call, rl_service *service, rl_error *err);

/* Sends it. `ret` gets the answer (201), `ret_id` the id. */
bool rl_program_submit(const rl_cli_call *call, rl_service *service, rl_answer *ret, char ret_id[64],
                       rl_error *err);

#define RL_OPTION_LANG {"lang", "LANGUAGE", "what runlog languages lists; otherwise by the file's ending"}
#define RL_OPTION_STDIN                                                                                      \
    {"stdin", "FILE", "the program's standard input; otherwise runlog's own, unless that is a terminal"}

#endif
