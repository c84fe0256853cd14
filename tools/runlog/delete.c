/* delete.c: `runlog delete ID`. */
#include "lib/base/clock.h"
#include "tools/runlog/confirm.h"
#include "tools/runlog/service.h"

#define TIMEOUT_US (30 * RL_US_PER_S)

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    if (!rl_service_check_id(call->words[0], &err)) {
        return rl_cli_misused(call, &err);
    }
    RL_AUTO_SERVICE rl_service *service = rl_service_open(call, &err);
    char question[128];
    (void)snprintf(question, sizeof question, "Delete %s for good?", call->words[0]);
    if (!service || !rl_cli_confirm(call, question, &err)) {
        return rl_cli_misused(call, &err);
    }
    RL_AUTO_ANSWER rl_answer answer;
    rl_answer_init(&answer);
    char path[128];
    (void)snprintf(path, sizeof path, "/api/submissions/%s", call->words[0]);
    if (!rl_service_get(service, "DELETE", path, rl_bytes_of(NULL), TIMEOUT_US, &answer, &err)) {
        return rl_cli_fail(call, &err);
    }
    if (rl_cli_has(call, "json")) {
        (void)printf("{\"id\":\"%s\",\"deleted\":true}\n", call->words[0]);
    } else {
        (void)puts("deleted");
    }
    return RL_CLI_OK;
}

static const rl_cli_option options[] = {RL_OPTION_YES, RL_OPTION_JSON, RL_OPTION_URL};

const rl_cli_command rl_command_delete = {
    .name = "delete",
    .arguments = "ID",
    .summary = "forget a submission: program, input and result",
    .details =
        "Asks first. One that waits or runs is cancelled as well. Its id is unknown from then on, and there\n"
        "is no way back. Exit status: 2 where it was not confirmed, 1 where the id is unknown.",
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
