/* dlq_choose.c: from words and options to letters. */
#include "tools/runlog/dlq_choose.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/stream/topics.h"
#include "tools/runlog/service.h"

static const char *const topics[] = {RL_TOPIC_SUBMISSIONS_DLQ, RL_TOPIC_RESULTS_DLQ};

#define TOPICS (sizeof topics / sizeof *topics)

static const char *text_of(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* The words as names of letters in their own form. */
static bool parse_words(const rl_cli_call *call, json_t *names, rl_error *err) {
    const bool all = rl_cli_has(call, "all");
    if (all == (call->word_count > 0)) {
        return rl_error_set(err, RL_INVALID, 0, "%s",
                            all ? "--all and single letters do not go together"
                                : "which letters? Their names, as dlq list has them, or --all");
    }
    if (!all && (rl_cli_has(call, "topic") || rl_cli_has(call, "reason"))) {
        return rl_error_set(err, RL_INVALID, 0, "--topic and --reason go with --all");
    }
    for (int i = 0; i < call->word_count; i++) {
        rl_letter_place place;
        char name[RL_LETTER_NAME_SIZE];
        if (!rl_letter_parse(call->words[i], &place, err)) {
            return false;
        }
        rl_letter_place_name(&place, name);
        (void)json_object_set_new(names, name, json_true());
    }
    return true;
}

static bool matches(const rl_cli_call *call, const json_t *letter) {
    const char *topic = rl_cli_value(call, "topic");
    const char *reason = rl_cli_value(call, "reason");
    const char *name = text_of(letter, "letter");
    const bool on_topic = !topic || strcmp(text_of(letter, "origin.topic"), topic) == 0 ||
                          (strncmp(name, topic, strlen(topic)) == 0 && name[strlen(topic)] == '/');
    return on_topic && (!reason || strcasestr(text_of(letter, "error.message"), reason)) &&
           (rl_cli_has(call, "again") || !rl_letter_is_settled(letter));
}

static bool choose_named(const rl_cli_call *call, json_t *names, json_t *letters, json_t *chosen,
                         rl_error *err) {
    const char *name;
    json_t *unused;
    json_object_foreach(names, name, unused) {
        json_t *letter = json_object_get(letters, name);
        const json_t *settled = json_object_get(letter, "settled");
        if (!letter) {
            return rl_error_set(err, RL_INVALID, 0, "there is no letter %s", name);
        }
        if (rl_letter_is_settled(letter) && !rl_cli_has(call, "again")) {
            return rl_error_set(err, RL_INVALID, 0, "%s was %s already, on %s by %s", name,
                                text_of(settled, "as"), text_of(settled, "time"), text_of(settled, "by"));
        }
        (void)json_object_set(chosen, name, letter);
    }
    return true;
}

static void choose_all(const rl_cli_call *call, json_t *letters, json_t *chosen) {
    const char *name;
    json_t *letter;
    json_object_foreach(letters, name, letter) {
        if (matches(call, letter)) {
            (void)json_object_set(chosen, name, letter);
        }
    }
}

int rl_dlq_choose(const rl_cli_call *call, const rl_stream_config *stream, json_t *chosen) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_JSON json_t *names = json_object();
    RL_AUTO_JSON json_t *letters = json_object();
    if (!parse_words(call, names, &err)) {
        return rl_cli_misused(call, &err);
    }
    for (size_t i = 0; i < TOPICS; i++) {
        if (!rl_letters_collect(stream, topics[i], RD_KAFKA_PARTITION_UA, RD_KAFKA_OFFSET_BEGINNING, letters,
                                &err)) {
            return rl_cli_fail(call, &err);
        }
    }
    if (rl_cli_has(call, "all")) {
        choose_all(call, letters, chosen);
    } else if (!choose_named(call, names, letters, chosen, &err)) {
        return rl_cli_fail(call, &err);
    }
    return RL_CLI_OK;
}

/* --- reading them again --- */

typedef struct {
    json_t *chosen;
    rl_dlq_visit visit;
    void *context;
} again;

static rl_log_step visit_chosen(void *context, const rd_kafka_message_t *message, rl_error *err) {
    const again *a = context;
    char name[RL_LETTER_NAME_SIZE];
    if (!message) {
        return RL_LOG_NEXT;
    }
    rl_letter_name(message, name);
    json_t *letter = json_object_get(a->chosen, name);
    if (letter && !a->visit(a->context, message, letter, err)) {
        (void)rl_error_prefix(err, "%s", name);
        return RL_LOG_FAILED;
    }
    return RL_LOG_NEXT;
}

static bool any_on(json_t *chosen, const char *topic) {
    const char *name;
    json_t *letter;
    json_object_foreach(chosen, name, letter) {
        if (strncmp(name, topic, strlen(topic)) == 0) {
            return true;
        }
    }
    return false;
}

bool rl_dlq_each(const rl_stream_config *stream, json_t *chosen, rl_dlq_visit visit, void *context,
                 rl_error *err) {
    again a = {chosen, visit, context};
    for (size_t i = 0; i < TOPICS; i++) {
        if (any_on(chosen, topics[i]) &&
            !rl_dead_letters_read(stream, topics[i], RD_KAFKA_PARTITION_UA, RD_KAFKA_OFFSET_BEGINNING,
                                  visit_chosen, &a, err)) {
            return false;
        }
    }
    return true;
}

/* --- who --- */

static const char *variable(char *const *environment, const char *name) {
    const size_t length = strlen(name);
    for (; environment && *environment; environment++) {
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=') {
            return *environment + length + 1;
        }
    }
    return NULL;
}

void rl_dlq_caller(const rl_cli_call *call, char out[RL_CALLER_SIZE]) {
    char host[64] = "";
    char number[24];
    const char *user = variable(call->environment, "USER");
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(number, sizeof number, "uid %u", (unsigned)getuid());
    (void)snprintf(out, RL_CALLER_SIZE, "%.64s%s%s", user && *user ? user : number, *host ? "@" : "", host);
}
