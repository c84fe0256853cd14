/* submit.c: `runlog submit FILE`: the id, and no waiting. */
#include "tools/runlog/program.h"

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
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
    (void)printf("%s\n", rl_cli_has(call, "json") ? answer.body.data : id);
    return RL_CLI_OK;
}

static const rl_cli_option options[] = {
    RL_OPTION_LANG,
    RL_OPTION_STDIN,
    {"json", NULL, "print the API's answer"},
    RL_OPTION_URL,
};

const rl_cli_command rl_command_submit = {
    .name = "submit",
    .arguments = "FILE [-- ARGUMENT...]",
    .summary = "send a program and print its id",
    .details =
        "FILE is the program, - for standard input. What comes behind -- are the program's arguments.\n"
        "The id is the only key to the result: whoever has it can read the program.",
    .least = 1,
    .most = RL_CLI_ANY_NUMBER,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
