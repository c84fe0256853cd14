/* record.c: message -> Finished -> document, or Deleted -> tombstone, or Applied, Discarded -> decision. The arena in which a record is decoded lives
 * only here: what stays in memory until the batch is written is the message (for a dead letter) and the document. */
#include "lib/sink/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/codec/framing.h"
#include "lib/sink/retention.h"
#include "lib/store/replay_document.h"
#include "lib/stream/message.h"

/* A record of at most 10 MiB decodes to structs and copies of its bytes; many tiny array elements grow
 * most, a pointer or two for each byte. */
#define DECODED_MAX_BYTES ((size_t)256 * 1024 * 1024)

static void set_aside(rl_sink_record *record, const rl_error *why) {
    record->fate = RL_FATE_SET_ASIDE;
    record->why = *why;
}

static int64_t logged_us(const rd_kafka_message_t *message) {
    rd_kafka_timestamp_type_t type;
    int64_t ms = rd_kafka_message_timestamp(message, &type);
    return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || ms < 0 ? 0 : ms * RL_US_PER_MS;
}

/* An empty document for `id` in `place`, which becomes the record's. */
static bool begin_document(rl_sink_record *record, rl_sink_place place, const char *id, rl_error *err) {
    record->place = place;
    record->id = strdup(id);
    record->id_bytes = strlen(id);
    record->document = bson_new();
    return (record->id && record->document) || rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
}

static bool to_write(rl_sink_record *record, int64_t generation, bool deleted) {
    record->item =
        (rl_apply_item){.generation = generation, .deleted = deleted, .document = record->document};
    record->fate = RL_FATE_TO_WRITE;
    return true;
}

static bool expire(rl_sink_record *record) {
    record->fate = RL_FATE_EXPIRED;
    return true;
}

/* What a record may need, beside itself. */
typedef struct {
    rl_codec *codec;
    rl_arena *arena;
    int64_t retention_us;
    int64_t now_us; /* wall clock */
} reading;

static bool hold(rl_sink_record *record, const rl_finished *finished, int64_t expires_us, rl_error *err) {
    char key[RL_STORE_HELD_KEY_BYTES];
    if (!rl_held_document_key(finished->id, finished->generation, key, err) ||
        !begin_document(record, RL_PLACE_HELD, key, err) ||
        !rl_held_document_write(finished, expires_us, record->document, err)) {
        return false;
    }
    record->id_bytes = strlen(finished->id);
    return to_write(record, finished->generation, false);
}

static bool read_finished(rl_sink_record *record, const reading *r, rl_error *err) {
    rl_finished finished;
    if (!rl_finished_decode(r->codec, rl_message_value(record->message), r->arena, &finished, err)) {
        return false;
    }
    const rl_finished_standing standing = rl_finished_standing_of(&finished);
    if (standing == RL_STANDING_NONE) {
        record->fate = RL_FATE_UNEXECUTED;
        return true;
    }
    int64_t expires_us = rl_retention_expires_us(&finished, logged_us(record->message), r->retention_us);
    if (expires_us <= r->now_us) {
        return expire(record);
    }
    return standing == RL_STANDING_HELD
               ? hold(record, &finished, expires_us, err)
               : begin_document(record, RL_PLACE_RESULTS, finished.id, err) &&
                     rl_result_document_write(&finished, expires_us, record->document, err) &&
                     to_write(record, finished.generation, false);
}

static bool read_deleted(rl_sink_record *record, const reading *r, rl_error *err) {
    rl_deleted deleted;
    if (!rl_deleted_decode(r->codec, rl_message_value(record->message), r->arena, &deleted, err)) {
        return false;
    }
    int64_t expires_us = rl_retention_deleted_us(&deleted, logged_us(record->message), r->retention_us);
    if (expires_us <= r->now_us) {
        return expire(record);
    }
    return begin_document(record, RL_PLACE_RESULTS, deleted.id, err) &&
           rl_result_document_write_deleted(deleted.id, expires_us, record->document, err) &&
           to_write(record, 0, true);
}

static bool read_decision(rl_sink_record *record, const reading *r, rl_record_kind kind, rl_error *err) {
    rl_replay_decision what;
    if (!rl_replay_decision_decode(r->codec, kind, rl_message_value(record->message), r->arena, &what, err)) {
        return false;
    }
    int64_t expires_us = rl_retention_decided_us(&what, logged_us(record->message), r->retention_us);
    if (expires_us <= r->now_us) {
        return expire(record);
    }
    const rl_decision decision = kind == RL_RECORD_APPLIED ? RL_DECISION_APPLIED : RL_DECISION_DISCARDED;
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, what.generation);
    return begin_document(record, RL_PLACE_REPLAYS, id, err) &&
           rl_decision_document_write(&what, decision, expires_us, record->document, err) &&
           to_write(record, what.generation, false);
}

static bool read_value(rl_sink_record *record, const reading *r, bool *ret_unknown_schema, rl_error *err) {
    const rl_bytes value = rl_message_value(record->message);
    uint64_t fingerprint;
    rl_bytes body;
    rl_record_kind kind;
    if (!rl_codec_kind(r->codec, value, &kind, err)) {
        *ret_unknown_schema = rl_framing_parse(value, &fingerprint, &body, NULL);
        return false;
    }
    switch (kind) {
    case RL_RECORD_FINISHED:
        return read_finished(record, r, err);
    case RL_RECORD_DELETED:
        return read_deleted(record, r, err);
    case RL_RECORD_APPLIED:
    case RL_RECORD_DISCARDED:
        return read_decision(record, r, kind, err);
    default:
        return rl_error_set(err, RL_INVALID, (int)kind,
                            "a record that does not belong on the topic of results");
    }
}

static void drop_document(rl_sink_record *record) {
    if (record->document) {
        bson_destroy(record->document);
    }
    free(record->id);
    record->document = NULL;
    record->id = NULL;
}

bool rl_sink_record_read(rl_sink_record *record, rl_codec *codec, int64_t retention_us, int64_t now_us,
                         bool *ret_unknown_schema, rl_error *err) {
    rl_error why = RL_ERROR_INIT;
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(DECODED_MAX_BYTES);
    const reading r = {codec, arena, retention_us, now_us};
    *ret_unknown_schema = false;
    if (!arena) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    if (read_value(record, &r, ret_unknown_schema, &why)) {
        return true;
    }
    drop_document(record);
    if (why.error_class == RL_TRANSIENT) {
        return rl_error_set(err, RL_TRANSIENT, why.code, "%s", why.message);
    }
    set_aside(record, &why);
    return true;
}

void rl_sink_record_clear(rl_sink_record *record) {
    drop_document(record);
    if (record->message) {
        rd_kafka_message_destroy(record->message);
    }
    *record = (rl_sink_record){0};
}
