/* run.c: `runlog run FILE`: as if the program ran here. */
#include "lib/base/clock.h"
#include "tools/runlog/outcome.h"
#include "tools/runlog/program.h"

static int show(const rl_cli_call *call, const rl_service *service, const rl_answer *answer) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_JSON json_t *result = rl_service_json(service, answer, &err);
    if (!result) {
        return rl_cli_fail(call, &err);
    }
    if (rl_cli_has(call, "json")) {
        (void)fwrite(answer->body.data, 1, answer->body.size, stdout);
        (void)putchar('\n');
        return rl_outcome_status(result);
    }
    if (!rl_outcome_write(result, stdout, stderr, &err)) {
        return rl_cli_fail(call, &err);
    }
    if (rl_outcome_needs_line(result) || rl_cli_has(call, "verbose")) {
        char line[512];
        rl_outcome_line(result, line, sizeof line);
        (void)fprintf(stderr, "runlog: %s\n", line);
    }
    return rl_outcome_status(result);
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    int64_t timeout_s = -1;
    if (!rl_cli_number(call, "timeout", 0, 86400, -1, &timeout_s, &err)) {
        return rl_cli_misused(call, &err);
    }
    RL_AUTO_SERVICE rl_service *service = rl_service_open(call, &err);
    if (!service) {
        return rl_cli_misused(call, &err);
    }
    RL_AUTO_ANSWER rl_answer answer;
    rl_answer_init(&answer);
    char id[64];
    if (!rl_program_submit(call, service, &answer, id, &err)) {
        return rl_cli_fail(call, &err);
    }
    const char *encoding = rl_cli_has(call, "json") ? "" : "&encoding=base64";
    const int64_t timeout_us = timeout_s < 0 ? -1 : timeout_s * RL_US_PER_S;
    const int finished = rl_service_await(service, id, encoding, timeout_us, &answer, &err);
    if (finished > 0) {
        return show(call, service, &answer);
    }
    if (finished == 0) {
        rl_error_set(&err, RL_TRANSIENT, 0, "not finished within %lld s", (long long)timeout_s);
    }
    (void)rl_cli_fail(call, &err);
    (void)fprintf(stderr, "runlog run: it was accepted; its result comes by: runlog result --wait %s\n", id);
    return RL_CLI_RUN_FAILED;
}

static const rl_cli_option options[] = {
    RL_OPTION_LANG,
    RL_OPTION_STDIN,
    {"timeout", "SECONDS", "give up waiting after that; the program is not stopped by it"},
    {"verbose", NULL, "say on standard error how it ended and what it took, in any case"},
    {"json", NULL, "print the result as JSON instead of the program's output"},
    RL_OPTION_URL,
};

const rl_cli_command rl_command_run = {
    .name = "run",
    .arguments = "FILE [-- ARGUMENT...]",
    .summary = "run a program, with its output and its exit code",
    .details =
        "FILE is the program, - for standard input. What comes behind -- are the program's arguments.\n"
        "Standard input is read to its end before anything is sent, and so is --stdin.\n"
        "\n" RL_OUTCOME_STATUS_HELP,
    .least = 1,
    .most = RL_CLI_ANY_NUMBER,
    .failed = RL_CLI_RUN_FAILED,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
