#include "lib/codec/avro_check.h"

#include <stdint.h>

enum { MAX_DEPTH = 32 };

typedef struct {
    const unsigned char *at, *end;
    size_t elements; /* of arrays and maps so far */
} cursor;

static bool walk(cursor *c, avro_schema_t schema, int depth);

/* A zig-zag varint of at most 10 bytes. */
static bool read_long(cursor *c, int64_t *ret_value) {
    uint64_t raw = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (c->at == c->end) {
            return false;
        }
        unsigned char byte = *c->at++;
        if (shift == 63 && byte > 1) {
            return false;
        }
        raw |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret_value = (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
            return true;
        }
    }
    return false;
}

static bool skip(cursor *c, int64_t size) {
    if (size < 0 || size > c->end - c->at) {
        return false;
    }
    c->at += size;
    return true;
}

static bool walk_sized(cursor *c) {
    int64_t size = 0;
    return read_long(c, &size) && skip(c, size);
}

static bool walk_index(cursor *c, int64_t count) {
    int64_t index = 0;
    return read_long(c, &index) && index >= 0 && index < count;
}

static bool walk_union(cursor *c, avro_schema_t schema, int depth) {
    int64_t branch = 0;
    return read_long(c, &branch) && branch >= 0 && branch < (int64_t)avro_schema_union_size(schema) &&
           walk(c, avro_schema_union_branch(schema, (int)branch), depth);
}

static bool walk_record(cursor *c, avro_schema_t schema, int depth) {
    size_t count = avro_schema_record_size(schema);
    for (size_t i = 0; i < count; i++) {
        if (!walk(c, avro_schema_record_field_get_by_index(schema, (int)i), depth)) {
            return false;
        }
    }
    return true;
}

/* Arrays and maps come in blocks; a negative count is followed by the block's size in bytes. */
static bool walk_blocks(cursor *c, avro_schema_t items, bool keyed, int depth) {
    for (;;) {
        int64_t count = 0, size = 0;
        if (!read_long(c, &count)) {
            return false;
        }
        if (count == 0) {
            return true;
        }
        if (count < 0 && (count < -RL_AVRO_MAX_ELEMENTS || !read_long(c, &size))) {
            return false;
        }
        size_t elements = (size_t)(count < 0 ? -count : count);
        if (elements > RL_AVRO_MAX_ELEMENTS - c->elements) {
            return false;
        }
        c->elements += elements;
        for (size_t i = 0; i < elements; i++) {
            if ((keyed && !walk_sized(c)) || !walk(c, items, depth)) {
                return false;
            }
        }
    }
}

static bool walk(cursor *c, avro_schema_t schema, int depth) {
    int64_t ignored = 0;
    if (depth > MAX_DEPTH) {
        return false;
    }
    switch (avro_typeof(schema)) {
    case AVRO_NULL:
        return true;
    case AVRO_BOOLEAN:
        return c->at < c->end && *c->at <= 1 && skip(c, 1);
    case AVRO_INT32:
        return read_long(c, &ignored) && ignored >= INT32_MIN && ignored <= INT32_MAX;
    case AVRO_INT64:
        return read_long(c, &ignored);
    case AVRO_FLOAT:
        return skip(c, 4);
    case AVRO_DOUBLE:
        return skip(c, 8);
    case AVRO_BYTES:
    case AVRO_STRING:
        return walk_sized(c);
    case AVRO_FIXED:
        return skip(c, avro_schema_fixed_size(schema));
    case AVRO_ENUM:
        return walk_index(c, avro_schema_enum_number_of_symbols(schema));
    case AVRO_UNION:
        return walk_union(c, schema, depth + 1);
    case AVRO_RECORD:
        return walk_record(c, schema, depth + 1);
    case AVRO_ARRAY:
        return walk_blocks(c, avro_schema_array_items(schema), false, depth + 1);
    case AVRO_MAP:
        return walk_blocks(c, avro_schema_map_values(schema), true, depth + 1);
    case AVRO_LINK:
        return walk(c, avro_schema_link_target(schema), depth + 1);
    default:
        return false;
    }
}

bool rl_avro_check(avro_schema_t schema, rl_bytes body, rl_error *err) {
    static const unsigned char nothing[1];
    const unsigned char *start = body.data ? body.data : nothing;
    cursor c = {.at = start, .end = start + body.size};
    if (!walk(&c, schema, 0)) {
        return rl_error_set(err, RL_INVALID, 0, "the record's body is damaged near byte %zu of %zu",
                            (size_t)(c.at - start), body.size);
    }
    if (c.at != c.end) {
        return rl_error_set(err, RL_INVALID, 0, "%zu bytes follow the record's body", (size_t)(c.end - c.at));
    }
    return true;
}
