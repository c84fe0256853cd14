/* fields.c: see fields.h. */
#include "lib/manifest/fields.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

bool rl_fields_out_of_memory(const rl_fields_reader *r) {
    return rl_error_set(r->err, RL_TRANSIENT, 0, "out of memory");
}

static bool is_printable(const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* A copy of a string of `min` to `max` bytes without control characters; NULL with `err` set otherwise. */
const char *rl_fields_read_text(const rl_fields_reader *r, const char *what, const json_t *value, size_t min,
                                size_t max) {
    if (!json_is_string(value)) {
        rl_error_set(r->err, RL_INVALID, 0, "%s: must be a string", what);
        return NULL;
    }
    size_t size = json_string_length(value);
    const char *text = json_string_value(value);
    if (size < min || size > max || !is_printable(text)) {
        rl_error_set(r->err, RL_INVALID, 0, "%s: must be %zu to %zu bytes without control characters", what,
                     min, max);
        return NULL;
    }
    const char *copy = rl_arena_copy(r->arena, text, size);
    if (copy == NULL) {
        rl_fields_out_of_memory(r);
    }
    return copy;
}

/* A list of `min` to `max` strings into the arena. NULL with `err` set otherwise. */
const char *const *rl_fields_read_list(const rl_fields_reader *r, const char *name, const json_t *value,
                                       size_t min, size_t max, size_t bytes_max, size_t *ret_count) {
    size_t count = json_array_size(value); /* 0 for what is no array */
    if (!json_is_array(value) || count < min || count > max) {
        rl_error_set(r->err, RL_INVALID, 0, "%s: must be a list of %zu to %zu strings", name, min, max);
        return NULL;
    }
    const char **list = rl_arena_array(r->arena, count + 1, sizeof *list);
    if (list == NULL) {
        rl_fields_out_of_memory(r);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        char what[64];
        (void)snprintf(what, sizeof what, "%s[%zu]", name, i);
        list[i] = rl_fields_read_text(r, what, json_array_get(value, i), 1, bytes_max);
        if (list[i] == NULL) {
            return NULL;
        }
    }
    *ret_count = count;
    return list;
}

static const rl_field *find_field(const rl_field *fields, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

bool rl_fields_read_object(const rl_fields_reader *r, const json_t *object, const char *prefix,
                           const rl_field *fields, size_t count) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        if (find_field(fields, count, key) == NULL) {
            return rl_error_set(r->err, RL_INVALID, 0, "%s%s: unknown field", prefix, key);
        }
    }
    for (size_t i = 0; i < count; i++) {
        value = json_object_get(object, fields[i].name);
        if (value == NULL && fields[i].required) {
            return rl_error_set(r->err, RL_INVALID, 0, "%s%s: is missing", prefix, fields[i].name);
        }
        if (value != NULL && !fields[i].read(r, fields[i].name, value)) {
            return false;
        }
    }
    return true;
}
