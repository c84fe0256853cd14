/* dlq_list.c: `runlog dlq list`. */
#include "lib/stream/topics.h"
#include "tools/runlog/dead_letters.h"
#include "tools/runlog/service.h"

static rl_log_step add(void *context, const rd_kafka_message_t *message, rl_error *err) {
    if (message && json_array_append_new(context, rl_letter_json(message)) != 0) {
        (void)rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return RL_LOG_FAILED;
    }
    return RL_LOG_NEXT;
}

static const char *text_of(const json_t *letter, const char *name) {
    const char *text = json_string_value(json_object_get(letter, name));
    return text ? text : "-";
}

/* Keys and reasons may hold anything: what a terminal would obey is escaped. */
static void print_escaped(const json_t *text) {
    (void)json_dumpf(text, stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
}

static void print_letters(const json_t *letters) {
    for (size_t i = 0; i < json_array_size(letters); i++) {
        const json_t *letter = json_array_get(letters, i);
        (void)printf("%-24s %s key ", text_of(letter, "letter"), text_of(letter, "time"));
        print_escaped(json_object_get(letter, "key"));
        (void)printf(" %s ", text_of(letter, "error.class"));
        print_escaped(json_object_get(letter, "error.message"));
        (void)putchar('\n');
    }
    (void)printf("%zu dead letters\n", json_array_size(letters));
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    rl_cli_settings settings;
    if (!rl_cli_settings_load(call->environment, &settings, &err)) {
        return rl_cli_misused(call, &err);
    }
    const rl_stream_config stream = rl_cli_settings_stream(&settings);
    RL_AUTO_JSON json_t *letters = json_array();
    static const char *const topics[] = {RL_TOPIC_SUBMISSIONS_DLQ, RL_TOPIC_RESULTS_DLQ};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        if (!rl_dead_letters_read(&stream, topics[i], RD_KAFKA_PARTITION_UA, RD_KAFKA_OFFSET_BEGINNING, add,
                                  letters, &err)) {
            return rl_cli_fail(call, &err);
        }
    }
    if (rl_cli_has(call, "json")) {
        (void)json_dumpf(letters, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)putchar('\n');
    } else {
        print_letters(letters);
    }
    return RL_CLI_OK;
}

static const rl_cli_option options[] = {RL_OPTION_JSON};

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
