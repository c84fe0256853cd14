/* dlq_retry.c: `runlog dlq retry`.
 *
 * Three readings: the first says which letters there are, the second, which has the values, how each can be retried, so that
 * the question asked of the operator is about what will happen; the third sends. A letter's settlement is written when its
 * record is acknowledged: who is interrupted in between sends it once more the next time, which is harmless, as every record is
 * handled at least once anyway.
 */
#include "lib/base/clock.h"
#include "tools/runlog/confirm.h"
#include "tools/runlog/dlq_choose.h"
#include "tools/runlog/letter_retry.h"
#include "tools/runlog/service.h"

typedef struct {
    const rl_cli_call *call;
    const rl_stream_config *stream;
    rl_letter_retry *retry;
    json_t *chosen;
    json_t *sent; /* what --json prints */
    char by[RL_CALLER_SIZE];
    size_t refused, replayed;
} work;

static bool judge(void *context, const rd_kafka_message_t *message, json_t *letter, rl_error *err) {
    work *w = context;
    rl_retry_way way;
    rl_error why = RL_ERROR_INIT;
    if (rl_letter_retry_judge(w->retry, message, &way, &why)) {
        w->replayed += way == RL_RETRY_AS_REPLAY;
        (void)json_object_set_new(letter, "way", json_integer(way));
        return true;
    }
    if (why.error_class != RL_INVALID) {
        *err = why;
        return false;
    }
    w->refused++;
    (void)fprintf(stderr, "runlog dlq retry: %s cannot be retried: %s\n",
                  json_string_value(json_object_get(letter, "letter")), why.message);
    return true;
}

/* Those without a way to go, and those that retention has taken meanwhile. */
static void leave_out_refused(json_t *chosen) {
    const char *name;
    json_t *letter;
    void *next;
    json_object_foreach_safe(chosen, next, name, letter) {
        if (!json_object_get(letter, "way")) {
            (void)json_object_del(chosen, name);
        }
    }
}

static void tell(const work *w, const char *name, rl_retry_way way, const char *to) {
    int64_t generation = 0;
    const char *replay = rl_letter_retry_replay(w->retry, &generation);
    const bool replays = way == RL_RETRY_AS_REPLAY;
    json_t *entry = json_pack("{ssss}", "letter", name, "to", to);
    if (replays) {
        (void)json_object_set_new(entry, "replay", json_string(replay));
        (void)json_object_set_new(entry, "generation", json_integer(generation));
    }
    (void)json_array_append_new(w->sent, entry);
    if (!rl_cli_has(w->call, "json")) {
        (void)printf("%s -> %s", name, to);
        if (replays) {
            (void)printf(", generation %lld of %s", (long long)generation, replay);
        }
        (void)putchar('\n');
    }
}

static bool send_one(void *context, const rd_kafka_message_t *message, json_t *letter, rl_error *err) {
    work *w = context;
    char name[RL_LETTER_NAME_SIZE], to[RL_LETTER_NAME_SIZE];
    const rl_retry_way way = (rl_retry_way)json_integer_value(json_object_get(letter, "way"));
    rl_letter_place place;
    rl_letter_name(message, name);
    if (!rl_letter_parse(name, &place, err) || !rl_letter_retry_send(w->retry, message, way, to, err)) {
        return false;
    }
    const rl_settlement settlement = {.as = "retried", .by = w->by, .to = to};
    if (!rl_letter_settle(rl_letter_retry_producer(w->retry), &place, &settlement, err)) {
        return rl_error_prefix(err, "it is at %s now, but could not be marked as retried", to);
    }
    tell(w, name, way, to);
    return true;
}

/* {"letters": [names]}: of those that are executed again. */
static char *selection_of(json_t *chosen) {
    RL_AUTO_JSON json_t *names = json_array();
    const char *name;
    json_t *letter;
    json_object_foreach(chosen, name, letter) {
        if (json_integer_value(json_object_get(letter, "way")) == RL_RETRY_AS_REPLAY) {
            (void)json_array_append_new(names, json_string(name));
        }
    }
    RL_AUTO_JSON json_t *selection = json_pack("{sO}", "letters", names);
    return json_dumps(selection, JSON_COMPACT);
}

static int send_all(work *w) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_FREE char *selection = selection_of(w->chosen);
    const bool ok =
        rl_letter_retry_begin(w->retry, w->by, selection ? selection : "{}", (int64_t)w->replayed, &err) &&
        rl_dlq_each(w->stream, w->chosen, send_one, w, &err);
    if (rl_cli_has(w->call, "json")) {
        (void)json_dumpf(w->sent, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)putchar('\n');
    }
    return ok ? RL_CLI_OK : rl_cli_fail(w->call, &err);
}

static bool confirm(const work *w, rl_error *err) {
    const size_t count = json_object_size(w->chosen);
    char question[160], replays[64] = "";
    if (w->replayed > 0) {
        (void)snprintf(replays, sizeof replays, ", %zu of them to be executed again", w->replayed);
    }
    (void)snprintf(question, sizeof question, "Send %zu dead letter%s back%s?", count, count == 1 ? "" : "s",
                   replays);
    return rl_cli_confirm(w->call, question, err);
}

/* The letters are chosen. */
static int retry_chosen(work *w) {
    rl_error err = RL_ERROR_INIT;
    if (!rl_dlq_each(w->stream, w->chosen, judge, w, &err)) {
        return rl_cli_fail(w->call, &err);
    }
    if (w->refused > 0 && w->call->word_count > 0) {
        (void)fprintf(stderr, "runlog dlq retry: nothing was sent\n");
        return RL_CLI_FAILED;
    }
    leave_out_refused(w->chosen);
    if (json_object_size(w->chosen) == 0) {
        (void)puts(rl_cli_has(w->call, "json") ? "[]" : "there is nothing to retry");
        return w->refused > 0 ? RL_CLI_FAILED : RL_CLI_OK;
    }
    return confirm(w, &err) ? send_all(w) : rl_cli_misused(w->call, &err);
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    rl_cli_settings settings;
    if (!rl_cli_settings_load(call->environment, &settings, &err)) {
        return rl_cli_misused(call, &err);
    }
    const rl_stream_config stream = rl_cli_settings_stream(&settings);
    RL_AUTO_LETTER_RETRY rl_letter_retry *retry = rl_letter_retry_new(&stream, &err);
    if (!retry) {
        return rl_cli_fail(call, &err);
    }
    RL_AUTO_JSON json_t *chosen = json_object();
    RL_AUTO_JSON json_t *sent = json_array();
    work w = {.call = call, .stream = &stream, .retry = retry, .chosen = chosen, .sent = sent};
    rl_dlq_caller(call, w.by);
    const int status = rl_dlq_choose(call, &stream, chosen);
    return status == RL_CLI_OK ? retry_chosen(&w) : status;
}

static const rl_cli_option options[] = {
    RL_DLQ_OPTIONS,
    {"again", NULL, "letters that were retried or dropped before, too"},
    RL_OPTION_YES,
    RL_OPTION_JSON,
};

const rl_cli_command rl_command_dlq_retry = {
    .name = "dlq retry",
    .arguments = "LETTER... | --all",
    .summary = "give dead letters another chance",
    .details =
        "A result goes back to the topic and the partition it came from, as it came, and so does a record "
        "of\n"
        "a replay. A submission has been answered with SYSTEM_ERROR, so it is executed again as a replay\n"
        "is: its result, of a higher generation, replaces that answer. dlq list shows the letters no more.\n"
        "\n"
        "Asks first. What was cut, or still cannot be read, is refused: of letters that are named nothing "
        "is\n"
        "sent then; of --all those are left out. Exit status: 1 where something was refused and nothing\n"
        "sent, 2 where it was not confirmed.",
    .for_operators = true,
    .most = RL_CLI_ANY_NUMBER,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
