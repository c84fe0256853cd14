/* dlq_show.c: `runlog dlq show LETTER`. */
#include "lib/stream/message.h"
#include "tools/runlog/dead_letters.h"
#include "tools/runlog/service.h"

typedef struct {
    const rl_letter_place *place;
    bool raw; /* the value's bytes instead of everything else */
    bool found, written;
} showing;

/* The first letter that comes is the one that was asked for, or it is no longer there. */
static rl_log_step show(void *context, const rd_kafka_message_t *message, rl_error *err) {
    showing *s = context;
    if (!message) {
        return RL_LOG_NEXT;
    }
    s->found = message->offset == s->place->offset;
    if (!s->found) {
        return RL_LOG_ENOUGH;
    }
    if (s->raw) {
        const rl_bytes value = rl_message_value(message);
        s->written = fwrite(value.data ? value.data : "", 1, value.size, stdout) == value.size;
    } else {
        RL_AUTO_JSON json_t *letter = rl_letter_json(message);
        s->written =
            json_dumpf(letter, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0 && putchar('\n') == '\n';
    }
    s->written = fflush(stdout) == 0 && s->written;
    if (!s->written) {
        (void)rl_error_set(err, RL_TRANSIENT, 0, "cannot write to standard output");
    }
    return s->written ? RL_LOG_ENOUGH : RL_LOG_FAILED;
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    rl_cli_settings settings;
    rl_letter_place place;
    if (!rl_letter_parse(call->words[0], &place, &err) ||
        !rl_cli_settings_load(call->environment, &settings, &err)) {
        return rl_cli_misused(call, &err);
    }
    const rl_stream_config stream = rl_cli_settings_stream(&settings);
    showing s = {.place = &place, .raw = rl_cli_has(call, "raw")};
    bool ok = rl_dead_letters_read(&stream, place.topic, place.partition, place.offset, show, &s, &err);
    if (ok && !s.found) {
        ok = rl_error_set(&err, RL_INVALID, 0, "there is no letter %s", call->words[0]);
    }
    return ok ? RL_CLI_OK : rl_cli_fail(call, &err);
}

static const rl_cli_option options[] = {
    {"raw", NULL, "the value's bytes alone, as they came: they may hold a program"},
    {"json", NULL, "print JSON, as it does in any case"},
};

const rl_cli_command rl_command_dlq_show = {
    .name = "dlq show",
    .arguments = "LETTER",
    .summary = "one dead letter: reason, origin, key; its bytes with --raw",
    .for_operators = true,
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
