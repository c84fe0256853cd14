#include "lib/codec/cancel.h"

#include "lib/codec/avro_value.h"

bool rl_cancel_encode(rl_codec *codec, const rl_cancel *cancel, rl_buffer *out, rl_error *err) {
    avro_value_t value;
    rl_avro_out fields = {false};
    if (!rl_codec_new_value(codec, RL_RECORD_CANCEL, &value, err)) {
        return false;
    }
    rl_avro_set_text(&fields, &value, "id", cancel->id);
    rl_avro_set_text(&fields, &value, "tenant", cancel->tenant);
    rl_avro_set_long(&fields, &value, "requestedAt", cancel->requested_us);
    rl_avro_set_long(&fields, &value, "generation", cancel->generation);
    bool fine = !fields.failed
                    ? rl_codec_encode(codec, RL_RECORD_CANCEL, &value, RL_CANCEL_MAX_BYTES, out, err)
                    : rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    avro_value_decref(&value);
    return fine;
}

bool rl_cancel_decode(rl_codec *codec, rl_bytes framed, rl_arena *arena, rl_cancel *ret, rl_error *err) {
    avro_value_t value;
    if (!rl_codec_decode(codec, RL_RECORD_CANCEL, framed, &value, err)) {
        return false;
    }
    rl_avro_in in = {.arena = arena, .err = err};
    *ret = (rl_cancel){.id = "", .tenant = ""};
    rl_avro_get_text(&in, &value, "id", &ret->id);
    rl_avro_get_text(&in, &value, "tenant", &ret->tenant);
    rl_avro_get_long(&in, &value, "requestedAt", &ret->requested_us);
    rl_avro_get_long(&in, &value, "generation", &ret->generation);
    avro_value_decref(&value);
    return !in.failed;
}
