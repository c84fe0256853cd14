/* json_in.c: see json_in.h. Failing to append to a complaint leaves it shorter; the status says the rest. */
#include "services/api/json_in.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define QUOTED_MAX 64

rl_json_in rl_json_in_root(const json_t *document) {
    return (rl_json_in){.value = document};
}

rl_json_in rl_json_in_member(const rl_json_in *object, const char *key) {
    rl_json_in member = {.value = json_object_get(object->value, key)};
    (void)snprintf(member.path, sizeof(member.path), "%.40s%s%.20s", object->path, *object->path ? "." : "",
                   key);
    return member;
}

rl_json_in rl_json_in_element(const rl_json_in *array, size_t index) {
    rl_json_in element = {.value = json_array_get(array->value, index)};
    (void)snprintf(element.path, sizeof(element.path), "%.40s[%zu]", array->path, index);
    return element;
}

bool rl_json_in_is_absent(const rl_json_in *field) {
    return !field->value || json_is_null(field->value);
}

const char *rl_json_in_type(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        break;
    }
    return "null";
}

bool rl_json_in_refuse(const rl_json_in *field, rl_buffer *problem, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)rl_buffer_printf(problem, "Field \"%s\" %s", field->path, text);
    return false;
}

void rl_json_in_quote(rl_buffer *problem, rl_bytes text) {
    const size_t shown = text.size < QUOTED_MAX ? text.size : QUOTED_MAX;
    (void)rl_buffer_append_text(problem, "\"");
    (void)rl_buffer_append(problem, text.data, shown);
    (void)rl_buffer_append_text(problem, shown < text.size ? "...\"" : "\"");
}

static bool refuse_type(const rl_json_in *field, const char *expected, rl_buffer *problem) {
    return rl_json_in_refuse(field, problem, "must be %s, not %s", expected,
                             field->value ? rl_json_in_type(field->value) : "absent");
}

bool rl_json_in_string(const rl_json_in *field, rl_bytes *ret, rl_buffer *problem) {
    *ret = rl_bytes_of("");
    if (rl_json_in_is_absent(field)) {
        return true;
    }
    if (!json_is_string(field->value)) {
        return refuse_type(field, "a string", problem);
    }
    *ret = rl_bytes_make(json_string_value(field->value), json_string_length(field->value));
    return true;
}

bool rl_json_in_text(const rl_json_in *field, size_t max, const char **ret, rl_buffer *problem) {
    rl_bytes text;
    if (!rl_json_in_string(field, &text, problem)) {
        return false;
    }
    if (memchr(text.data, '\0', text.size)) {
        return rl_json_in_refuse(field, problem, "must not hold a NUL");
    }
    if (text.size > max) {
        return rl_json_in_refuse(field, problem, "must have at most %zu bytes, not %zu", max, text.size);
    }
    *ret = text.data; /* jansson ends its strings with a NUL */
    return true;
}

bool rl_json_in_bool(const rl_json_in *field, bool *ret, rl_buffer *problem) {
    *ret = json_is_true(field->value);
    return rl_json_in_is_absent(field) || json_is_boolean(field->value) ||
           refuse_type(field, "a boolean", problem);
}

bool rl_json_in_whole(const rl_json_in *field, int64_t min, int64_t max, int64_t *ret, rl_buffer *problem) {
    if (rl_json_in_is_absent(field)) {
        return true;
    }
    if (!json_is_number(field->value)) {
        return refuse_type(field, "a number", problem);
    }
    const double number = json_number_value(field->value);
    if (number < (double)min || number > (double)max || floor(number) != number) {
        return rl_json_in_refuse(field, problem,
                                 "must be a whole number from %" PRId64 " to %" PRId64 ", not %.15g", min,
                                 max, number);
    }
    *ret = (int64_t)number;
    return true;
}

bool rl_json_in_magnitude(const rl_json_in *field, double *ret, rl_buffer *problem) {
    if (rl_json_in_is_absent(field)) {
        return true;
    }
    if (!json_is_number(field->value)) {
        return refuse_type(field, "a number", problem);
    }
    const double number = json_number_value(field->value);
    if (!(number >= 0)) {
        return rl_json_in_refuse(field, problem, "must be 0 or above, not %.15g", number);
    }
    *ret = number;
    return true;
}

bool rl_json_in_word(const rl_json_in *field, const char *const *words, size_t count, size_t *ret,
                     rl_buffer *problem) {
    rl_bytes word;
    if (rl_json_in_is_absent(field)) {
        return true;
    }
    if (!rl_json_in_string(field, &word, problem)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (rl_bytes_equal(word, rl_bytes_of(words[i]))) {
            *ret = i;
            return true;
        }
    }
    (void)rl_json_in_refuse(field, problem, "must be ");
    for (size_t i = 0; i < count; i++) {
        (void)rl_buffer_printf(problem, "%s\"%s\"", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
    }
    (void)rl_buffer_append_text(problem, ", not ");
    rl_json_in_quote(problem, word);
    return false;
}

bool rl_json_in_array(const rl_json_in *field, size_t max, size_t *ret_count, rl_buffer *problem) {
    *ret_count = 0;
    if (rl_json_in_is_absent(field)) {
        return true;
    }
    if (!json_is_array(field->value)) {
        return refuse_type(field, "an array", problem);
    }
    *ret_count = json_array_size(field->value);
    return *ret_count <= max ||
           rl_json_in_refuse(field, problem, "must have at most %zu elements, not %zu", max, *ret_count);
}

bool rl_json_in_object(const rl_json_in *field, rl_buffer *problem) {
    return rl_json_in_is_absent(field) || json_is_object(field->value) ||
           refuse_type(field, "an object", problem);
}
