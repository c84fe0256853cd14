/* replay_audit.c: see replay_audit.h. */
#include "tools/runlog/replay_audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/utf8.h"
#include "lib/codec/cancel.h"
#include "lib/stream/message.h"
#include "lib/stream/topics.h"

#define ARENA_BYTES ((size_t)16 * 1024 * 1024)

void rl_replay_audit_free(rl_replay_audit *audit) {
    for (size_t i = 0; i < audit->count; i++) {
        free(audit->items[i].requested_by);
        free(audit->items[i].selection);
    }
    free(audit->items);
    *audit = (rl_replay_audit){0};
}

static bool has_room(rl_replay_audit *audit, rl_error *err) {
    if (audit->count == audit->capacity) {
        const size_t capacity = audit->capacity ? audit->capacity * 2 : 16;
        rl_replay_case *items = realloc(audit->items, capacity * sizeof *items);
        if (!items) {
            return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        }
        audit->items = items;
        audit->capacity = capacity;
    }
    return true;
}

bool rl_replay_id_make(int64_t now_us, char out[RL_REPLAY_ID_SIZE], rl_error *err) {
    unsigned char random[3];
    char when[24];
    const time_t seconds = (time_t)(now_us / RL_US_PER_S);
    struct tm date;
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random || !gmtime_r(&seconds, &date) ||
        strftime(when, sizeof when, "%Y%m%d-%H%M%S", &date) == 0) {
        return rl_error_set(err, RL_FATAL, 0, "there is no randomness for an id");
    }
    (void)snprintf(out, RL_REPLAY_ID_SIZE, "r-%s-%02x%02x%02x", when, random[0], random[1], random[2]);
    return true;
}

/* Ids are shown and typed: nothing in them that a terminal or a shell would take for something else. */
static bool is_id(const char *text) {
    const size_t length = strlen(text);
    return length > 0 && length < RL_REPLAY_ID_SIZE &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static rl_replay_case *of_generation(rl_replay_audit *audit, int64_t generation) {
    for (size_t i = 0; i < audit->count; i++) {
        if (audit->items[i].generation == generation) {
            return &audit->items[i];
        }
    }
    return NULL;
}

bool rl_replay_audit_add(rl_replay_audit *audit, const rl_replay *replay, int64_t offset, rl_error *err) {
    if (!is_id(replay->id)) {
        return rl_error_set(err, RL_INVALID, 0, "a replay whose id is none");
    }
    if (of_generation(audit, offset + 1)) {
        return true; /* the reading of it failed behind this record, and was made again */
    }
    if (!has_room(audit, err)) {
        return false;
    }
    rl_replay_case one = {
        .generation = offset + 1,
        .requested_us = replay->requested_us,
        .requested_by = strdup(replay->requested_by),
        .selection = strdup(replay->selection),
        .apply_later = replay->apply_later,
        .rate_per_second = replay->rate_per_second,
        .count = replay->count,
    };
    (void)snprintf(one.id, sizeof one.id, "%s", replay->id);
    if (!one.requested_by || !one.selection) {
        free(one.requested_by);
        free(one.selection);
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    audit->items[audit->count++] = one;
    return true;
}

void rl_replay_audit_cancelled(rl_replay_audit *audit, int64_t generation, int64_t when_us) {
    rl_replay_case *one = of_generation(audit, generation);
    if (one && one->cancelled_us == 0) {
        one->cancelled_us = when_us;
    }
}

void rl_replay_audit_decided(rl_replay_audit *audit, int64_t generation, rl_replay_decided decided,
                             int64_t when_us) {
    rl_replay_case *one = of_generation(audit, generation);
    if (one && one->decided == RL_REPLAY_UNDECIDED) {
        one->decided = decided;
        one->decided_us = when_us;
    }
}

/* ---- reading ---- */

typedef struct {
    rl_replay_log *log;
    rl_replay_audit *audit;
} reading;

static bool take(reading *r, rl_record_kind kind, const rd_kafka_message_t *message, rl_arena *arena,
                 rl_error *err) {
    rl_codec *codec = rl_replay_log_codec(r->log);
    const rl_bytes framed = rl_message_value(message);
    rl_replay replay;
    rl_cancel cancel;
    rl_replay_decision decision;
    switch ((int)kind) {
    case RL_RECORD_REPLAY:
        return rl_replay_decode(codec, framed, arena, &replay, err) &&
               rl_replay_audit_add(r->audit, &replay, message->offset, err);
    case RL_RECORD_CANCEL:
        if (!rl_cancel_decode(codec, framed, arena, &cancel, err)) {
            return false;
        }
        rl_replay_audit_cancelled(r->audit, cancel.generation, cancel.requested_us);
        return true;
    case RL_RECORD_APPLIED:
    case RL_RECORD_DISCARDED:
        if (!rl_replay_decision_decode(codec, kind, framed, arena, &decision, err)) {
            return false;
        }
        rl_replay_audit_decided(r->audit, decision.generation,
                                kind == RL_RECORD_APPLIED ? RL_REPLAY_APPLIED : RL_REPLAY_DISCARDED,
                                decision.decided_us);
        return true;
    default:
        return true;
    }
}

static rl_log_step look(void *context, const rd_kafka_message_t *message, rl_error *err) {
    reading *r = context;
    rl_record_kind kind;
    RL_AUTO_ARENA rl_arena *arena = message ? rl_arena_new(ARENA_BYTES) : NULL;
    if (!message) {
        return RL_LOG_NEXT;
    }
    if (!arena) {
        (void)rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return RL_LOG_FAILED;
    }
    const bool ok = rl_replay_log_kind(r->log, rl_message_value(message), &kind, err) &&
                    take(r, kind, message, arena, err);
    return ok || err->error_class == RL_INVALID ? RL_LOG_NEXT : RL_LOG_FAILED;
}

bool rl_replay_audit_more(rl_replay_log *log, const rl_log_ranges *ranges, rl_replay_audit *audit,
                          rl_error *err) {
    reading r = {log, audit};
    return rl_log_scan(rl_replay_log_reader(log), ranges, look, &r, err);
}

bool rl_replay_audit_read(rl_replay_log *log, rl_replay_audit *ret, rl_error *err) {
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    return rl_log_ranges_add_topic(&ranges, rl_replay_log_reader(log), RL_TOPIC_REPLAYS, err) &&
           rl_replay_audit_more(log, &ranges, ret, err);
}

const rl_replay_case *rl_replay_audit_find(const rl_replay_audit *audit, const char *id, rl_error *err) {
    for (size_t i = 0; i < audit->count; i++) {
        if (strcmp(audit->items[i].id, id) == 0) {
            return &audit->items[i];
        }
    }
    (void)rl_error_set(err, RL_INVALID, 0, "there is no replay \"%.60s\": runlog replay list has them", id);
    return NULL;
}

/* ---- showing ---- */

static json_t *time_of(int64_t wall_us) {
    char text[RL_RFC3339_SIZE];
    return wall_us > 0 ? json_string(rl_rfc3339(wall_us, text)) : json_null();
}

/* Text of any bytes: what is on the log may have been written by anybody. */
static json_t *text_of(const char *bytes) {
    RL_AUTO_BUFFER rl_buffer text;
    rl_buffer_init(&text, SIZE_MAX / 4);
    bool replaced = false;
    return rl_utf8_append(&text, rl_bytes_of(bytes), &replaced) ? json_string(text.data ? text.data : "")
                                                                : json_null();
}

static const char *decision_name(rl_replay_decided decided) {
    return decided == RL_REPLAY_APPLIED ? "applied" : "discarded";
}

/* What was asked for, without what of the log was read for it: that is for machines. */
static json_t *asked_for(const char *text) {
    json_t *selection = json_loads(text, 0, NULL);
    if (!json_is_object(selection)) {
        json_decref(selection);
        return json_null();
    }
    (void)json_object_del(selection, "submissionsRead");
    (void)json_object_del(selection, "resultsRead");
    return selection;
}

json_t *rl_replay_case_json(const rl_replay_case *one) {
    return json_pack("{s:s,s:I,s:o,s:o,s:o,s:s,s:f,s:I,s:o,s:o,s:o}", "replay", one->id, "generation",
                     (json_int_t)one->generation, "requestedBy", text_of(one->requested_by), "requestedAt",
                     time_of(one->requested_us), "selection", asked_for(one->selection), "apply",
                     one->apply_later ? "later" : "now", "ratePerSecond", one->rate_per_second, "count",
                     (json_int_t)one->count, "cancelledAt", time_of(one->cancelled_us), "decision",
                     one->decided == RL_REPLAY_UNDECIDED ? json_null()
                                                         : json_string(decision_name(one->decided)),
                     "decidedAt", time_of(one->decided_us));
}
