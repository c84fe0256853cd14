/* tail.c: `runlog tail`: what is written on the log. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/message.h"
#include "lib/stream/topics.h"
#include "tools/runlog/kafka_view.h"
#include "tools/runlog/log_scan.h"
#include "tools/runlog/moment.h"
#include "tools/runlog/record_text.h"
#include "tools/runlog/service.h"

#define LAST_BY_DEFAULT 10
#define LAST_MAX 10000

RL_DEFINE_CLEANUP(metadata_slot, const struct rd_kafka_metadata, rd_kafka_metadata_destroy)

/* Where to begin. */
typedef struct {
    int64_t last;     /* so many records before the end; -1: not by number */
    int64_t since_us; /* wall clock; 0: not by time */
    bool end;
} beginning;

/* A line that waits for its turn. */
typedef struct {
    int64_t time_ms;
    size_t number; /* in the order of reading */
    json_t *record;
} line;

typedef struct {
    const rl_cli_call *call;
    rl_record_reader *reader;
    const char *key; /* NULL: all */
    size_t last;     /* so many are wanted, the newest ones: they are sorted first; 0: as they come */
    line *lines;     /* room for twice the last ones */
    size_t count;
    size_t number; /* of the next one */
} output;

static void output_free(output *o) {
    for (size_t i = 0; i < o->count; i++) {
        json_decref(o->lines[i].record);
    }
    free(o->lines);
}

/* --- what to read --- */

static bool parse_beginning(const rl_cli_call *call, beginning *ret, rl_error *err) {
    const char *text = rl_cli_value(call, "from");
    *ret = (beginning){.last = -1};
    if (!text) {
        ret->last = rl_cli_has(call, "id") ? -1 : LAST_BY_DEFAULT;
        return true;
    }
    if (strcmp(text, "beginning") == 0 || strcmp(text, "end") == 0) {
        ret->end = *text == 'e';
        return true;
    }
    if (*text != '-') {
        return rl_moment_parse(text, rl_wall_clock_us(), &ret->since_us, err);
    }
    char *end = NULL;
    errno = 0;
    ret->last = strtoll(text + 1, &end, 10);
    ret->end = ret->last == 0;
    return (errno == 0 && end != text + 1 && *end == '\0' && ret->last >= 0 && ret->last <= LAST_MAX) ||
           rl_error_set(err, RL_INVALID, 0, "--from %s: expected -N with N up to %d", text, LAST_MAX);
}

/* Those that are named, or Runlog's own that there are. Schemas and what is compacted are of no interest unless named. */
static bool find_topics(const rl_cli_call *call, rd_kafka_t *client, rl_log_ranges *ranges, rl_error *err) {
    for (int i = 0; i < call->word_count; i++) {
        bool twice = false;
        for (int j = 0; j < i; j++) {
            twice = twice || strcmp(call->words[i], call->words[j]) == 0;
        }
        if (!twice && !rl_log_ranges_add_topic(ranges, client, call->words[i], err)) {
            return false;
        }
    }
    if (call->word_count > 0) {
        return true;
    }
    RL_CLEANUP(metadata_slot)
    const struct rd_kafka_metadata *metadata = rl_kafka_view_metadata(client, NULL, err);
    size_t count = 0;
    const rl_topic *table = rl_topics(&count);
    for (size_t i = 0; metadata && i < count; i++) {
        if (!table[i].compacted && rl_kafka_view_topic(metadata, table[i].name) &&
            !rl_log_ranges_add_topic(ranges, client, table[i].name, err)) {
            return false;
        }
    }
    return metadata != NULL;
}

/* Leaves in `ranges` what is there now and wanted. With --id the last N of those have to be looked for. */
static bool narrow(const beginning *from, bool by_id, rd_kafka_t *client, rl_log_ranges *ranges,
                   rl_error *err) {
    for (size_t i = 0; i < ranges->count; i++) {
        rl_log_range *range = &ranges->items[i];
        if (from->end) {
            range->from = range->to;
        } else if (from->last >= 0 && !by_id && range->from < range->to - from->last) {
            range->from = range->to - from->last;
        }
    }
    return from->since_us == 0 || rl_log_ranges_narrow(ranges, client, from->since_us, 0, err);
}

/* --- what to say --- */

static bool print_record(const output *o, const json_t *record, rl_error *err) {
    if (rl_cli_has(o->call, "json")) {
        (void)json_dumpf(record, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)putchar('\n');
    } else {
        rl_record_print(record, stdout);
    }
    return (fflush(stdout) == 0 && !ferror(stdout)) ||
           rl_error_set(err, RL_TRANSIENT, 0, "cannot write to standard output");
}

static int by_time(const void *a, const void *b) {
    const line *x = a, *y = b;
    if (x->time_ms != y->time_ms) {
        return x->time_ms < y->time_ms ? -1 : 1;
    }
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Sorts what is kept, and drops all but the last ones. */
static void drop_older(output *o) {
    const size_t dropped = o->count > o->last ? o->count - o->last : 0;
    if (o->count > 0) {
        qsort(o->lines, o->count, sizeof *o->lines, by_time);
    }
    for (size_t i = 0; i < dropped; i++) {
        json_decref(o->lines[i].record);
    }
    o->count -= dropped;
    if (dropped > 0) {
        memmove(o->lines, o->lines + dropped, o->count * sizeof *o->lines);
    }
}

/* Each partition may have as many: no more than twice that are in memory at a time. */
static bool keep(output *o, const rd_kafka_message_t *message, json_t *record, rl_error *err) {
    rd_kafka_timestamp_type_t type;
    if (o->count == 2 * o->last) {
        drop_older(o);
    }
    if (!o->lines && !(o->lines = calloc(2 * o->last, sizeof *o->lines))) {
        json_decref(record);
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    o->lines[o->count++] = (line){rd_kafka_message_timestamp(message, &type), o->number++, record};
    return true;
}

static rl_log_step take(void *context, const rd_kafka_message_t *message, rl_error *err) {
    output *o = context;
    if (!message || (o->key && !rl_bytes_equal(rl_message_key(message), rl_bytes_of(o->key)))) {
        return RL_LOG_NEXT;
    }
    json_t *record = rl_record_describe(o->reader, message, rl_cli_has(o->call, "full"));
    if (!record) {
        (void)rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return RL_LOG_FAILED;
    }
    if (o->last > 0) {
        return keep(o, message, record, err) ? RL_LOG_NEXT : RL_LOG_FAILED;
    }
    const bool printed = print_record(o, record, err);
    json_decref(record);
    return printed ? RL_LOG_NEXT : RL_LOG_FAILED;
}

static bool print_last(output *o, rl_error *err) {
    drop_older(o);
    for (size_t i = 0; i < o->count; i++) {
        if (!print_record(o, o->lines[i].record, err)) {
            return false;
        }
    }
    return true;
}

/* From where the first reading ended. Only an error ends it, or a signal the process. */
static bool follow(output *o, rd_kafka_t *client, rl_log_ranges *ranges, rl_error *err) {
    for (size_t i = 0; i < ranges->count; i++) {
        ranges->items[i].from = ranges->items[i].to;
        ranges->items[i].to = RL_LOG_OPEN;
    }
    o->last = 0;
    return rl_log_scan(client, ranges, take, o, err);
}

static bool tail(output *o, const beginning *from, const rl_stream_config *stream, rl_error *err) {
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    RL_CLEANUP(rl_rd_client_slot) rd_kafka_t *client = rl_log_scan_client(stream, err);
    o->last = from->last > 0 ? (size_t)from->last : 0;
    return client && find_topics(o->call, client, &ranges, err) &&
           narrow(from, o->key != NULL, client, &ranges, err) && rl_log_scan(client, &ranges, take, o, err) &&
           (o->last == 0 || print_last(o, err)) &&
           (!rl_cli_has(o->call, "follow") || follow(o, client, &ranges, err));
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    rl_cli_settings settings;
    beginning from;
    if (!parse_beginning(call, &from, &err) || !rl_cli_settings_load(call->environment, &settings, &err)) {
        return rl_cli_misused(call, &err);
    }
    const rl_stream_config stream = rl_cli_settings_stream(&settings);
    RL_CLEANUP(rl_record_reader_slot) rl_record_reader *reader = rl_record_reader_new(&stream, &err);
    RL_CLEANUP(output_free)
    output o = {.call = call, .reader = reader, .key = rl_cli_value(call, "id")};
    return reader && tail(&o, &from, &stream, &err) ? RL_CLI_OK : rl_cli_fail(call, &err);
}

static const rl_cli_option options[] = {
    {"from", "WHERE", "beginning, end, -N (the last N), or " RL_MOMENT_HELP},
    {"follow", NULL, "go on with what is written from now on, until it is interrupted"},
    {"id", "ID", "only what is about this submission or replay; then from the beginning, unless told"},
    {"full", NULL, "program texts, inputs and outputs too"},
    {"json", NULL, "a JSON document on each line"},
};

const rl_cli_command rl_command_tail = {
    .name = "tail",
    .arguments = "[TOPIC...]",
    .summary = "what is written on the log, a line for each record",
    .details =
        "The last ten records of Runlog's topics, or of those that are named, by the time at which they "
        "were\n"
        "written; from another place on, records of different partitions come in no order. Time, place, "
        "kind\n"
        "and what the record says; never program text or output, unless --full asks for it. What cannot be\n"
        "read is shown as \"undecodable\". Reading changes nothing.",
    .for_operators = true,
    .most = RL_CLI_ANY_NUMBER,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
