/* cancel.c: `runlog cancel ID`. */
#include "lib/base/clock.h"
#include "tools/runlog/outcome.h"
#include "tools/runlog/service.h"

#define TIMEOUT_US (30 * RL_US_PER_S)

static int await(const rl_cli_call *call, rl_service *service, rl_answer *answer) {
    rl_error err = RL_ERROR_INIT;
    if (rl_service_await(service, call->words[0], "", -1, answer, &err) < 0) {
        return rl_cli_fail(call, &err);
    }
    RL_AUTO_JSON json_t *result = rl_service_json(service, answer, &err);
    if (!result) {
        return rl_cli_fail(call, &err);
    }
    char line[512];
    rl_outcome_line(result, line, sizeof line);
    (void)printf("%s\n", rl_cli_has(call, "json") ? answer->body.data : line);
    return RL_CLI_OK;
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    if (!rl_service_check_id(call->words[0], &err)) {
        return rl_cli_misused(call, &err);
    }
    RL_AUTO_SERVICE rl_service *service = rl_service_open(call, &err);
    if (!service) {
        return rl_cli_misused(call, &err);
    }
    RL_AUTO_ANSWER rl_answer answer;
    rl_answer_init(&answer);
    char path[128];
    (void)snprintf(path, sizeof path, "/api/submissions/%s/cancel", call->words[0]);
    if (!rl_service_get(service, "POST", path, rl_bytes_of(""), TIMEOUT_US, &answer, &err)) {
        return rl_cli_fail(call, &err);
    }
    if (rl_cli_has(call, "wait")) {
        return await(call, service, &answer);
    }
    if (rl_cli_has(call, "json")) {
        (void)printf("%s\n", answer.body.data);
    } else {
        (void)puts(answer.status == 200 ? "cancelled" : "cancellation requested");
    }
    return RL_CLI_OK;
}

static const rl_cli_option options[] = {
    {"wait", NULL, "until it has ended, and say how"},
    {"json", NULL, "print the API's answer"},
    RL_OPTION_URL,
};

const rl_cli_command rl_command_cancel = {
    .name = "cancel",
    .arguments = "ID",
    .summary = "stop a submission, queued or running",
    .details =
        "A program that runs is killed and its output dropped; one that is queued never starts, and is\n"
        "answered when its turn comes. One that ends at that very moment keeps its own result. Exit\n"
        "status: 1 where it has another result already.",
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
