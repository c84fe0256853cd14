/* fields.h: JSON objects read by tables of their fields.
 *
 * Theory of operation: a table names every field that an object may have, whether it must be there, and the
 * function that reads it. An object is walked twice: its keys against the table (an unknown one is refused by
 * name: a misspelt field must not silently mean its default), then the table against the object, in the
 * table's order, so that the same file always gives the same complaint.
 *
 * Thread: one at a time for each reader. Memory: what is read is copied into the reader's arena.
 */
#ifndef RL_MANIFEST_FIELDS_H
#define RL_MANIFEST_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/arena.h"
#include "lib/base/error.h"

/* All borrowed. */
typedef struct {
    rl_arena *arena;
    void *subject; /* what the fields belong to: the table's functions know its type */
    rl_error *err;
} rl_fields_reader;

typedef struct {
    const char *name;
    bool required;
    bool (*read)(const rl_fields_reader *r, const char *field, const json_t *value);
} rl_field;

/* Reads an object by a table of `count` fields; `prefix` goes before their names in complaints. */
bool rl_fields_read_object(const rl_fields_reader *r, const json_t *object, const char *prefix,
                           const rl_field *fields, size_t count);

/* A copy of a string of `min` to `max` bytes without control characters; NULL with `err` set otherwise. */
const char *rl_fields_read_text(const rl_fields_reader *r, const char *what, const json_t *value, size_t min,
                                size_t max);

/* A list of `min` to `max` strings, each of 1 to `bytes_max` bytes. NULL with `err` set otherwise. */
const char *const *rl_fields_read_list(const rl_fields_reader *r, const char *name, const json_t *value,
                                       size_t min, size_t max, size_t bytes_max, size_t *ret_count);

/* Always false. */
bool rl_fields_out_of_memory(const rl_fields_reader *r);

#endif
