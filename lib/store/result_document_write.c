/* result_document_write.c: from the record to the document.
 *
 * Every append of libbson can fail only by passing the size of a BSON document (2 GiB) or for want of
 * memory, so the writer below remembers the first failure and the callers read as a list of fields.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/utf8.h"
#include "lib/store/result_document.h"

typedef struct {
    bool failed; /* an append did not fit, or memory was short */
} writer;

static int key_length(const char *key) {
    return (int)strlen(key);
}

static void put_bool(writer *w, bson_t *to, const char *key, bool value) {
    w->failed |= !bson_append_bool(to, key, key_length(key), value);
}

static void put_int64(writer *w, bson_t *to, const char *key, int64_t value) {
    w->failed |= !bson_append_int64(to, key, key_length(key), value);
}

static void put_int32(writer *w, bson_t *to, const char *key, int32_t value) {
    w->failed |= !bson_append_int32(to, key, key_length(key), value);
}

static void put_optional_int32(writer *w, bson_t *to, const char *key, bool present, int32_t value) {
    if (present) {
        put_int32(w, to, key, value);
    } else {
        w->failed |= !bson_append_null(to, key, key_length(key));
    }
}

static void put_bytes(writer *w, bson_t *to, const char *key, rl_bytes value) {
    if (value.size > INT_MAX) {
        w->failed = true;
        return;
    }
    const uint8_t *data = value.size > 0 ? value.data : (const uint8_t *)"";
    w->failed |=
        !bson_append_binary(to, key, key_length(key), BSON_SUBTYPE_BINARY, data, (uint32_t)value.size);
}

static void put_text(writer *w, bson_t *to, const char *key, const char *value) {
    rl_bytes text = rl_bytes_of(value);
    RL_AUTO_BUFFER rl_buffer repaired;
    rl_buffer_init(&repaired, INT_MAX / 2);
    if (!rl_utf8_valid(text)) {
        bool replaced;
        if (!rl_utf8_append(&repaired, text, &replaced)) {
            w->failed = true;
            return;
        }
        text = rl_buffer_bytes(&repaired);
    }
    if (text.size > INT_MAX) {
        w->failed = true;
        return;
    }
    const char *data = text.size > 0 ? text.data : "";
    w->failed |= !bson_append_utf8(to, key, key_length(key), data, (int)text.size);
}

static void put_optional_text(writer *w, bson_t *to, const char *key, const char *value) {
    if (value) {
        put_text(w, to, key, value);
    } else {
        w->failed |= !bson_append_null(to, key, key_length(key));
    }
}

static void put_date(writer *w, bson_t *to, const char *key, int64_t wall_us) {
    w->failed |= !bson_append_date_time(to, key, key_length(key), wall_us / RL_US_PER_MS);
}

static void put_time(writer *w, bson_t *to, const char *date_key, const char *us_key, int64_t wall_us) {
    put_date(w, to, date_key, wall_us);
    put_int64(w, to, us_key, wall_us);
}

static void put_output(writer *w, bson_t *to, const char *key, const char *truncated_key,
                       const rl_output *output) {
    put_bytes(w, to, key, output->bytes);
    put_bool(w, to, truncated_key, output->truncated);
}

/* Arrays. A child must be ended even after a failure, or its parent stays locked. */

static bool begin_array(writer *w, bson_t *to, const char *key, bson_t *child) {
    bool begun = bson_append_array_begin(to, key, key_length(key), child);
    w->failed |= !begun;
    return begun;
}

static void end_array(writer *w, bson_t *to, bson_t *child) {
    w->failed |= !bson_append_array_end(to, child);
}

static bool begin_document(writer *w, bson_t *to, const char *key, bson_t *child) {
    bool begun = bson_append_document_begin(to, key, key_length(key), child);
    w->failed |= !begun;
    return begun;
}

static void end_document(writer *w, bson_t *to, bson_t *child) {
    w->failed |= !bson_append_document_end(to, child);
}

#define INDEX_SIZE 24

static const char *index_key(size_t index, char out[INDEX_SIZE]) {
    snprintf(out, INDEX_SIZE, "%zu", index);
    return out;
}

static void put_texts(writer *w, bson_t *to, const char *key, const char *const *texts, size_t count) {
    bson_t array;
    if (!begin_array(w, to, key, &array)) {
        return;
    }
    char index[INDEX_SIZE];
    for (size_t i = 0; i < count && !w->failed; i++) {
        put_text(w, &array, index_key(i, index), texts[i]);
    }
    end_array(w, to, &array);
}

static void put_files(writer *w, bson_t *to, const char *key, const rl_file *files, size_t count) {
    bson_t array, item;
    if (!begin_array(w, to, key, &array)) {
        return;
    }
    char index[INDEX_SIZE];
    for (size_t i = 0; i < count && !w->failed; i++) {
        if (begin_document(w, &array, index_key(i, index), &item)) {
            put_text(w, &item, "path", files[i].path);
            put_bytes(w, &item, "content", files[i].content);
            put_text(w, &item, "format", rl_file_format_name(files[i].format));
            put_text(w, &item, "problem", files[i].problem ? files[i].problem : "");
            end_document(w, &array, &item);
        }
    }
    end_array(w, to, &array);
}

static void put_tests(writer *w, bson_t *to, const rl_test *tests, size_t count) {
    bson_t array, item;
    if (!begin_array(w, to, "tests", &array)) {
        return;
    }
    char index[INDEX_SIZE];
    for (size_t i = 0; i < count && !w->failed; i++) {
        if (begin_document(w, &array, index_key(i, index), &item)) {
            put_bytes(w, &item, "input", tests[i].input);
            if (tests[i].has_expected) {
                put_bytes(w, &item, "expectedOutput", tests[i].expected);
            }
            end_document(w, &array, &item);
        }
    }
    end_array(w, to, &array);
}

static void put_double(writer *w, bson_t *to, const char *key, double value) {
    w->failed |= !bson_append_double(to, key, key_length(key), value);
}

static void put_comparison(writer *w, bson_t *to, const rl_comparison *comparison) {
    bson_t child;
    if (begin_document(w, to, "comparison", &child)) {
        put_text(w, &child, "mode", rl_comparison_mode_name(comparison->mode));
        put_double(w, &child, "absolute", comparison->absolute);
        put_double(w, &child, "relative", comparison->relative);
        end_document(w, to, &child);
    }
}

static void put_phase(writer *w, bson_t *to, const char *key, const rl_phase_limits *phase) {
    bson_t child;
    if (begin_document(w, to, key, &child)) {
        put_int64(w, &child, "cpuUs", phase->cpu_us);
        put_int64(w, &child, "wallUs", phase->wall_us);
        put_int64(w, &child, "memoryBytes", phase->memory_bytes);
        end_document(w, to, &child);
    }
}

static void put_limits(writer *w, bson_t *to, const rl_limits *limits) {
    bson_t child;
    if (begin_document(w, to, "limits", &child)) {
        put_phase(w, &child, "compile", &limits->compile);
        put_phase(w, &child, "run", &limits->run);
        put_int64(w, &child, "outputBytes", limits->output_bytes);
        put_int64(w, &child, "fileBytes", limits->file_bytes);
        put_int64(w, &child, "stackBytes", limits->stack_bytes);
        put_int64(w, &child, "processes", limits->processes);
        put_int64(w, &child, "openFiles", limits->open_files);
        end_document(w, to, &child);
    }
}

static void put_submission(writer *w, bson_t *to, const rl_submission *submission) {
    bson_t child;
    if (!submission) {
        w->failed |= !BSON_APPEND_NULL(to, "submission");
        return;
    }
    if (!begin_document(w, to, "submission", &child)) {
        return;
    }
    put_text(w, &child, "tenant", submission->tenant);
    put_text(w, &child, "lang", submission->lang);
    put_bytes(w, &child, "source", submission->source);
    put_bytes(w, &child, "input", submission->input);
    put_files(w, &child, "files", submission->files, submission->file_count);
    put_text(w, &child, "entryPoint", submission->entry_point);
    put_texts(w, &child, "args", submission->args, submission->arg_count);
    put_texts(w, &child, "compileOptions", submission->compile_options, submission->compile_option_count);
    put_tests(w, &child, submission->tests, submission->test_count);
    put_bool(w, &child, "stopAtFirstFailure", submission->stop_at_first_failure);
    put_comparison(w, &child, &submission->comparison);
    put_texts(w, &child, "fetchFiles", submission->fetch_files, submission->fetch_file_count);
    put_limits(w, &child, &submission->limits);
    put_time(w, &child, "createdAt", "createdUs", submission->created_us);
    put_time(w, &child, "deadlineAt", "deadlineUs", submission->deadline_us);
    put_optional_text(w, &child, "callback", submission->callback);
    put_bool(w, &child, "cacheable", submission->cacheable);
    put_optional_text(w, &child, "traceparent", submission->traceparent);
    end_document(w, to, &child);
}

static void put_test_result(writer *w, bson_t *to, const rl_test_result *result) {
    put_text(w, to, "verdict", rl_verdict_name(result->verdict));
    put_text(w, to, "limitHit", rl_limit_name(result->limit_hit));
    put_optional_int32(w, to, "exitCode", result->has_exit_code, result->exit_code);
    put_optional_int32(w, to, "signal", result->has_signal, result->signal);
    put_output(w, to, "stdout", "stdoutTruncated", &result->out);
    put_output(w, to, "stderr", "stderrTruncated", &result->err);
    put_int64(w, to, "cpuUs", result->cpu_us);
    put_int64(w, to, "wallUs", result->wall_us);
    put_int64(w, to, "memoryBytes", result->memory_bytes);
    put_text(w, to, "skipped", rl_test_skip_name(result->skipped));
}

static void put_test_results(writer *w, bson_t *to, const rl_test_result *tests, size_t count) {
    bson_t array, item;
    if (!begin_array(w, to, "tests", &array)) {
        return;
    }
    char index[INDEX_SIZE];
    for (size_t i = 0; i < count && !w->failed; i++) {
        if (begin_document(w, &array, index_key(i, index), &item)) {
            put_test_result(w, &item, &tests[i]);
            end_document(w, &array, &item);
        }
    }
    end_array(w, to, &array);
}

static void put_outcome(writer *w, bson_t *to, const rl_finished *finished) {
    put_int64(w, to, "generation", finished->generation);
    put_int32(w, to, "attempt", finished->attempt);
    put_text(w, to, "runner", finished->runner);
    put_text(w, to, "verdict", rl_verdict_name(finished->verdict));
    put_text(w, to, "limitHit", rl_limit_name(finished->limit_hit));
    put_text(w, to, "message", finished->message);
    put_optional_int32(w, to, "exitCode", finished->has_exit_code, finished->exit_code);
    put_optional_int32(w, to, "signal", finished->has_signal, finished->signal);
    put_output(w, to, "stdout", "stdoutTruncated", &finished->out);
    put_output(w, to, "stderr", "stderrTruncated", &finished->err);
    put_output(w, to, "compileOutput", "compileOutputTruncated", &finished->compile);
    put_int64(w, to, "cpuUs", finished->cpu_us);
    put_int64(w, to, "wallUs", finished->wall_us);
    put_int64(w, to, "memoryBytes", finished->memory_bytes);
}

static const char *problem_of_id(const char *id) {
    rl_bytes text = rl_bytes_of(id);
    return text.size == 0                                                                ? "empty"
           : text.size > RL_STORE_ID_MAX_BYTES                                           ? "too long"
           : !rl_utf8_valid(text)                                                        ? "not UTF-8"
           : strncmp(id, RL_STORE_SENTINEL_MARK, sizeof RL_STORE_SENTINEL_MARK - 1) == 0 ? "a sentinel's"
                                                                                         : NULL;
}

/* The id is the document's key: it is stored as it stands or not at all. */
static bool put_id(writer *w, bson_t *to, const char *id, rl_error *err) {
    const char *problem = problem_of_id(id);
    if (problem) {
        return rl_error_set(err, RL_INVALID, 0, "the record's id is %s", problem);
    }
    put_text(w, to, "_id", id);
    return true;
}

static bool check(const writer *w, rl_error *err) {
    return !w->failed || rl_error_set(err, RL_INVALID, 0, "the document does not fit into BSON");
}

bool rl_result_document_write(const rl_finished *finished, int64_t expires_us, bson_t *document,
                              rl_error *err) {
    writer w = {false};
    if (!put_id(&w, document, finished->id, err)) {
        return false;
    }
    put_outcome(&w, document, finished);
    put_test_results(&w, document, finished->tests, finished->test_count);
    put_files(&w, document, "fetched", finished->fetched, finished->fetched_count);
    put_submission(&w, document, finished->submission);
    put_text(&w, document, "imageDigest", finished->image_digest);
    put_time(&w, document, "queuedAt", "queuedUs", finished->queued_us);
    put_time(&w, document, "startedAt", "startedUs", finished->started_us);
    put_time(&w, document, "finishedAt", "finishedUs", finished->finished_us);
    put_date(&w, document, "expiresAt", expires_us);
    return check(&w, err);
}

bool rl_result_document_write_deleted(const char *id, int64_t expires_us, bson_t *document, rl_error *err) {
    writer w = {false};
    if (!put_id(&w, document, id, err)) {
        return false;
    }
    put_bool(&w, document, "deleted", true);
    put_date(&w, document, "expiresAt", expires_us);
    return check(&w, err);
}
