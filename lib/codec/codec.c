#include "lib/codec/codec.h"

#include <avro.h>
#include <errno.h>
#include <pthread.h>

#include "lib/codec/avro_check.h"
#include "lib/codec/avro_value.h"
#include "lib/codec/embedded_schemas.h"
#include "lib/codec/framing.h"

enum { CANONICAL_LIMIT = 1024 * 1024 };

/* A schema, from when it was learnt until the codec ends: entries are only ever added. */
typedef struct schema_entry {
    struct schema_entry *next;
    uint64_t fingerprint;
    rl_record_kind kind;
    char *json;
    size_t json_size;
    avro_schema_t schema;
    avro_value_iface_t *generic;
} schema_entry;

struct rl_codec {
    pthread_rwlock_t lock; /* guards the list's head */
    schema_entry *entries;
    const schema_entry
        *own[RL_RECORD_COUNT]; /* what this build writes; set before anybody else sees the codec */
};

static const char *const kind_names[RL_RECORD_COUNT] = {
    [RL_RECORD_SUBMISSION] = "Submission", [RL_RECORD_FINISHED] = "Finished", [RL_RECORD_STARTED] = "Started",
    [RL_RECORD_CANCEL] = "Cancel",         [RL_RECORD_DELETED] = "Deleted",   [RL_RECORD_APPLIED] = "Applied",
    [RL_RECORD_DISCARDED] = "Discarded",   [RL_RECORD_REPLAY] = "Replay",     [RL_RECORD_CLAIM] = "Claim",
    [RL_RECORD_RUNNER] = "Runner",
};

static void entry_free(schema_entry *entry) {
    if (entry->generic) {
        avro_value_iface_decref(entry->generic);
    }
    if (entry->schema) {
        avro_schema_decref(entry->schema);
    }
    free(entry->json);
    free(entry);
}

RL_DEFINE_CLEANUP(entry_slot, schema_entry, entry_free)

static bool find_kind(avro_schema_t schema, rl_record_kind *ret_kind) {
    const char *name = avro_typeof(schema) == AVRO_RECORD ? avro_schema_name(schema) : "";
    for (int i = 0; i < RL_RECORD_COUNT; i++) {
        if (strcmp(name, kind_names[i]) == 0) {
            *ret_kind = (rl_record_kind)i;
            return true;
        }
    }
    return false;
}

static schema_entry *entry_new(rl_bytes json, rl_error *err) {
    RL_AUTO_BUFFER rl_buffer canonical;
    rl_buffer_init(&canonical, CANONICAL_LIMIT);
    if (!rl_framing_canonical_form(json, &canonical, err)) {
        return NULL;
    }
    RL_CLEANUP(entry_slot) schema_entry *entry = calloc(1, sizeof *entry);
    if (!entry || !(entry->json = malloc(json.size + 1))) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    memcpy(entry->json, json.data, json.size);
    entry->json[json.size] = '\0';
    entry->json_size = json.size;
    entry->fingerprint = rl_framing_fingerprint(rl_buffer_bytes(&canonical));
    if (avro_schema_from_json_length(entry->json, json.size, &entry->schema) != 0) {
        rl_error_set(err, RL_INVALID, 0, "avro-c does not take the schema");
        return NULL;
    }
    if (!find_kind(entry->schema, &entry->kind)) {
        rl_error_set(err, RL_INVALID, 0, "the schema describes none of Runlog's records");
        return NULL;
    }
    entry->generic = avro_generic_class_from_schema(entry->schema);
    if (!entry->generic) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    return RL_STEAL(entry);
}

static const schema_entry *find(rl_codec *codec, uint64_t fingerprint) {
    pthread_rwlock_rdlock(&codec->lock);
    const schema_entry *entry = codec->entries;
    while (entry && entry->fingerprint != fingerprint) {
        entry = entry->next;
    }
    pthread_rwlock_unlock(&codec->lock);
    return entry;
}

/* Adds the schema unless it is there; returns the entry that stays. */
static const schema_entry *learn(rl_codec *codec, rl_bytes json, rl_error *err) {
    RL_CLEANUP(entry_slot) schema_entry *entry = entry_new(json, err);
    if (!entry) {
        return NULL;
    }
    pthread_rwlock_wrlock(&codec->lock);
    schema_entry *known = codec->entries;
    while (known && known->fingerprint != entry->fingerprint) {
        known = known->next;
    }
    if (!known) {
        entry->next = codec->entries;
        codec->entries = known = RL_STEAL(entry);
    }
    pthread_rwlock_unlock(&codec->lock);
    return known;
}

bool rl_codec_learn(rl_codec *codec, rl_bytes schema_json, rl_error *err) {
    return learn(codec, schema_json, err) != NULL;
}

rl_codec *rl_codec_new(rl_error *err) {
    RL_AUTO_CODEC rl_codec *codec = calloc(1, sizeof *codec);
    if (!codec) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    pthread_rwlock_init(&codec->lock, NULL);
    for (size_t i = 0; i < rl_embedded_schema_count; i++) {
        const rl_embedded_schema *schema = &rl_embedded_schemas[i];
        const schema_entry *entry = learn(codec, rl_bytes_of(schema->json), err);
        if (!entry) {
            rl_error_prefix(err, "schemas/%s", schema->path);
            if (err) {
                err->error_class = RL_FATAL;
            }
            return NULL;
        }
        if (schema->current) {
            codec->own[entry->kind] = entry;
        }
    }
    for (int kind = 0; kind < RL_RECORD_COUNT; kind++) {
        if (!codec->own[kind]) {
            rl_error_set(err, RL_FATAL, 0, "schemas/%s.avsc is not compiled in", kind_names[kind]);
            return NULL;
        }
    }
    return RL_STEAL(codec);
}

void rl_codec_free(rl_codec *codec) {
    if (!codec) {
        return;
    }
    for (schema_entry *entry = codec->entries; entry;) {
        schema_entry *next = entry->next;
        entry_free(entry);
        entry = next;
    }
    pthread_rwlock_destroy(&codec->lock);
    free(codec);
}

rl_bytes rl_codec_schema(const rl_codec *codec, rl_record_kind kind, uint64_t *ret_fingerprint) {
    const schema_entry *entry = codec->own[kind];
    *ret_fingerprint = entry->fingerprint;
    return rl_bytes_make(entry->json, entry->json_size);
}

static const schema_entry *writer_of(rl_codec *codec, rl_bytes framed, rl_bytes *ret_body, rl_error *err) {
    uint64_t fingerprint = 0;
    if (!rl_framing_parse(framed, &fingerprint, ret_body, err)) {
        return NULL;
    }
    const schema_entry *entry = find(codec, fingerprint);
    if (!entry) {
        rl_error_set(err, RL_INVALID, 0, "no schema is known with the fingerprint %016llx",
                     (unsigned long long)fingerprint);
    }
    return entry;
}

bool rl_codec_kind(rl_codec *codec, rl_bytes framed, rl_record_kind *ret_kind, rl_error *err) {
    rl_bytes body;
    const schema_entry *entry = writer_of(codec, framed, &body, err);
    if (entry) {
        *ret_kind = entry->kind;
    }
    return entry != NULL;
}

static bool read_body(const schema_entry *entry, rl_bytes body, avro_value_t *ret_value, rl_error *err) {
    if (avro_generic_value_new(entry->generic, ret_value) != 0) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
    }
    avro_reader_t reader = avro_reader_memory(body.data, (int64_t)body.size);
    int status = reader ? avro_value_read(reader, ret_value) : ENOMEM;
    if (reader) {
        avro_reader_free(reader);
    }
    if (status != 0) {
        avro_value_decref(ret_value);
        return status == ENOMEM ? rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory")
                                : rl_error_set(err, RL_INVALID, 0, "avro-c cannot read the record's body");
    }
    return true;
}

bool rl_codec_decode(rl_codec *codec, rl_record_kind kind, rl_bytes framed, avro_value_t *ret_value,
                     rl_error *err) {
    rl_bytes body;
    const schema_entry *entry = writer_of(codec, framed, &body, err);
    if (!entry) {
        return false;
    }
    if (entry->kind != kind) {
        return rl_error_set(err, RL_INVALID, 0, "expected a %s, got a %s", kind_names[kind],
                            kind_names[entry->kind]);
    }
    if (!rl_avro_check(entry->schema, body, err) || !read_body(entry, body, ret_value, err)) {
        return rl_error_prefix(err, "%s", kind_names[kind]);
    }
    return true;
}

bool rl_codec_new_value(rl_codec *codec, rl_record_kind kind, avro_value_t *ret_value, rl_error *err) {
    if (avro_generic_value_new(codec->own[kind]->generic, ret_value) != 0) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
    }
    return true;
}

static bool write_body(avro_value_t *value, char *to, size_t size) {
    avro_writer_t writer = avro_writer_memory(to, (int64_t)size);
    bool fine = writer && avro_value_write(writer, value) == 0;
    if (writer) {
        avro_writer_free(writer);
    }
    return fine;
}

bool rl_codec_encode(rl_codec *codec, rl_record_kind kind, avro_value_t *value, size_t max_bytes,
                     rl_buffer *out, rl_error *err) {
    size_t size = 0;
    if (avro_value_sizeof(value, &size) != 0) {
        return rl_error_set(err, RL_INVALID, 0, "avro-c cannot write the record");
    }
    if (size > max_bytes - RL_FRAMING_HEADER_BYTES) {
        return rl_error_set(err, RL_INVALID, EMSGSIZE,
                            "the %s would have %zu bytes encoded, at most %zu are allowed", kind_names[kind],
                            size + RL_FRAMING_HEADER_BYTES, max_bytes);
    }
    unsigned char header[RL_FRAMING_HEADER_BYTES];
    rl_framing_header(codec->own[kind]->fingerprint, header);
    size_t before = out->size;
    char *to = rl_buffer_append(out, header, sizeof header) ? rl_buffer_reserve(out, size) : NULL;
    if (!to || !write_body(value, to, size)) {
        out->size = before;
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
    }
    rl_buffer_advance(out, size);
    return true;
}
