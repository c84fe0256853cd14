/* submission_in.c: see submission_in.h. */
#include "services/api/submission_in.h"

#include <jansson.h>

#include "services/api/client_lanes.h"
#include "services/api/submission_in_parts.h"

/* jansson's integers are 64 bits and it refuses longer ones, even in a field that nobody reads; as reals
 * they pass. NUL is allowed in strings because programs may contain it. */
#define PARSE_FLAGS (JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL)

#define ARRAYS_BYTES (1024 * 1024)

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

static bool refuse_language(rl_buffer *problem, rl_bytes lang, const rl_manifests *manifests) {
    (void)rl_buffer_append_text(problem, "Unknown language ");
    rl_json_in_quote(problem, lang);
    const size_t count = rl_manifests_count(manifests);
    for (size_t i = 0; i < count; i++) {
        (void)rl_buffer_append_text(problem, i ? ", " : "; known: ");
        (void)rl_buffer_append_text(problem, rl_manifests_at(manifests, i)->name);
    }
    return false;
}

bool rl_submission_in_no_memory(rl_buffer *problem) {
    return refuse(problem, "Out of memory");
}

static bool is_empty_string(const rl_json_in *field) {
    return rl_json_in_is_absent(field) ||
           (json_is_string(field->value) && json_string_length(field->value) == 0);
}

static bool is_empty_array(const rl_json_in *field) {
    return rl_json_in_is_absent(field) || (json_is_array(field->value) && json_array_size(field->value) == 0);
}

/* The fields of the first version, and with them what the others are read by. */
static bool read_program(const rl_json_in *root, const rl_manifests *manifests, rl_submission *submission,
                         const rl_manifest **ret_manifest, rl_buffer *problem) {
    const rl_json_in code = rl_json_in_member(root, "code");
    const rl_json_in lang = rl_json_in_member(root, "lang");
    const rl_json_in input = rl_json_in_member(root, "stdInput");
    const rl_json_in files = rl_json_in_member(root, "files");
    rl_bytes name;
    if ((is_empty_string(&code) && is_empty_array(&files)) || is_empty_string(&lang)) {
        return refuse(problem, RL_SUBMISSION_IN_REQUIRED);
    }
    if (!rl_json_in_string(&code, &submission->source, problem) ||
        !rl_json_in_string(&lang, &name, problem) ||
        !rl_json_in_string(&input, &submission->input, problem)) {
        return false;
    }
    *ret_manifest = rl_manifests_find(manifests, name);
    return *ret_manifest || refuse_language(problem, name, manifests);
}

static bool read_fields(const rl_json_in *root, const rl_manifests *manifests, const rl_limits *maxima,
                        rl_arena *arena, rl_submission *submission, rl_buffer *problem) {
    const rl_manifest *manifest = NULL;
    if (!json_is_object(root->value)) {
        (void)rl_buffer_printf(problem, "The body must be a JSON object, not %s",
                               rl_json_in_type(root->value));
        return false;
    }
    *submission = (rl_submission){.id = "", .tenant = "", .entry_point = ""};
    if (!read_program(root, manifests, submission, &manifest, problem)) {
        return false;
    }
    submission->lang = manifest->name;
    return rl_submission_in_tests(root, arena, submission, problem) &&
           rl_submission_in_files(root, manifest, arena, submission, problem) &&
           rl_submission_in_command(root, manifest, arena, submission, problem) &&
           rl_submission_in_limits(root, manifest, maxima, submission, problem);
}

static bool read_lane(const rl_json_in *root, rl_lane *ret, rl_buffer *problem) {
    const rl_json_in field = rl_json_in_member(root, "lane");
    size_t lane = RL_LANE_INTERACTIVE;
    if (!rl_json_in_word(&field, rl_client_lane_names, RL_CLIENT_LANES, &lane, problem)) {
        return false;
    }
    *ret = (rl_lane)lane;
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

/* Well-formed JSON of a size that is safe to take apart, or NULL. */
static json_t *parse_guarded(rl_bytes body, const char *blank, rl_buffer *problem) {
    if (is_blank(body)) {
        refuse(problem, blank);
        return NULL;
    }
    return guard(body, problem) ? parse(body, problem) : NULL;
}

/* `document` is taken over. What is decoded is smaller than the body, which has `bytes`; arrays have some hundred
 * elements at most, and chunks some waste. */
static bool read_document(json_t *document, size_t bytes, const rl_manifests *manifests,
                          const rl_limits *maxima, rl_submission_in *ret, rl_buffer *problem) {
    ret->document = document;
    ret->arena = rl_arena_new(bytes + ARRAYS_BYTES);
    const rl_json_in root = rl_json_in_root(document);
    const bool read = ret->arena
                          ? read_fields(&root, manifests, maxima, ret->arena, &ret->submission, problem) &&
                                read_lane(&root, &ret->lane, problem)
                          : rl_submission_in_no_memory(problem);
    if (!read) {
        rl_submission_in_free(ret);
    }
    return read;
}

bool rl_submission_in_parse(rl_bytes body, const rl_manifests *manifests, const rl_limits *maxima,
                            rl_submission_in *ret, rl_buffer *problem) {
    *ret = (rl_submission_in)RL_SUBMISSION_IN_INIT;
    json_t *document = parse_guarded(body, RL_SUBMISSION_IN_REQUIRED, problem);
    return document && read_document(document, body.size, manifests, maxima, ret, problem);
}

void rl_submission_in_free(rl_submission_in *in) {
    json_decref(in->document);
    rl_arena_free(in->arena);
    in->document = NULL;
    in->arena = NULL;
}

/* --- a batch --- */

static const json_t *elements(const json_t *document) {
    return json_is_object(document) ? json_object_get(document, "submissions") : document;
}

bool rl_submission_list_parse(rl_bytes body, rl_submission_list *ret, rl_buffer *problem) {
    static const char wanted[] =
        "The body must be an array of submissions, or an object with one in \"submissions\"";
    *ret = (rl_submission_list)RL_SUBMISSION_LIST_INIT;
    json_t *document = parse_guarded(body, wanted, problem);
    if (!document) {
        return false;
    }
    const json_t *array = elements(document);
    const size_t count = json_array_size(array); /* 0 of anything else */
    if (!json_is_array(array) || count == 0 || count > RL_SUBMISSION_LIST_MAX) {
        if (json_is_array(array)) {
            (void)rl_buffer_printf(problem, "A batch must have 1 to %d submissions, not %zu",
                                   RL_SUBMISSION_LIST_MAX, count);
        } else {
            refuse(problem, wanted);
        }
        json_decref(document);
        return false;
    }
    *ret = (rl_submission_list){.document = document, .bytes = body.size, .count = count};
    return true;
}

void rl_submission_list_free(rl_submission_list *list) {
    json_decref(list->document);
    list->document = NULL;
}

bool rl_submission_list_at(const rl_submission_list *list, size_t index, const rl_manifests *manifests,
                           const rl_limits *maxima, rl_submission_in *ret, rl_buffer *problem) {
    *ret = (rl_submission_in)RL_SUBMISSION_IN_INIT;
    json_t *element = json_array_get(elements(list->document), index);
    return read_document(json_incref(element), list->bytes, manifests, maxima, ret, problem);
}
