#include "lib/codec/replay.h"

#include "lib/codec/avro_value.h"

/* Encodes `value` unless a field could not be set, and ends it. */
static bool finish(rl_codec *codec, rl_record_kind kind, avro_value_t *value, const rl_avro_out *fields,
                   rl_buffer *out, rl_error *err) {
    bool fine = !fields->failed ? rl_codec_encode(codec, kind, value, RL_REPLAY_MAX_BYTES, out, err)
                                : rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    avro_value_decref(value);
    return fine;
}

bool rl_replay_encode(rl_codec *codec, const rl_replay *replay, rl_buffer *out, rl_error *err) {
    avro_value_t value;
    rl_avro_out fields = {false};
    if (!rl_codec_new_value(codec, RL_RECORD_REPLAY, &value, err)) {
        return false;
    }
    rl_avro_set_text(&fields, &value, "id", replay->id);
    rl_avro_set_text(&fields, &value, "requestedBy", replay->requested_by);
    rl_avro_set_long(&fields, &value, "requestedAt", replay->requested_us);
    rl_avro_set_text(&fields, &value, "selection", replay->selection);
    rl_avro_set_bool(&fields, &value, "applyLater", replay->apply_later);
    rl_avro_set_double(&fields, &value, "ratePerSecond", replay->rate_per_second);
    rl_avro_set_long(&fields, &value, "count", replay->count);
    return finish(codec, RL_RECORD_REPLAY, &value, &fields, out, err);
}

bool rl_replay_decode(rl_codec *codec, rl_bytes framed, rl_arena *arena, rl_replay *ret, rl_error *err) {
    avro_value_t value;
    if (!rl_codec_decode(codec, RL_RECORD_REPLAY, framed, &value, err)) {
        return false;
    }
    rl_avro_in in = {.arena = arena, .err = err};
    *ret = (rl_replay){.id = "", .requested_by = "", .selection = ""};
    rl_avro_get_text(&in, &value, "id", &ret->id);
    rl_avro_get_text(&in, &value, "requestedBy", &ret->requested_by);
    rl_avro_get_long(&in, &value, "requestedAt", &ret->requested_us);
    rl_avro_get_text(&in, &value, "selection", &ret->selection);
    rl_avro_get_bool(&in, &value, "applyLater", &ret->apply_later);
    rl_avro_get_double(&in, &value, "ratePerSecond", &ret->rate_per_second);
    rl_avro_get_long(&in, &value, "count", &ret->count);
    avro_value_decref(&value);
    return !in.failed;
}

static const char *time_field(rl_record_kind kind) {
    return kind == RL_RECORD_APPLIED ? "appliedAt" : "discardedAt";
}

bool rl_replay_decision_encode(rl_codec *codec, rl_record_kind kind, const rl_replay_decision *decision,
                               rl_buffer *out, rl_error *err) {
    avro_value_t value;
    rl_avro_out fields = {false};
    if (!rl_codec_new_value(codec, kind, &value, err)) {
        return false;
    }
    rl_avro_set_text(&fields, &value, "replay", decision->replay);
    rl_avro_set_long(&fields, &value, "generation", decision->generation);
    rl_avro_set_long(&fields, &value, time_field(kind), decision->decided_us);
    return finish(codec, kind, &value, &fields, out, err);
}

bool rl_replay_decision_decode(rl_codec *codec, rl_record_kind kind, rl_bytes framed, rl_arena *arena,
                               rl_replay_decision *ret, rl_error *err) {
    avro_value_t value;
    if (!rl_codec_decode(codec, kind, framed, &value, err)) {
        return false;
    }
    rl_avro_in in = {.arena = arena, .err = err};
    *ret = (rl_replay_decision){.replay = ""};
    rl_avro_get_text(&in, &value, "replay", &ret->replay);
    rl_avro_get_long(&in, &value, "generation", &ret->generation);
    rl_avro_get_long(&in, &value, time_field(kind), &ret->decided_us);
    avro_value_decref(&value);
    return !in.failed;
}
