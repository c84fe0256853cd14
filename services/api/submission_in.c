/* submission_in.c: see submission_in.h. */
#include "services/api/submission_in.h"

#include <jansson.h>

/* jansson's integers are 64 bits and it refuses longer ones, even in a field that nobody reads; as reals
 * they pass. NUL is allowed in strings because programs may contain it. */
#define PARSE_FLAGS (JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL)

static bool refuse(rl_buffer *problem, const char *text) {
    /* Failing to append leaves the sentence shorter; the status says the rest. */
    (void)rl_buffer_append_text(problem, text);
    return false;
}

/* Where `at` is: lines from 1, columns in bytes from 1. */
static bool refuse_at(rl_buffer *problem, const char *what, const char *text, size_t at) {
    unsigned long line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    (void)rl_buffer_printf(problem, "%s at line %lu, column %zu", what, line, at - line_start + 1);
    return false;
}

/* The index of the quote that ends the string whose opening quote is at `at`; `size` where none does. */
static size_t string_end(const char *text, size_t size, size_t at) {
    for (size_t i = at + 1; i < size; i++) {
        if (text[i] == '\\') {
            i++;
        } else if (text[i] == '"') {
            return i;
        }
    }
    return size;
}

/* The first pass: nesting and number of values. Says nothing about well-formedness. */
static bool guard(rl_bytes body, rl_buffer *problem) {
    const char *text = body.data;
    size_t depth = 0;
    size_t values = 0;
    for (size_t i = 0; i < body.size; i++) {
        switch (text[i]) {
        case '"':
            i = string_end(text, body.size, i);
            break;
        case '{':
        case '[':
            values++;
            if (++depth > RL_SUBMISSION_IN_MAX_DEPTH) {
                return refuse_at(problem, "JSON nested too deeply (more than 32 levels)", text, i);
            }
            break;
        case '}':
        case ']':
            depth -= depth > 0;
            break;
        case ',':
            values++;
            break;
        default:
            break;
        }
        if (values > RL_SUBMISSION_IN_MAX_VALUES) {
            return refuse_at(problem, "JSON with too many values (more than 100000)", text, i);
        }
    }
    return true;
}

static bool is_blank(rl_bytes body) {
    const char *text = body.data;
    for (size_t i = 0; i < body.size; i++) {
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n') {
            return false;
        }
    }
    return true;
}

static bool is_absent(const json_t *value) {
    return !value || json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
}

static const char *type_name(const json_t *value) {
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

/* The string in `field`; "" where it is absent. */
static bool read_string(const json_t *root, const char *field, rl_bytes *ret, rl_buffer *problem) {
    const json_t *value = json_object_get(root, field);
    *ret = rl_bytes_of("");
    if (is_absent(value)) {
        return true;
    }
    if (!json_is_string(value)) {
        (void)rl_buffer_printf(problem, "Field \"%s\" must be a string, not %s", field, type_name(value));
        return false;
    }
    *ret = rl_bytes_make(json_string_value(value), json_string_length(value));
    return true;
}

static bool refuse_language(rl_buffer *problem, rl_bytes lang, const rl_manifests *manifests) {
    const size_t shown = lang.size < 64 ? lang.size : 64;
    (void)rl_buffer_append_text(problem, "Unknown language \"");
    (void)rl_buffer_append(problem, lang.data, shown);
    (void)rl_buffer_append_text(problem, shown < lang.size ? "...\"" : "\"");
    const size_t count = rl_manifests_count(manifests);
    for (size_t i = 0; i < count; i++) {
        (void)rl_buffer_append_text(problem, i ? ", " : "; known: ");
        (void)rl_buffer_append_text(problem, rl_manifests_at(manifests, i)->name);
    }
    return false;
}

static void fill(rl_submission *submission, const rl_manifest *manifest) {
    submission->id = "";
    submission->tenant = "";
    submission->lang = manifest->name;
    submission->entry_point = "";
    submission->limits = manifest->limits;
}

static bool read_fields(const json_t *root, const rl_manifests *manifests, rl_submission *submission,
                        rl_buffer *problem) {
    if (!json_is_object(root)) {
        (void)rl_buffer_printf(problem, "The body must be a JSON object, not %s", type_name(root));
        return false;
    }
    if (is_absent(json_object_get(root, "code")) || is_absent(json_object_get(root, "lang"))) {
        return refuse(problem, RL_SUBMISSION_IN_REQUIRED);
    }
    rl_bytes lang;
    if (!read_string(root, "code", &submission->source, problem) ||
        !read_string(root, "lang", &lang, problem) ||
        !read_string(root, "stdInput", &submission->input, problem)) {
        return false;
    }
    const rl_manifest *manifest = rl_manifests_find(manifests, lang);
    if (!manifest) {
        return refuse_language(problem, lang, manifests);
    }
    fill(submission, manifest);
    return true;
}

static json_t *parse(rl_bytes body, rl_buffer *problem) {
    json_error_t error;
    json_t *root = json_loadb(body.data, body.size, PARSE_FLAGS, &error);
    if (!root) {
        (void)rl_buffer_printf(problem, "Malformed JSON at line %d, column %d: %s", error.line, error.column,
                               error.text);
    }
    return root;
}

bool rl_submission_in_parse(rl_bytes body, const rl_manifests *manifests, rl_submission_in *ret,
                            rl_buffer *problem) {
    *ret = (rl_submission_in){.document = NULL};
    if (is_blank(body)) {
        return refuse(problem, RL_SUBMISSION_IN_REQUIRED);
    }
    if (!guard(body, problem)) {
        return false;
    }
    json_t *root = parse(body, problem);
    if (!root) {
        return false;
    }
    ret->document = root;
    if (!read_fields(root, manifests, &ret->submission, problem)) {
        rl_submission_in_free(ret);
        return false;
    }
    return true;
}

void rl_submission_in_free(rl_submission_in *in) {
    json_decref(in->document);
    in->document = NULL;
}
