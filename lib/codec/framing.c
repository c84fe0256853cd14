#include "lib/codec/framing.h"

#include <jansson.h>

/* The polynomial of CRC-64-AVRO, which is also the fingerprint of the empty text. */
#define EMPTY_FINGERPRINT UINT64_C(0xc15d213aa4d7a795)

static const unsigned char marker[2] = {0xc3, 0x01};

bool rl_framing_parse(rl_bytes framed, uint64_t *ret_fingerprint, rl_bytes *ret_body, rl_error *err) {
    const unsigned char *bytes = framed.data;
    if (framed.size < RL_FRAMING_HEADER_BYTES) {
        return rl_error_set(err, RL_INVALID, 0, "a framed record has %d bytes or more, this one has %zu",
                            RL_FRAMING_HEADER_BYTES, framed.size);
    }
    if (memcmp(bytes, marker, sizeof marker) != 0) {
        return rl_error_set(err, RL_INVALID, 0, "a framed record starts with c3 01, this one with %02x %02x",
                            bytes[0], bytes[1]);
    }
    uint64_t fingerprint = 0;
    for (int i = 7; i >= 0; i--) {
        fingerprint = fingerprint << 8 | bytes[sizeof marker + (size_t)i];
    }
    *ret_fingerprint = fingerprint;
    *ret_body = rl_bytes_make(bytes + RL_FRAMING_HEADER_BYTES, framed.size - RL_FRAMING_HEADER_BYTES);
    return true;
}

void rl_framing_header(uint64_t fingerprint, unsigned char out[RL_FRAMING_HEADER_BYTES]) {
    memcpy(out, marker, sizeof marker);
    for (size_t i = 0; i < 8; i++) {
        out[sizeof marker + i] = (unsigned char)(fingerprint >> (8 * i));
    }
}

/* Bit by bit instead of by table: it runs once for each schema, never for a record. */
uint64_t rl_framing_fingerprint(rl_bytes text) {
    uint64_t crc = EMPTY_FINGERPRINT;
    const unsigned char *bytes = text.data;
    for (size_t i = 0; i < text.size; i++) {
        uint64_t entry = (crc ^ bytes[i]) & 0xff;
        for (int bit = 0; bit < 8; bit++) {
            entry = (entry >> 1) ^ (EMPTY_FINGERPRINT & (0 - (entry & 1)));
        }
        crc = (crc >> 8) ^ entry;
    }
    return crc;
}

/* ---- Parsing canonical form: Avro specification, "Transforming into Parsing Canonical Form" ---- */

enum { MAX_DEPTH = 64 };

static bool write_schema(rl_buffer *out, const json_t *schema, const char *namespace, int depth);

static bool is_primitive(const char *name) {
    static const char *const names[] = {"null",  "boolean", "int",   "long",
                                        "float", "double",  "bytes", "string"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Writes "name" with its namespace (FULLNAMES). */
static bool write_name(rl_buffer *out, const char *name, const char *namespace) {
    if (is_primitive(name) || strchr(name, '.') || *namespace == '\0') {
        return rl_buffer_printf(out, "\"%s\"", name);
    }
    return rl_buffer_printf(out, "\"%s.%s\"", namespace, name);
}

static bool write_fields(rl_buffer *out, const json_t *fields, const char *namespace, int depth) {
    size_t i;
    json_t *field;
    bool fine = rl_buffer_append_text(out, ",\"fields\":[");
    json_array_foreach(fields, i, field) {
        const char *name = json_string_value(json_object_get(field, "name"));
        fine = fine && name && rl_buffer_printf(out, "%s{\"name\":\"%s\",\"type\":", i ? "," : "", name) &&
               write_schema(out, json_object_get(field, "type"), namespace, depth) &&
               rl_buffer_append_text(out, "}");
    }
    return fine && rl_buffer_append_text(out, "]");
}

static bool write_symbols(rl_buffer *out, const json_t *symbols) {
    size_t i;
    json_t *symbol;
    bool fine = rl_buffer_append_text(out, ",\"symbols\":[");
    json_array_foreach(symbols, i, symbol) {
        fine = fine && json_is_string(symbol) &&
               rl_buffer_printf(out, "%s\"%s\"", i ? "," : "", json_string_value(symbol));
    }
    return fine && rl_buffer_append_text(out, "]");
}

/* A record, an enum or a fixed: what has a name and may open a namespace. */
static bool write_named(rl_buffer *out, const json_t *schema, const char *type, const char *namespace,
                        int depth) {
    const char *name = json_string_value(json_object_get(schema, "name"));
    const json_t *own = json_object_get(schema, "namespace");
    if (!name) {
        return false;
    }
    char inner[256] = "";
    const char *dot = strrchr(name, '.');
    const char *from = dot ? name : json_is_string(own) ? json_string_value(own) : namespace;
    size_t size = dot ? (size_t)(dot - name) : strlen(from);
    if (size >= sizeof inner) {
        return false;
    }
    memcpy(inner, from, size);
    bool fine = rl_buffer_append_text(out, "{\"name\":") && write_name(out, name, inner) &&
                rl_buffer_printf(out, ",\"type\":\"%s\"", type);
    if (strcmp(type, "record") == 0) {
        fine = fine && write_fields(out, json_object_get(schema, "fields"), inner, depth);
    } else if (strcmp(type, "enum") == 0) {
        fine = fine && write_symbols(out, json_object_get(schema, "symbols"));
    } else {
        long long bytes = json_integer_value(json_object_get(schema, "size"));
        fine = fine && rl_buffer_printf(out, ",\"size\":%lld", bytes);
    }
    return fine && rl_buffer_append_text(out, "}");
}

static bool write_object(rl_buffer *out, const json_t *schema, const char *namespace, int depth) {
    const json_t *type = json_object_get(schema, "type");
    const char *name = json_string_value(type);
    if (!name) {
        return write_schema(out, type, namespace, depth); /* {"type": {...}} */
    }
    if (strcmp(name, "record") == 0 || strcmp(name, "enum") == 0 || strcmp(name, "fixed") == 0) {
        return write_named(out, schema, name, namespace, depth);
    }
    if (strcmp(name, "array") == 0 || strcmp(name, "map") == 0) {
        const char *part = strcmp(name, "array") == 0 ? "items" : "values";
        return rl_buffer_printf(out, "{\"type\":\"%s\",\"%s\":", name, part) &&
               write_schema(out, json_object_get(schema, part), namespace, depth) &&
               rl_buffer_append_text(out, "}");
    }
    return write_name(out, name, namespace); /* PRIMITIVES, and {"type": "Name"} */
}

static bool write_schema(rl_buffer *out, const json_t *schema, const char *namespace, int depth) {
    if (depth > MAX_DEPTH) {
        return false;
    }
    if (json_is_string(schema)) {
        return write_name(out, json_string_value(schema), namespace);
    }
    if (json_is_object(schema)) {
        return write_object(out, schema, namespace, depth + 1);
    }
    if (!json_is_array(schema)) {
        return false;
    }
    size_t i;
    json_t *branch;
    bool fine = rl_buffer_append_text(out, "[");
    json_array_foreach(schema, i, branch) {
        fine = fine && (i == 0 || rl_buffer_append_text(out, ",")) &&
               write_schema(out, branch, namespace, depth + 1);
    }
    return fine && rl_buffer_append_text(out, "]");
}

bool rl_framing_canonical_form(rl_bytes schema_json, rl_buffer *out, rl_error *err) {
    json_error_t where;
    json_t *schema = json_loadb(schema_json.data, schema_json.size, JSON_DECODE_ANY, &where);
    if (!schema) {
        return rl_error_set(err, RL_INVALID, 0, "schema is no JSON: line %d: %.100s", where.line, where.text);
    }
    bool fine = write_schema(out, schema, "", 0);
    json_decref(schema);
    return fine || rl_error_set(err, RL_INVALID, 0, "not an Avro schema");
}
