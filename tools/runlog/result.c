/* result.c: `runlog result ID`. */
#include "lib/base/clock.h"
#include "tools/runlog/outcome.h"
#include "tools/runlog/service.h"

static int show(const rl_cli_call *call, const rl_service *service, const rl_answer *answer) {
    rl_error err = RL_ERROR_INIT;
    if (rl_cli_has(call, "json")) {
        (void)printf("%s\n", answer->body.data);
        return RL_CLI_OK;
    }
    RL_AUTO_JSON json_t *result = rl_service_json(service, answer, &err);
    if (!result || !rl_outcome_write(result, stdout, stderr, &err)) {
        return rl_cli_fail(call, &err);
    }
    char line[512];
    rl_outcome_line(result, line, sizeof line);
    (void)fprintf(stderr, "runlog: %s\n", line);
    return RL_CLI_OK;
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    int64_t timeout_s = -1;
    if (!rl_service_check_id(call->words[0], &err) ||
        !rl_cli_number(call, "timeout", 0, 86400, -1, &timeout_s, &err)) {
        return rl_cli_misused(call, &err);
    }
    RL_AUTO_SERVICE rl_service *service = rl_service_open(call, &err);
    if (!service) {
        return rl_cli_misused(call, &err);
    }
    RL_AUTO_ANSWER rl_answer answer;
    rl_answer_init(&answer);
    const int64_t timeout_us = !rl_cli_has(call, "wait") ? 0 : timeout_s < 0 ? -1 : timeout_s * RL_US_PER_S;
    const char *encoding = rl_cli_has(call, "json") ? "" : "&encoding=base64";
    const int finished = rl_service_await(service, call->words[0], encoding, timeout_us, &answer, &err);
    if (finished > 0) {
        return show(call, service, &answer);
    }
    if (finished < 0) {
        return rl_cli_fail(call, &err);
    }
    (void)fprintf(rl_cli_has(call, "json") ? stdout : stderr, "%s\n",
                  rl_cli_has(call, "json") ? answer.body.data : "runlog: it is still pending");
    return RL_CLI_PENDING;
}

static const rl_cli_option options[] = {
    {"wait", NULL, "until it has finished"},
    {"timeout", "SECONDS", "with --wait: no longer than that"},
    {"json", NULL, "print the API's answer"},
    RL_OPTION_URL,
};

const rl_cli_command rl_command_result = {
    .name = "result",
    .arguments = "ID",
    .summary = "what became of a submission",
    .details = "Writes what the program wrote, standard output and standard error apart, and on standard\n"
               "error a line that says how it ended. Exit status: 0 whatever became of the program, 3 while\n"
               "it is pending, 1 where the id is unknown or the service does not answer.",
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
