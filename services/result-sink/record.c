/* record.c: message -> Finished -> document. The arena in which a record is decoded lives only here: what
 * stays in memory until the batch is written is the message (for a dead letter) and the document. */
#include "services/result-sink/record.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/codec/framing.h"
#include "lib/store/result_document.h"
#include "lib/stream/message.h"
#include "services/result-sink/retention.h"

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

static bool make_document(rl_sink_record *record, const rl_finished *finished, int64_t expires_us,
                          rl_error *err) {
    record->id = strdup(finished->id);
    record->document = bson_new();
    if (!record->id || !record->document) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    if (!rl_result_document_write(finished, expires_us, record->document, err)) {
        return false;
    }
    record->item =
        (rl_apply_item){.id = record->id, .generation = finished->generation, .document = record->document};
    record->fate = RL_FATE_TO_WRITE;
    return true;
}

/* Only Finished records have a meaning here yet. */
static bool check_kind(rl_codec *codec, rl_bytes value, bool *ret_unknown_schema, rl_error *err) {
    uint64_t fingerprint;
    rl_bytes body;
    rl_record_kind kind;
    if (!rl_codec_kind(codec, value, &kind, err)) {
        *ret_unknown_schema = rl_framing_parse(value, &fingerprint, &body, NULL);
        return false;
    }
    return kind == RL_RECORD_FINISHED ||
           rl_error_set(err, RL_INVALID, (int)kind, "a record of another kind than Finished");
}

static bool read_finished(rl_sink_record *record, rl_codec *codec, int64_t retention_us, int64_t now_us,
                          bool *ret_unknown_schema, rl_error *err) {
    rl_bytes value = rl_message_value(record->message);
    if (!check_kind(codec, value, ret_unknown_schema, err)) {
        return false;
    }
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(DECODED_MAX_BYTES);
    rl_finished finished;
    if (!arena) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    if (!rl_finished_decode(codec, value, arena, &finished, err)) {
        return false;
    }
    int64_t expires_us = rl_retention_expires_us(&finished, logged_us(record->message), retention_us);
    if (expires_us <= now_us) {
        record->fate = RL_FATE_EXPIRED;
        return true;
    }
    return make_document(record, &finished, expires_us, err);
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
    *ret_unknown_schema = false;
    if (read_finished(record, codec, retention_us, now_us, ret_unknown_schema, &why)) {
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
