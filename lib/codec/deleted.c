#include "lib/codec/deleted.h"

#include "lib/codec/avro_value.h"

bool rl_deleted_encode(rl_codec *codec, const rl_deleted *deleted, rl_buffer *out, rl_error *err) {
    avro_value_t value;
    rl_avro_out fields = {false};
    if (!rl_codec_new_value(codec, RL_RECORD_DELETED, &value, err)) {
        return false;
    }
    rl_avro_set_text(&fields, &value, "id", deleted->id);
    rl_avro_set_text(&fields, &value, "tenant", deleted->tenant);
    rl_avro_set_long(&fields, &value, "deletedAt", deleted->deleted_us);
    bool fine = !fields.failed
                    ? rl_codec_encode(codec, RL_RECORD_DELETED, &value, RL_DELETED_MAX_BYTES, out, err)
                    : rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    avro_value_decref(&value);
    return fine;
}

bool rl_deleted_decode(rl_codec *codec, rl_bytes framed, rl_arena *arena, rl_deleted *ret, rl_error *err) {
    avro_value_t value;
    if (!rl_codec_decode(codec, RL_RECORD_DELETED, framed, &value, err)) {
        return false;
    }
    rl_avro_in in = {.arena = arena, .err = err};
    *ret = (rl_deleted){.id = "", .tenant = ""};
    rl_avro_get_text(&in, &value, "id", &ret->id);
    rl_avro_get_text(&in, &value, "tenant", &ret->tenant);
    rl_avro_get_long(&in, &value, "deletedAt", &ret->deleted_us);
    avro_value_decref(&value);
    return !in.failed;
}
