#include "lib/codec/avro_value.h"

#include <string.h>

#include "lib/base/utf8.h"

static void fail(rl_avro_in *in, const char *name, const char *what) {
    if (!in->failed) {
        in->failed = true;
        rl_error_set(in->err, RL_INVALID, 0, "field %s: %s", name, what);
    }
}

bool rl_avro_field(rl_avro_in *in, avro_value_t *record, const char *name, avro_value_t *ret_field) {
    return !in->failed && avro_value_get_by_name(record, name, ret_field, NULL) == 0;
}

void rl_avro_get_long(rl_avro_in *in, avro_value_t *record, const char *name, int64_t *ret) {
    avro_value_t field;
    if (rl_avro_field(in, record, name, &field) && avro_value_get_long(&field, ret) != 0) {
        fail(in, name, "is no long");
    }
}

void rl_avro_get_int(rl_avro_in *in, avro_value_t *record, const char *name, int32_t *ret) {
    avro_value_t field;
    if (rl_avro_field(in, record, name, &field) && avro_value_get_int(&field, ret) != 0) {
        fail(in, name, "is no int");
    }
}

void rl_avro_get_double(rl_avro_in *in, avro_value_t *record, const char *name, double *ret) {
    avro_value_t field;
    if (rl_avro_field(in, record, name, &field) && avro_value_get_double(&field, ret) != 0) {
        fail(in, name, "is no double");
    }
}

void rl_avro_get_bool(rl_avro_in *in, avro_value_t *record, const char *name, bool *ret) {
    avro_value_t field;
    int value = 0;
    if (!rl_avro_field(in, record, name, &field)) {
        return;
    }
    if (avro_value_get_boolean(&field, &value) != 0) {
        fail(in, name, "is no boolean");
        return;
    }
    *ret = value != 0;
}

static void copy_text(rl_avro_in *in, avro_value_t *value, const char *name, const char **ret) {
    const char *text = NULL;
    size_t size = 0; /* with the NUL */
    if (avro_value_get_string(value, &text, &size) != 0) {
        fail(in, name, "is no string");
        return;
    }
    if (size > 0 && strnlen(text, size) != size - 1) {
        fail(in, name, "holds a NUL");
        return;
    }
    const char *copy = rl_arena_copy(in->arena, text, size ? size - 1 : 0);
    if (!copy) {
        fail(in, name, "too large");
        return;
    }
    *ret = copy;
}

static void copy_bytes(rl_avro_in *in, avro_value_t *value, const char *name, rl_bytes *ret) {
    const void *data = NULL;
    size_t size = 0;
    if (avro_value_get_bytes(value, &data, &size) != 0) {
        fail(in, name, "is no bytes");
    } else if (!rl_arena_bytes(in->arena, rl_bytes_make(data, size), ret)) {
        fail(in, name, "too large");
    }
}

void rl_avro_get_text(rl_avro_in *in, avro_value_t *record, const char *name, const char **ret) {
    avro_value_t field;
    if (rl_avro_field(in, record, name, &field)) {
        copy_text(in, &field, name, ret);
    }
}

void rl_avro_get_bytes(rl_avro_in *in, avro_value_t *record, const char *name, rl_bytes *ret) {
    avro_value_t field;
    if (rl_avro_field(in, record, name, &field)) {
        copy_bytes(in, &field, name, ret);
    }
}

/* The value in a union of null and something; false where it is null, absent or no union. */
static bool maybe(rl_avro_in *in, avro_value_t *record, const char *name, avro_value_t *ret_value) {
    avro_value_t field;
    if (!rl_avro_field(in, record, name, &field)) {
        return false;
    }
    if (avro_value_get_current_branch(&field, ret_value) != 0) {
        fail(in, name, "is no union");
        return false;
    }
    return avro_value_get_type(ret_value) != AVRO_NULL;
}

void rl_avro_get_maybe_int(rl_avro_in *in, avro_value_t *record, const char *name, bool *ret_present,
                           int32_t *ret) {
    avro_value_t value;
    if (!maybe(in, record, name, &value)) {
        return;
    }
    if (avro_value_get_int(&value, ret) != 0) {
        fail(in, name, "is no int");
        return;
    }
    *ret_present = true;
}

void rl_avro_get_maybe_text(rl_avro_in *in, avro_value_t *record, const char *name, const char **ret) {
    avro_value_t value;
    if (maybe(in, record, name, &value)) {
        copy_text(in, &value, name, ret);
    }
}

void rl_avro_get_maybe_bytes(rl_avro_in *in, avro_value_t *record, const char *name, bool *ret_present,
                             rl_bytes *ret) {
    avro_value_t value;
    if (maybe(in, record, name, &value)) {
        copy_bytes(in, &value, name, ret);
        *ret_present = !in->failed;
    }
}

const char *rl_avro_get_symbol(rl_avro_in *in, avro_value_t *record, const char *name) {
    avro_value_t field;
    int index = 0;
    if (!rl_avro_field(in, record, name, &field)) {
        return NULL;
    }
    if (avro_value_get_enum(&field, &index) != 0) {
        fail(in, name, "is no enum");
        return NULL;
    }
    return avro_schema_enum_get(avro_value_get_schema(&field), index);
}

void rl_avro_get_texts(rl_avro_in *in, avro_value_t *record, const char *name, const char *const **ret,
                       size_t *ret_count) {
    avro_value_t field, item;
    size_t count = 0;
    if (!rl_avro_field(in, record, name, &field)) {
        return;
    }
    if (avro_value_get_size(&field, &count) != 0) {
        fail(in, name, "is no array");
        return;
    }
    const char **texts = rl_arena_array(in->arena, count, sizeof *texts);
    if (!texts) {
        fail(in, name, "too large");
        return;
    }
    for (size_t i = 0; i < count && !in->failed; i++) {
        if (avro_value_get_by_index(&field, i, &item, NULL) != 0) {
            fail(in, name, "cannot be read");
            return;
        }
        copy_text(in, &item, name, &texts[i]);
    }
    *ret = texts;
    *ret_count = count;
}

void *rl_avro_get_items(rl_avro_in *in, avro_value_t *record, const char *name, size_t size,
                        rl_avro_read_item read, size_t *ret_count) {
    avro_value_t field, item;
    size_t count = 0;
    if (!rl_avro_field(in, record, name, &field)) {
        return NULL;
    }
    if (avro_value_get_size(&field, &count) != 0) {
        fail(in, name, "is no array");
        return NULL;
    }
    char *items = rl_arena_array(in->arena, count, size);
    if (!items) {
        fail(in, name, "too large");
        return NULL;
    }
    for (size_t i = 0; i < count && !in->failed; i++) {
        if (avro_value_get_by_index(&field, i, &item, NULL) != 0) {
            fail(in, name, "cannot be read");
            return NULL;
        }
        read(in, &item, items + i * size);
    }
    *ret_count = count;
    return items;
}

/* ---- Writing ---- */

/* The field, or a value that every setter refuses, once something has failed. */
static bool target(rl_avro_out *out, avro_value_t *record, const char *name, avro_value_t *ret) {
    if (out->failed || avro_value_get_by_name(record, name, ret, NULL) != 0) {
        out->failed = true;
        return false;
    }
    return true;
}

static void note(rl_avro_out *out, int status) {
    if (status != 0) {
        out->failed = true;
    }
}

/* Readers in other languages refuse a string that is not UTF-8, and the whole record with it. What should not
 * be there (half a character at the end of a message that was cut, say) becomes U+FFFD. */
static void put_repaired(rl_avro_out *out, avro_value_t *value, rl_bytes text) {
    RL_AUTO_BUFFER rl_buffer repaired;
    bool replaced = false;
    rl_buffer_init(&repaired, SIZE_MAX / 4);
    if (!rl_utf8_append(&repaired, text, &replaced)) {
        out->failed = true;
        return;
    }
    /* A buffer's text ends with a NUL that its size does not count. */
    note(out, avro_value_set_string_len(value, repaired.data, repaired.size + 1));
}

static void put_text(rl_avro_out *out, avro_value_t *value, const char *text) {
    const rl_bytes bytes = rl_bytes_of(text ? text : "");
    if (!rl_utf8_valid(bytes)) {
        put_repaired(out, value, bytes);
        return;
    }
    note(out, avro_value_set_string_len(value, bytes.data, bytes.size + 1));
}

static void put_bytes(rl_avro_out *out, avro_value_t *value, rl_bytes bytes) {
    static char nothing[1];
    /* avro-c's setter takes a mutable pointer, but copies. */
    void *data = bytes.size ? (void *)(uintptr_t)bytes.data : nothing;
    note(out, avro_value_set_bytes(value, data, bytes.size));
}

void rl_avro_set_long(rl_avro_out *out, avro_value_t *record, const char *name, int64_t value) {
    avro_value_t field;
    if (target(out, record, name, &field)) {
        note(out, avro_value_set_long(&field, value));
    }
}

void rl_avro_set_int(rl_avro_out *out, avro_value_t *record, const char *name, int32_t value) {
    avro_value_t field;
    if (target(out, record, name, &field)) {
        note(out, avro_value_set_int(&field, value));
    }
}

void rl_avro_set_double(rl_avro_out *out, avro_value_t *record, const char *name, double value) {
    avro_value_t field;
    if (target(out, record, name, &field)) {
        note(out, avro_value_set_double(&field, value));
    }
}

void rl_avro_set_bool(rl_avro_out *out, avro_value_t *record, const char *name, bool value) {
    avro_value_t field;
    if (target(out, record, name, &field)) {
        note(out, avro_value_set_boolean(&field, value));
    }
}

void rl_avro_set_text(rl_avro_out *out, avro_value_t *record, const char *name, const char *value) {
    avro_value_t field;
    if (target(out, record, name, &field)) {
        put_text(out, &field, value);
    }
}

void rl_avro_set_bytes(rl_avro_out *out, avro_value_t *record, const char *name, rl_bytes value) {
    avro_value_t field;
    if (target(out, record, name, &field)) {
        put_bytes(out, &field, value);
    }
}

avro_value_t rl_avro_branch(rl_avro_out *out, avro_value_t *record, const char *name, bool present) {
    avro_value_t field, branch = {0};
    if (target(out, record, name, &field)) {
        note(out, avro_value_set_branch(&field, present ? 1 : 0, &branch));
        if (!present && !out->failed) {
            note(out, avro_value_set_null(&branch));
        }
    }
    return branch;
}

void rl_avro_set_maybe_int(rl_avro_out *out, avro_value_t *record, const char *name, bool present,
                           int32_t value) {
    avro_value_t branch = rl_avro_branch(out, record, name, present);
    if (present && !out->failed) {
        note(out, avro_value_set_int(&branch, value));
    }
}

void rl_avro_set_maybe_text(rl_avro_out *out, avro_value_t *record, const char *name, const char *value) {
    avro_value_t branch = rl_avro_branch(out, record, name, value != NULL);
    if (value && !out->failed) {
        put_text(out, &branch, value);
    }
}

void rl_avro_set_maybe_bytes(rl_avro_out *out, avro_value_t *record, const char *name, bool present,
                             rl_bytes value) {
    avro_value_t branch = rl_avro_branch(out, record, name, present);
    if (present && !out->failed) {
        put_bytes(out, &branch, value);
    }
}

void rl_avro_set_symbol(rl_avro_out *out, avro_value_t *record, const char *name, const char *symbol) {
    avro_value_t field;
    if (target(out, record, name, &field)) {
        note(out, avro_value_set_enum(&field,
                                      avro_schema_enum_get_by_name(avro_value_get_schema(&field), symbol)));
    }
}

avro_value_t rl_avro_inner(rl_avro_out *out, avro_value_t *record, const char *name) {
    avro_value_t field = {0};
    (void)target(out, record, name, &field); /* notes the failure itself */
    return field;
}

avro_value_t rl_avro_append(rl_avro_out *out, avro_value_t *array) {
    avro_value_t item = {0};
    if (!out->failed) {
        note(out, avro_value_append(array, &item, NULL));
    }
    return item;
}

void rl_avro_set_texts(rl_avro_out *out, avro_value_t *record, const char *name, const char *const *texts,
                       size_t count) {
    avro_value_t array = rl_avro_inner(out, record, name);
    for (size_t i = 0; i < count && !out->failed; i++) {
        avro_value_t item = rl_avro_append(out, &array);
        if (!out->failed) {
            put_text(out, &item, texts[i]);
        }
    }
}
