/* avro_value.h: avro-c's generic values, as the record modules of this folder use them: fields by name,
 * one place that remembers the first failure, so that a mapping reads as a list of its fields.
 *
 * Internal to lib/codec.
 */
#ifndef RL_CODEC_AVRO_VALUE_H
#define RL_CODEC_AVRO_VALUE_H

#include <avro.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/error.h"
#include "lib/codec/codec.h"

/* ---- Reading. A field that the writer's schema lacks leaves the default in place. ---- */

typedef struct {
    rl_arena *arena;
    rl_error *err;
    bool failed; /* once set, every further read does nothing */
} rl_avro_in;

/* The field `name` of `record`; false (and not failed) where the writer did not know it. */
bool rl_avro_field(rl_avro_in *in, avro_value_t *record, const char *name, avro_value_t *ret_field);

void rl_avro_get_long(rl_avro_in *in, avro_value_t *record, const char *name, int64_t *ret);
void rl_avro_get_int(rl_avro_in *in, avro_value_t *record, const char *name, int32_t *ret);
void rl_avro_get_double(rl_avro_in *in, avro_value_t *record, const char *name, double *ret);
void rl_avro_get_bool(rl_avro_in *in, avro_value_t *record, const char *name, bool *ret);
/* Text with a NUL inside is refused: the structs hold C strings. */
void rl_avro_get_text(rl_avro_in *in, avro_value_t *record, const char *name, const char **ret);
void rl_avro_get_bytes(rl_avro_in *in, avro_value_t *record, const char *name, rl_bytes *ret);
/* Unions of null and one type: `*ret_present` tells which. */
void rl_avro_get_maybe_int(rl_avro_in *in, avro_value_t *record, const char *name, bool *ret_present,
                           int32_t *ret);
void rl_avro_get_maybe_text(rl_avro_in *in, avro_value_t *record, const char *name, const char **ret);
void rl_avro_get_maybe_bytes(rl_avro_in *in, avro_value_t *record, const char *name, bool *ret_present,
                             rl_bytes *ret);
/* The symbol of an enum; NULL where the field is absent. */
const char *rl_avro_get_symbol(rl_avro_in *in, avro_value_t *record, const char *name);
void rl_avro_get_texts(rl_avro_in *in, avro_value_t *record, const char *name, const char *const **ret,
                       size_t *ret_count);

/* An array of records: allocates `*ret_count` elements of `size` bytes and calls `read` for each. */
typedef void (*rl_avro_read_item)(rl_avro_in *in, avro_value_t *item, void *slot);
void *rl_avro_get_items(rl_avro_in *in, avro_value_t *record, const char *name, size_t size,
                        rl_avro_read_item read, size_t *ret_count);

/* ---- Writing. The schema is our own, so a failure means that memory is short. ---- */

typedef struct {
    bool failed;
} rl_avro_out;

void rl_avro_set_long(rl_avro_out *out, avro_value_t *record, const char *name, int64_t value);
void rl_avro_set_int(rl_avro_out *out, avro_value_t *record, const char *name, int32_t value);
void rl_avro_set_double(rl_avro_out *out, avro_value_t *record, const char *name, double value);
void rl_avro_set_bool(rl_avro_out *out, avro_value_t *record, const char *name, bool value);
void rl_avro_set_text(rl_avro_out *out, avro_value_t *record, const char *name,
                      const char *value); /* NULL: "" */
void rl_avro_set_bytes(rl_avro_out *out, avro_value_t *record, const char *name, rl_bytes value);
void rl_avro_set_maybe_int(rl_avro_out *out, avro_value_t *record, const char *name, bool present,
                           int32_t value);
void rl_avro_set_maybe_text(rl_avro_out *out, avro_value_t *record, const char *name,
                            const char *value); /* NULL: null */
void rl_avro_set_maybe_bytes(rl_avro_out *out, avro_value_t *record, const char *name, bool present,
                             rl_bytes value);
void rl_avro_set_symbol(rl_avro_out *out, avro_value_t *record, const char *name, const char *symbol);
void rl_avro_set_texts(rl_avro_out *out, avro_value_t *record, const char *name, const char *const *texts,
                       size_t count);
/* The record or array in the field; the branch 1 of a union where `name` is one. */
avro_value_t rl_avro_inner(rl_avro_out *out, avro_value_t *record, const char *name);
avro_value_t rl_avro_branch(rl_avro_out *out, avro_value_t *record, const char *name, bool present);
avro_value_t rl_avro_append(rl_avro_out *out, avro_value_t *array);

/* ---- Whole records ---- */

/* Finds the writer's schema, checks the body, decodes it into `*ret_value`; the caller ends it with
 * avro_value_decref. INVALID where it is no record of that kind. */
bool rl_codec_decode(rl_codec *codec, rl_record_kind kind, rl_bytes framed, avro_value_t *ret_value,
                     rl_error *err);

/* An empty value of this build's schema for `kind`. */
bool rl_codec_new_value(rl_codec *codec, rl_record_kind kind, avro_value_t *ret_value, rl_error *err);

/* Appends header and body of `value`. INVALID where both together pass `max_bytes`. */
bool rl_codec_encode(rl_codec *codec, rl_record_kind kind, avro_value_t *value, size_t max_bytes,
                     rl_buffer *out, rl_error *err);

#endif
