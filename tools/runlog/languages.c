/* languages.c: `runlog languages`. */
#include "lib/base/clock.h"
#include "tools/runlog/service.h"

static void print_line(const json_t *language) {
    const char *name = json_string_value(json_object_get(language, "name"));
    const char *version = json_string_value(json_object_get(language, "version"));
    (void)printf("%-12s %-10s", name ? name : "", version ? version : "");
    const json_t *aliases = json_object_get(language, "aliases");
    for (size_t i = 0; i < json_array_size(aliases); i++) {
        const char *alias = json_string_value(json_array_get(aliases, i));
        (void)printf(" %s", alias ? alias : "");
    }
    (void)putchar('\n');
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_SERVICE rl_service *service = rl_service_open(call, &err);
    if (!service) {
        return rl_cli_misused(call, &err);
    }
    RL_AUTO_ANSWER rl_answer answer;
    rl_answer_init(&answer);
    if (!rl_service_get(service, "GET", "/api/languages", rl_bytes_of(NULL), 30 * RL_US_PER_S, &answer,
                        &err)) {
        return rl_cli_fail(call, &err);
    }
    RL_AUTO_JSON json_t *root = rl_service_json(service, &answer, &err);
    if (!root) {
        return rl_cli_fail(call, &err);
    }
    if (rl_cli_has(call, "json")) {
        (void)printf("%s\n", answer.body.data);
        return RL_CLI_OK;
    }
    const json_t *list = json_object_get(root, "languages");
    (void)printf("%-12s %-10s %s\n", "LANGUAGE", "VERSION", "ALSO CALLED");
    for (size_t i = 0; i < json_array_size(list); i++) {
        print_line(json_array_get(list, i));
    }
    return RL_CLI_OK;
}

static const rl_cli_option options[] = {{"json", NULL, "print the API's answer"}, RL_OPTION_URL};

const rl_cli_command rl_command_languages = {
    .name = "languages",
    .arguments = "",
    .summary = "what programs can be written in",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
