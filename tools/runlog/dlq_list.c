/* dlq_list.c: `runlog dlq list`. */
#include "lib/stream/topics.h"
#include "tools/runlog/letters.h"
#include "tools/runlog/service.h"

static const char *text_of(const json_t *letter, const char *name) {
    const char *text = json_string_value(json_object_get(letter, name));
    return text ? text : "-";
}

/* Keys, reasons and names may hold anything: what a terminal would obey is escaped. */
static void print_escaped(const json_t *text) {
    (void)json_dumpf(text, stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
}

static void print_letter(const json_t *letter) {
    const json_t *settled = json_object_get(letter, "settled");
    (void)printf("%-24s %s key ", text_of(letter, "letter"), text_of(letter, "time"));
    print_escaped(json_object_get(letter, "key"));
    (void)printf(" %s ", text_of(letter, "error.class"));
    print_escaped(json_object_get(letter, "error.message"));
    if (rl_letter_is_settled(letter)) {
        (void)printf(" %s %s by ", text_of(settled, "as"), text_of(settled, "time"));
        print_escaped(json_object_get(settled, "by"));
    }
    (void)putchar('\n');
}

static void print_letters(json_t *letters, bool all, size_t settled) {
    size_t i;
    json_t *letter;
    json_array_foreach(letters, i, letter) {
        print_letter(letter);
    }
    (void)printf("%zu dead letters", json_array_size(letters));
    if (settled > 0) {
        (void)printf(all ? ", %zu of them settled" : ", and %zu that are settled: --all shows them", settled);
    }
    (void)putchar('\n');
}

/* Those to show, in the order of the log; the others are only counted. */
static json_t *choose(json_t *letters, bool all, size_t *ret_settled) {
    json_t *chosen = json_array();
    const char *name;
    json_t *letter;
    json_object_foreach(letters, name, letter) {
        const bool settled = rl_letter_is_settled(letter);
        *ret_settled += settled;
        if (all || !settled) {
            (void)json_array_append(chosen, letter);
        }
    }
    return chosen;
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    rl_cli_settings settings;
    if (!rl_cli_settings_load(call->environment, &settings, &err)) {
        return rl_cli_misused(call, &err);
    }
    const rl_stream_config stream = rl_cli_settings_stream(&settings);
    RL_AUTO_JSON json_t *letters = json_object();
    static const char *const topics[] = {RL_TOPIC_SUBMISSIONS_DLQ, RL_TOPIC_RESULTS_DLQ};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        if (!rl_letters_collect(&stream, topics[i], RD_KAFKA_PARTITION_UA, RD_KAFKA_OFFSET_BEGINNING, letters,
                                &err)) {
            return rl_cli_fail(call, &err);
        }
    }
    const bool all = rl_cli_has(call, "all");
    size_t settled = 0;
    RL_AUTO_JSON json_t *chosen = choose(letters, all, &settled);
    if (rl_cli_has(call, "json")) {
        (void)json_dumpf(chosen, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)putchar('\n');
    } else {
        print_letters(chosen, all, settled);
    }
    return RL_CLI_OK;
}

static const rl_cli_option options[] = {
    {"all", NULL, "those that were retried or dropped as well"},
    RL_OPTION_JSON,
};

const rl_cli_command rl_command_dlq_list = {
    .name = "dlq list",
    .arguments = "",
    .summary = "the dead letters, each with its reason",
    .details = "One line each: its name, when it was set aside, its key, and why. Values are not shown.",
    .for_operators = true,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
