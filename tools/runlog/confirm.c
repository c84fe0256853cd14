/* confirm.c: a question at the terminal. */
#include "tools/runlog/confirm.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

bool rl_cli_confirm(const rl_cli_call *call, const char *question, rl_error *err) {
    if (rl_cli_has(call, "yes")) {
        return true;
    }
    if (!isatty(STDIN_FILENO)) {
        return rl_error_set(err, RL_INVALID, 0, "there is no terminal to ask at: say --yes");
    }
    char answer[16] = "";
    (void)fprintf(stderr, "%s [y/N] ", question);
    if (!fgets(answer, sizeof answer, stdin)) {
        answer[0] = '\0';
    }
    answer[strcspn(answer, "\n")] = '\0';
    return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0 ||
           rl_error_set(err, RL_INVALID, 0, "not confirmed, nothing was done");
}
