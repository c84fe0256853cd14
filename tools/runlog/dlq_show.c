/* dlq_show.c: `runlog dlq show LETTER`. */
#include "lib/stream/message.h"
#include "tools/runlog/letters.h"
#include "tools/runlog/service.h"

typedef struct {
    const rl_letter_place *place;
    bool found, written;
} showing;

/* The first letter that comes is the one that was asked for, or it is no longer there. */
static rl_log_step show(void *context, const rd_kafka_message_t *message, rl_error *err) {
    showing *s = context;
    if (!message) {
        return RL_LOG_NEXT;
    }
    s->found = message->offset == s->place->offset;
    if (s->found) {
        const rl_bytes value = rl_message_value(message);
        s->written =
            fwrite(value.data ? value.data : "", 1, value.size, stdout) == value.size && fflush(stdout) == 0;
    }
    if (s->found && !s->written) {
        (void)rl_error_set(err, RL_TRANSIENT, 0, "cannot write to standard output");
        return RL_LOG_FAILED;
    }
    return RL_LOG_ENOUGH;
}

static bool show_raw(const rl_stream_config *stream, const rl_letter_place *place, bool *ret_found,
                     rl_error *err) {
    showing s = {.place = place};
    const bool ok =
        rl_dead_letters_read(stream, place->topic, place->partition, place->offset, show, &s, err);
    *ret_found = s.found;
    return ok;
}

static bool show_json(const rl_stream_config *stream, const rl_letter_place *place, const char *name,
                      bool *ret_found, rl_error *err) {
    RL_AUTO_JSON json_t *letters = json_object();
    if (!rl_letters_collect(stream, place->topic, place->partition, place->offset, letters, err)) {
        return false;
    }
    const json_t *letter = json_object_get(letters, name);
    *ret_found = letter != NULL;
    if (letter) {
        (void)json_dumpf(letter, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        (void)putchar('\n');
    }
    return true;
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
    char name[RL_LETTER_NAME_SIZE];
    rl_letter_place_name(&place, name);
    bool found = false;
    bool ok = rl_cli_has(call, "raw") ? show_raw(&stream, &place, &found, &err)
                                      : show_json(&stream, &place, name, &found, &err);
    if (ok && !found) {
        ok = rl_error_set(&err, RL_INVALID, 0, "there is no letter %s", name);
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
    .summary = "one dead letter: reason, origin, key, what was done about it; its bytes with --raw",
    .for_operators = true,
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
