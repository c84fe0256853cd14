/* watch.c: `runlog watch ID`: says what becomes of a submission until it has finished. */
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "tools/runlog/outcome.h"
#include "tools/runlog/service.h"

/* Between two lines about a submission that is still pending. */
#define STEP_US (10 * RL_US_PER_S)

static void say(const rl_cli_call *call, const char *id, const char *status, const char *text) {
    char now[RL_RFC3339_SIZE];
    (void)rl_rfc3339(rl_wall_clock_us(), now);
    if (rl_cli_has(call, "json")) {
        RL_AUTO_JSON json_t *line = json_pack("{ssssss}", "time", now, "id", id, "status", status);
        if (line && *text) {
            (void)json_object_set_new(line, "verdict", json_string(text));
        }
        (void)json_dumpf(line, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)putchar('\n');
    } else {
        (void)printf("%s %s %s\n", now, status, text);
    }
    (void)fflush(stdout);
}

static int show(const rl_cli_call *call, const rl_service *service, const rl_answer *answer) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_JSON json_t *result = rl_service_json(service, answer, &err);
    if (!result) {
        return rl_cli_fail(call, &err);
    }
    char line[512];
    rl_outcome_line(result, line, sizeof line);
    const char *verdict = json_string_value(json_object_get(result, "verdict"));
    say(call, call->words[0], "completed", rl_cli_has(call, "json") ? (verdict ? verdict : "") : line);
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
    int finished = rl_service_await(service, call->words[0], "", 0, &answer, &err);
    while (finished == 0 ||
           (finished < 0 && err.error_class == RL_TRANSIENT && !rl_service_is_gone(service))) {
        say(call, call->words[0], finished == 0 ? "pending" : "away", "");
        finished = rl_service_await(service, call->words[0], "", STEP_US, &answer, &err);
    }
    return finished < 0 ? rl_cli_fail(call, &err) : show(call, service, &answer);
}

static const rl_cli_option options[] = {
    {"json", NULL, "a line of JSON each time: time, id, status, and verdict at the end"},
    RL_OPTION_URL,
};

const rl_cli_command rl_command_watch = {
    .name = "watch",
    .arguments = "ID",
    .summary = "follow a submission until it has finished",
    .details =
        "A line at once, every ten seconds while it is pending or the service is away, and when it has\n"
        "finished. The program's output is not shown: runlog result has it. Exit status: 0 when it has\n"
        "finished, however it did; 1 where the id is unknown or the service stays away for a minute.",
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
