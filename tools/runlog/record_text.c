/* record_text.c: see record_text.h. */
#include "tools/runlog/record_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/codec/cancel.h"
#include "lib/codec/deleted.h"
#include "lib/codec/replay.h"
#include "lib/codec/result.h"
#include "lib/stream/message.h"
#include "lib/stream/schema_source.h"
#include "lib/stream/topics.h"
#include "tools/runlog/dead_letters.h"

#define SCHEMA_TIMEOUT_US (10 * RL_US_PER_S)
#define ARENA_BYTES ((size_t)256 * 1024 * 1024)

struct rl_record_reader {
    rl_codec *codec;
    rl_schema_source *schemas;
};

rl_record_reader *rl_record_reader_new(const rl_stream_config *stream, rl_error *err) {
    RL_CLEANUP(rl_record_reader_slot) rl_record_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return NULL;
    }
    reader->codec = rl_codec_new(err);
    reader->schemas =
        reader->codec ? rl_schema_source_new(stream, RL_TOPIC_SCHEMAS, reader->codec, err) : NULL;
    return reader->schemas ? RL_STEAL(reader) : NULL;
}

void rl_record_reader_free(rl_record_reader *reader) {
    if (!reader) {
        return;
    }
    rl_schema_source_free(reader->schemas);
    rl_codec_free(reader->codec);
    free(reader);
}

/* --- fields --- */

static void put_text(json_t *to, const char *name, const char *text) {
    (void)json_object_set_new(to, name, rl_letter_text(rl_bytes_of(text)));
}

static void put_bytes(json_t *to, const char *name, rl_bytes bytes) {
    (void)json_object_set_new(to, name, rl_letter_text(bytes));
}

static void put_number(json_t *to, const char *name, int64_t number) {
    (void)json_object_set_new(to, name, json_integer((json_int_t)number));
}

static void put_count(json_t *to, const char *name, size_t count) {
    if (count > 0) {
        put_number(to, name, (int64_t)count);
    }
}

static void put_time(json_t *to, const char *name, int64_t wall_us) {
    char text[RL_RFC3339_SIZE];
    if (wall_us > 0) {
        put_text(to, name, rl_rfc3339(wall_us, text));
    }
}

static void put_true(json_t *to, const char *name, bool value) {
    if (value) {
        (void)json_object_set_new(to, name, json_true());
    }
}

static void put_header(json_t *to, const char *name, const rd_kafka_message_t *message, const char *header) {
    rl_bytes value;
    if (rl_message_header(message, header, &value)) {
        put_bytes(to, name, value);
    }
}

/* --- records, each kind --- */

/* A record that is being told. */
typedef struct {
    rl_record_reader *reader;
    const rd_kafka_message_t *message;
    rl_arena *arena;
    json_t *to;
    bool full;
} telling;

static void tell_program(const telling *t, const rl_submission *submission) {
    put_bytes(t->to, "source", submission->source);
    put_bytes(t->to, "stdin", submission->input);
}

static bool tell_submission(const telling *t, rl_error *err) {
    rl_submission s;
    if (!rl_submission_decode(t->reader->codec, rl_message_value(t->message), t->arena, &s, err)) {
        return false;
    }
    put_text(t->to, "id", s.id);
    put_number(t->to, "generation", s.generation);
    put_true(t->to, "held", s.held);
    put_text(t->to, "lang", s.lang);
    if (*s.tenant) {
        put_text(t->to, "tenant", s.tenant);
    }
    put_number(t->to, "sourceBytes", (int64_t)s.source.size);
    put_number(t->to, "stdinBytes", (int64_t)s.input.size);
    put_count(t->to, "files", s.file_count);
    put_count(t->to, "tests", s.test_count);
    put_time(t->to, "deadline", s.deadline_us);
    put_true(t->to, "callback", s.callback != NULL);
    if (t->full) {
        tell_program(t, &s);
    }
    return true;
}

static void tell_outcome(const telling *t, const rl_finished *f) {
    put_text(t->to, "verdict", rl_verdict_name(f->verdict));
    if (f->limit_hit != RL_LIMIT_NONE) {
        put_text(t->to, "limitHit", rl_limit_name(f->limit_hit));
    }
    if (f->has_exit_code) {
        put_number(t->to, "exitCode", f->exit_code);
    }
    if (f->has_signal) {
        put_number(t->to, "signal", f->signal);
    }
    if (*f->message) {
        put_text(t->to, "message", f->message);
    }
    put_count(t->to, "tests", f->test_count);
    put_number(t->to, "cpuMs", f->cpu_us / RL_US_PER_MS);
    put_number(t->to, "wallMs", f->wall_us / RL_US_PER_MS);
    put_number(t->to, "memoryKb", f->memory_bytes / 1024);
}

static bool tell_finished(const telling *t, rl_error *err) {
    static const char *const standings[] = {
        [RL_STANDING_VISIBLE] = NULL, [RL_STANDING_HELD] = "held", [RL_STANDING_NONE] = "none"};
    rl_finished f;
    if (!rl_finished_decode(t->reader->codec, rl_message_value(t->message), t->arena, &f, err)) {
        return false;
    }
    const char *standing = standings[rl_finished_standing_of(&f)];
    put_text(t->to, "id", f.id);
    put_number(t->to, "generation", f.generation);
    if (standing) {
        put_text(t->to, "standing", standing);
    }
    if (f.submission) {
        put_text(t->to, "lang", f.submission->lang);
    }
    tell_outcome(t, &f);
    put_number(t->to, "attempt", f.attempt);
    put_text(t->to, "runner", f.runner);
    if (t->full && f.submission) {
        tell_program(t, f.submission);
    }
    if (t->full) {
        put_bytes(t->to, "stdout", f.out.bytes);
        put_bytes(t->to, "stderr", f.err.bytes);
        put_bytes(t->to, "compileOutput", f.compile.bytes);
    }
    return true;
}

static bool tell_started(const telling *t, rl_error *err) {
    rl_started s;
    if (!rl_started_decode(t->reader->codec, rl_message_value(t->message), t->arena, &s, err)) {
        return false;
    }
    put_text(t->to, "id", s.id);
    put_number(t->to, "generation", s.generation);
    put_number(t->to, "attempt", s.attempt);
    put_text(t->to, "runner", s.runner);
    return true;
}

static bool tell_cancel(const telling *t, rl_error *err) {
    rl_cancel c;
    if (!rl_cancel_decode(t->reader->codec, rl_message_value(t->message), t->arena, &c, err)) {
        return false;
    }
    put_text(t->to, "id", c.id);
    put_number(t->to, "generation", c.generation);
    return true;
}

static bool tell_deleted(const telling *t, rl_error *err) {
    rl_deleted d;
    if (!rl_deleted_decode(t->reader->codec, rl_message_value(t->message), t->arena, &d, err)) {
        return false;
    }
    put_text(t->to, "id", d.id);
    return true;
}

static bool tell_decision(const telling *t, rl_record_kind kind, rl_error *err) {
    rl_replay_decision d;
    if (!rl_replay_decision_decode(t->reader->codec, kind, rl_message_value(t->message), t->arena, &d, err)) {
        return false;
    }
    put_text(t->to, "id", d.replay);
    put_number(t->to, "generation", d.generation);
    return true;
}

static bool tell_replay(const telling *t, rl_error *err) {
    rl_replay r;
    if (!rl_replay_decode(t->reader->codec, rl_message_value(t->message), t->arena, &r, err)) {
        return false;
    }
    put_text(t->to, "id", r.id);
    put_number(t->to, "generation", t->message->offset + 1);
    put_true(t->to, "held", r.apply_later);
    put_number(t->to, "count", r.count);
    put_text(t->to, "by", r.requested_by);
    put_text(t->to, "selection", r.selection);
    return true;
}

static bool tell_kind(const telling *t, rl_record_kind kind, rl_error *err) {
    static const char *const names[RL_RECORD_COUNT] = {
        [RL_RECORD_SUBMISSION] = "Submission", [RL_RECORD_FINISHED] = "Finished",
        [RL_RECORD_STARTED] = "Started",       [RL_RECORD_CANCEL] = "Cancel",
        [RL_RECORD_DELETED] = "Deleted",       [RL_RECORD_APPLIED] = "Applied",
        [RL_RECORD_DISCARDED] = "Discarded",   [RL_RECORD_REPLAY] = "Replay",
        [RL_RECORD_CLAIM] = "Claim",           [RL_RECORD_RUNNER] = "Runner"};
    put_text(t->to, "kind", names[kind]);
    switch (kind) {
    case RL_RECORD_SUBMISSION:
        return tell_submission(t, err);
    case RL_RECORD_FINISHED:
        return tell_finished(t, err);
    case RL_RECORD_STARTED:
        return tell_started(t, err);
    case RL_RECORD_CANCEL:
        return tell_cancel(t, err);
    case RL_RECORD_DELETED:
        return tell_deleted(t, err);
    case RL_RECORD_APPLIED:
    case RL_RECORD_DISCARDED:
        return tell_decision(t, kind, err);
    case RL_RECORD_REPLAY:
        return tell_replay(t, err);
    default: /* of no interest in itself */
        put_bytes(t->to, "key", rl_message_key(t->message));
        return true;
    }
}

/* --- what is no record of a schema --- */

static bool tell_letter(const telling *t) {
    rl_bytes header;
    char place[96];
    if (rl_message_header(t->message, "settles.offset", &header) &&
        !rl_message_header(t->message, "origin.topic", &header)) {
        put_text(t->to, "kind", "Settlement");
        put_header(t->to, "offsetSettled", t->message, "settles.offset");
        put_header(t->to, "as", t->message, "settled.as");
        put_header(t->to, "by", t->message, "settled.by");
        put_header(t->to, "to", t->message, "settled.to");
        return true;
    }
    rl_bytes topic, partition, offset;
    if (!rl_message_header(t->message, "origin.topic", &topic) ||
        !rl_message_header(t->message, "origin.partition", &partition) ||
        !rl_message_header(t->message, "origin.offset", &offset)) {
        return false;
    }
    (void)snprintf(place, sizeof place, "%.*s/%.*s@%.*s", (int)(topic.size < 40 ? topic.size : 40),
                   (const char *)topic.data, (int)(partition.size < 12 ? partition.size : 12),
                   (const char *)partition.data, (int)(offset.size < 20 ? offset.size : 20),
                   (const char *)offset.data);
    put_text(t->to, "kind", "DeadLetter");
    put_bytes(t->to, "key", rl_message_key(t->message));
    put_text(t->to, "origin", place);
    put_header(t->to, "class", t->message, "error.class");
    put_header(t->to, "reason", t->message, "error.message");
    put_number(t->to, "bytes", (int64_t)rl_message_value(t->message).size);
    return true;
}

static void tell_undecodable(const telling *t, const rl_error *why) {
    put_text(t->to, "kind", "undecodable");
    put_bytes(t->to, "key", rl_message_key(t->message));
    put_number(t->to, "bytes", (int64_t)rl_message_value(t->message).size);
    put_text(t->to, "reason", why->message);
}

static bool is_of(const rd_kafka_message_t *message, const char *topic) {
    return strcmp(rd_kafka_topic_name(message->rkt), topic) == 0;
}

static void tell(const telling *t) {
    rl_error why = RL_ERROR_INIT;
    rl_record_kind kind;
    const rl_bytes value = rl_message_value(t->message);
    if ((is_of(t->message, RL_TOPIC_SUBMISSIONS_DLQ) || is_of(t->message, RL_TOPIC_RESULTS_DLQ)) &&
        tell_letter(t)) {
        return;
    }
    if (is_of(t->message, RL_TOPIC_SCHEMAS)) {
        put_text(t->to, "kind", "Schema");
        put_bytes(t->to, "key", rl_message_key(t->message));
        return;
    }
    if (!rl_schema_source_resolve(t->reader->schemas, value, SCHEMA_TIMEOUT_US, &why) ||
        !rl_codec_kind(t->reader->codec, value, &kind, &why) || !tell_kind(t, kind, &why)) {
        tell_undecodable(t, &why);
    }
}

json_t *rl_record_describe(rl_record_reader *reader, const rd_kafka_message_t *message, bool full) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    json_t *record = json_object();
    const telling t = {reader, message, arena, record, full};
    if (!arena || !record) {
        json_decref(record);
        return NULL;
    }
    rd_kafka_timestamp_type_t type;
    const int64_t written_ms = rd_kafka_message_timestamp(message, &type);
    put_time(record, "time", written_ms * RL_US_PER_MS);
    put_text(record, "topic", rd_kafka_topic_name(message->rkt));
    put_number(record, "partition", message->partition);
    put_number(record, "offset", message->offset);
    tell(&t);
    return record;
}

/* --- the line --- */

static bool is_plain(const char *text) {
    const char *at = text;
    while (isalnum((unsigned char)*at) || (*at && strchr("-_.:/@+,", *at))) {
        at++;
    }
    return at != text && *at == '\0';
}

static void print_value(const json_t *value, FILE *out) {
    const char *text = json_string_value(value);
    if (text && strlen(text) == json_string_length(value) && is_plain(text)) {
        (void)fputs(text, out);
    } else {
        (void)json_dumpf(value, out, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    }
}

void rl_record_print(const json_t *record, FILE *out) {
    static const char *const placed[] = {"time", "topic", "partition", "offset", "kind"};
    const char *name;
    json_t *value;
    const char *time = json_string_value(json_object_get(record, "time"));
    const char *kind = json_string_value(json_object_get(record, "kind"));
    (void)fprintf(out, "%s ", time ? time : "-");
    print_value(json_object_get(record, "topic"), out);
    (void)fprintf(out, "/%lld@%lld %s", (long long)json_integer_value(json_object_get(record, "partition")),
                  (long long)json_integer_value(json_object_get(record, "offset")), kind ? kind : "-");
    /* Reading takes no const object. */
    json_object_foreach((json_t *)(uintptr_t)record, name, value) {
        bool is_placed = false;
        for (size_t i = 0; i < sizeof placed / sizeof *placed; i++) {
            is_placed = is_placed || strcmp(name, placed[i]) == 0;
        }
        if (!is_placed) {
            (void)fprintf(out, " %s=", name);
            print_value(value, out);
        }
    }
    (void)putc('\n', out);
}
