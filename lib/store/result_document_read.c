/* result_document_read.c: from the document back to the record.
 *
 * The reader remembers the first field that was missing or of another type and goes on; the caller then
 * gets one error that names it. Fields are read strictly: the sink is the only writer, and a document
 * that does not look like one of its own is better reported than half understood.
 */
#include <stdio.h>
#include <string.h>

#include "lib/store/result_document.h"

typedef struct {
    rl_arena *arena;
    const char *bad_field; /* the first that was not as expected; a literal */
    bool no_memory;
} reader;

static bool bad(reader *r, const char *key) {
    if (!r->bad_field) {
        r->bad_field = key;
    }
    return false;
}

static bool find(reader *r, const bson_t *from, const char *key, bson_iter_t *it) {
    return bson_iter_init_find(it, from, key) || bad(r, key);
}

/* Fields that came later: documents of earlier builds lack them, and get what Avro's default says. */
static bool has(const bson_t *from, const char *key) {
    return bson_has_field(from, key);
}

static bool get_bool(reader *r, const bson_t *from, const char *key) {
    bson_iter_t it;
    if (!find(r, from, key, &it)) {
        return false;
    }
    return BSON_ITER_HOLDS_BOOL(&it) ? bson_iter_bool(&it) : bad(r, key);
}

/* Integers of either width: a tool that edits a document may have changed it. */
static int64_t get_int64(reader *r, const bson_t *from, const char *key) {
    bson_iter_t it;
    if (!find(r, from, key, &it)) {
        return 0;
    }
    if (!BSON_ITER_HOLDS_INT(&it)) {
        bad(r, key);
        return 0;
    }
    return bson_iter_as_int64(&it);
}

static int32_t get_int32(reader *r, const bson_t *from, const char *key) {
    int64_t value = get_int64(r, from, key);
    if (value < INT32_MIN || value > INT32_MAX) {
        bad(r, key);
        return 0;
    }
    return (int32_t)value;
}

static int32_t get_optional_int32(reader *r, const bson_t *from, const char *key, bool *ret_present) {
    bson_iter_t it;
    *ret_present = false;
    if (!find(r, from, key, &it) || BSON_ITER_HOLDS_NULL(&it)) {
        return 0;
    }
    *ret_present = true;
    return get_int32(r, from, key);
}

static const char *copy_text(reader *r, const char *key, const bson_iter_t *it) {
    if (!BSON_ITER_HOLDS_UTF8(it)) {
        bad(r, key);
        return "";
    }
    uint32_t size = 0;
    const char *text = bson_iter_utf8(it, &size);
    char *copy = rl_arena_copy(r->arena, text, size);
    r->no_memory |= !copy;
    return copy ? copy : "";
}

static const char *get_text(reader *r, const bson_t *from, const char *key) {
    bson_iter_t it;
    return find(r, from, key, &it) ? copy_text(r, key, &it) : "";
}

static const char *get_optional_text(reader *r, const bson_t *from, const char *key) {
    bson_iter_t it;
    if (!find(r, from, key, &it) || BSON_ITER_HOLDS_NULL(&it)) {
        return NULL;
    }
    return copy_text(r, key, &it);
}

static rl_bytes copy_bytes(reader *r, const char *key, const bson_iter_t *it) {
    rl_bytes copy = {"", 0};
    if (!BSON_ITER_HOLDS_BINARY(it)) {
        bad(r, key);
        return copy;
    }
    uint32_t size = 0;
    const uint8_t *data = NULL;
    bson_iter_binary(it, NULL, &size, &data);
    r->no_memory |= !rl_arena_bytes(r->arena, rl_bytes_make(data, size), &copy);
    return copy;
}

static rl_bytes get_bytes(reader *r, const bson_t *from, const char *key) {
    bson_iter_t it;
    return find(r, from, key, &it) ? copy_bytes(r, key, &it) : (rl_bytes){"", 0};
}

static rl_output get_output(reader *r, const bson_t *from, const char *key, const char *truncated_key) {
    return (rl_output){.bytes = get_bytes(r, from, key), .truncated = get_bool(r, from, truncated_key)};
}

/* Names of a newer build read as the enum's default, as they do from Avro. */
static rl_verdict get_verdict(reader *r, const bson_t *from) {
    rl_verdict verdict = RL_VERDICT_SYSTEM_ERROR;
    return rl_verdict_parse(get_text(r, from, "verdict"), &verdict) ? verdict : RL_VERDICT_SYSTEM_ERROR;
}

static rl_limit get_limit(reader *r, const bson_t *from) {
    rl_limit limit = RL_LIMIT_NONE;
    return rl_limit_parse(get_text(r, from, "limitHit"), &limit) ? limit : RL_LIMIT_NONE;
}

/* Opens the array `key` for iteration and allocates its elements, `size` bytes each. NULL where there is
 * none to fill; `*ret_count` is 0 then. */
static void *open_array(reader *r, const bson_t *from, const char *key, size_t size, bson_iter_t *ret_items,
                        size_t *ret_count) {
    bson_iter_t it, counting;
    *ret_count = 0;
    if (!find(r, from, key, &it)) {
        return NULL;
    }
    if (!BSON_ITER_HOLDS_ARRAY(&it) || !bson_iter_recurse(&it, &counting) ||
        !bson_iter_recurse(&it, ret_items)) {
        bad(r, key);
        return NULL;
    }
    size_t count = 0;
    while (bson_iter_next(&counting)) {
        count++;
    }
    void *elements = count > 0 ? rl_arena_array(r->arena, count, size) : NULL;
    r->no_memory |= count > 0 && !elements;
    *ret_count = elements ? count : 0;
    return elements;
}

/* Views the document under `it`; an empty one where it is none, so that reading can go on to its error. */
static void open_document(reader *r, const char *key, const bson_iter_t *it, bson_t *ret_document) {
    const uint8_t *data = NULL;
    uint32_t size = 0;
    if (BSON_ITER_HOLDS_DOCUMENT(it)) {
        bson_iter_document(it, &size, &data);
        if (bson_init_static(ret_document, data, size)) {
            return;
        }
    }
    bad(r, key);
    bson_init(ret_document);
}

static const char *const *get_texts(reader *r, const bson_t *from, const char *key, size_t *ret_count) {
    bson_iter_t it;
    const char **texts = open_array(r, from, key, sizeof *texts, &it, ret_count);
    for (size_t i = 0; i < *ret_count && bson_iter_next(&it); i++) {
        texts[i] = copy_text(r, key, &it);
    }
    return texts;
}

static const rl_file *get_files(reader *r, const bson_t *from, const char *key, size_t *ret_count) {
    bson_iter_t it;
    rl_file *files = open_array(r, from, key, sizeof *files, &it, ret_count);
    for (size_t i = 0; i < *ret_count && bson_iter_next(&it); i++) {
        bson_t item;
        open_document(r, key, &it, &item);
        files[i].path = get_text(r, &item, "path");
        files[i].content = get_bytes(r, &item, "content");
        files[i].problem = has(&item, "problem") ? get_text(r, &item, "problem") : "";
        files[i].format =
            has(&item, "format") ? rl_file_format_parse(get_text(r, &item, "format")) : RL_FILE_PLAIN;
        bson_destroy(&item);
    }
    return files;
}

static const rl_test *get_tests(reader *r, const bson_t *from, size_t *ret_count) {
    bson_iter_t it, expected;
    rl_test *tests = open_array(r, from, "tests", sizeof *tests, &it, ret_count);
    for (size_t i = 0; i < *ret_count && bson_iter_next(&it); i++) {
        bson_t item;
        open_document(r, "tests", &it, &item);
        tests[i].input = get_bytes(r, &item, "input");
        tests[i].has_expected = bson_iter_init_find(&expected, &item, "expectedOutput");
        if (tests[i].has_expected) {
            tests[i].expected = copy_bytes(r, "expectedOutput", &expected);
        }
        bson_destroy(&item);
    }
    return tests;
}

static double get_double(reader *r, const bson_t *from, const char *key) {
    bson_iter_t it;
    if (!find(r, from, key, &it)) {
        return 0;
    }
    if (!BSON_ITER_HOLDS_NUMBER(&it)) {
        bad(r, key);
        return 0;
    }
    return bson_iter_as_double(&it);
}

static rl_comparison get_comparison(reader *r, const bson_t *from) {
    bson_iter_t it;
    rl_comparison comparison = {.mode = RL_COMPARE_TRIMMED};
    if (bson_iter_init_find(&it, from, "comparison")) {
        bson_t child;
        open_document(r, "comparison", &it, &child);
        comparison.mode = rl_comparison_mode_parse(get_text(r, &child, "mode"));
        comparison.absolute = get_double(r, &child, "absolute");
        comparison.relative = get_double(r, &child, "relative");
        bson_destroy(&child);
    }
    return comparison;
}

static rl_phase_limits get_phase(reader *r, const bson_t *from, const char *key) {
    bson_iter_t it;
    rl_phase_limits phase = {0, 0, 0};
    if (find(r, from, key, &it)) {
        bson_t child;
        open_document(r, key, &it, &child);
        phase = (rl_phase_limits){.cpu_us = get_int64(r, &child, "cpuUs"),
                                  .wall_us = get_int64(r, &child, "wallUs"),
                                  .memory_bytes = get_int64(r, &child, "memoryBytes")};
        bson_destroy(&child);
    }
    return phase;
}

static void get_limits(reader *r, const bson_t *from, rl_limits *limits) {
    bson_iter_t it;
    if (!find(r, from, "limits", &it)) {
        return;
    }
    bson_t child;
    open_document(r, "limits", &it, &child);
    limits->compile = get_phase(r, &child, "compile");
    limits->run = get_phase(r, &child, "run");
    limits->output_bytes = get_int64(r, &child, "outputBytes");
    limits->file_bytes = get_int64(r, &child, "fileBytes");
    limits->stack_bytes = get_int64(r, &child, "stackBytes");
    limits->processes = get_int64(r, &child, "processes");
    limits->open_files = get_int64(r, &child, "openFiles");
    bson_destroy(&child);
}

static void get_submission_fields(reader *r, const bson_t *from, rl_submission *submission) {
    submission->tenant = get_text(r, from, "tenant");
    submission->lang = get_text(r, from, "lang");
    submission->source = get_bytes(r, from, "source");
    submission->input = get_bytes(r, from, "input");
    submission->files = get_files(r, from, "files", &submission->file_count);
    submission->entry_point = get_text(r, from, "entryPoint");
    submission->args = get_texts(r, from, "args", &submission->arg_count);
    submission->compile_options = get_texts(r, from, "compileOptions", &submission->compile_option_count);
    submission->tests = get_tests(r, from, &submission->test_count);
    submission->stop_at_first_failure =
        has(from, "stopAtFirstFailure") && get_bool(r, from, "stopAtFirstFailure");
    submission->comparison = get_comparison(r, from);
    submission->fetch_files = get_texts(r, from, "fetchFiles", &submission->fetch_file_count);
    get_limits(r, from, &submission->limits);
    submission->created_us = get_int64(r, from, "createdUs");
    submission->deadline_us = get_int64(r, from, "deadlineUs");
    submission->callback = get_optional_text(r, from, "callback");
    submission->cacheable = get_bool(r, from, "cacheable");
    submission->traceparent = get_optional_text(r, from, "traceparent");
}

static const rl_submission *get_submission(reader *r, const bson_t *from, const rl_finished *finished) {
    bson_iter_t it;
    if (!find(r, from, "submission", &it) || BSON_ITER_HOLDS_NULL(&it)) {
        return NULL;
    }
    rl_submission *submission = rl_arena_alloc(r->arena, sizeof *submission);
    if (!submission) {
        r->no_memory = true;
        return NULL;
    }
    submission->id = finished->id;
    submission->generation = finished->generation;
    bson_t child;
    open_document(r, "submission", &it, &child);
    get_submission_fields(r, &child, submission);
    bson_destroy(&child);
    return submission;
}

static rl_test_result get_test_result(reader *r, const bson_t *from) {
    rl_test_result result = {.verdict = get_verdict(r, from), .limit_hit = get_limit(r, from)};
    result.exit_code = get_optional_int32(r, from, "exitCode", &result.has_exit_code);
    result.signal = get_optional_int32(r, from, "signal", &result.has_signal);
    result.out = get_output(r, from, "stdout", "stdoutTruncated");
    result.err = get_output(r, from, "stderr", "stderrTruncated");
    result.cpu_us = get_int64(r, from, "cpuUs");
    result.wall_us = get_int64(r, from, "wallUs");
    result.memory_bytes = get_int64(r, from, "memoryBytes");
    if (has(from, "skipped")) {
        (void)rl_test_skip_parse(get_text(r, from, "skipped"), &result.skipped); /* unknown: NO */
    }
    return result;
}

static const rl_test_result *get_test_results(reader *r, const bson_t *from, size_t *ret_count) {
    bson_iter_t it;
    rl_test_result *tests = open_array(r, from, "tests", sizeof *tests, &it, ret_count);
    for (size_t i = 0; i < *ret_count && bson_iter_next(&it); i++) {
        bson_t item;
        open_document(r, "tests", &it, &item);
        tests[i] = get_test_result(r, &item);
        bson_destroy(&item);
    }
    return tests;
}

static void get_outcome(reader *r, const bson_t *from, rl_finished *finished) {
    finished->id = get_text(r, from, "_id");
    finished->generation = get_int64(r, from, "generation");
    finished->attempt = get_int32(r, from, "attempt");
    finished->runner = get_text(r, from, "runner");
    finished->verdict = get_verdict(r, from);
    finished->limit_hit = get_limit(r, from);
    finished->message = get_text(r, from, "message");
    finished->exit_code = get_optional_int32(r, from, "exitCode", &finished->has_exit_code);
    finished->signal = get_optional_int32(r, from, "signal", &finished->has_signal);
    finished->out = get_output(r, from, "stdout", "stdoutTruncated");
    finished->err = get_output(r, from, "stderr", "stderrTruncated");
    finished->compile = get_output(r, from, "compileOutput", "compileOutputTruncated");
    finished->cpu_us = get_int64(r, from, "cpuUs");
    finished->wall_us = get_int64(r, from, "wallUs");
    finished->memory_bytes = get_int64(r, from, "memoryBytes");
}

bool rl_result_document_read(const bson_t *document, rl_arena *arena, rl_finished *ret, rl_error *err) {
    reader r = {.arena = arena};
    *ret = (rl_finished){0};
    get_outcome(&r, document, ret);
    ret->tests = get_test_results(&r, document, &ret->test_count);
    ret->fetched = get_files(&r, document, "fetched", &ret->fetched_count);
    ret->submission = get_submission(&r, document, ret);
    ret->image_digest = get_text(&r, document, "imageDigest");
    ret->queued_us = get_int64(&r, document, "queuedUs");
    ret->started_us = get_int64(&r, document, "startedUs");
    ret->finished_us = get_int64(&r, document, "finishedUs");
    if (r.no_memory) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory while reading a stored result");
    }
    if (r.bad_field) {
        return rl_error_set(err, RL_INVALID, 0, "stored result: field %s is missing or of another type",
                            r.bad_field);
    }
    return true;
}

bool rl_result_document_is_deleted(const bson_t *document) {
    bson_iter_t it;
    return bson_iter_init_find(&it, document, "deleted") && BSON_ITER_HOLDS_BOOL(&it) && bson_iter_bool(&it);
}
