#include "lib/codec/submission.h"

#include <errno.h>

#include "lib/codec/avro_value.h"
#include "lib/codec/submission_fields.h"

/* ---- Writing ---- */

static void write_phase(rl_avro_out *out, avro_value_t *limits, const char *name,
                        const rl_phase_limits *phase) {
    avro_value_t value = rl_avro_inner(out, limits, name);
    rl_avro_set_long(out, &value, "cpuMicros", phase->cpu_us);
    rl_avro_set_long(out, &value, "wallMicros", phase->wall_us);
    rl_avro_set_long(out, &value, "memoryBytes", phase->memory_bytes);
}

static void write_limits(rl_avro_out *out, avro_value_t *record, const rl_limits *limits) {
    avro_value_t value = rl_avro_inner(out, record, "limits");
    write_phase(out, &value, "compile", &limits->compile);
    write_phase(out, &value, "run", &limits->run);
    rl_avro_set_long(out, &value, "outputBytes", limits->output_bytes);
    rl_avro_set_long(out, &value, "fileBytes", limits->file_bytes);
    rl_avro_set_long(out, &value, "stackBytes", limits->stack_bytes);
    rl_avro_set_long(out, &value, "processes", limits->processes);
    rl_avro_set_long(out, &value, "openFiles", limits->open_files);
}

void rl_avro_set_files(rl_avro_out *out, avro_value_t *record, const char *name, const rl_file *files,
                       size_t count) {
    avro_value_t array = rl_avro_inner(out, record, name);
    for (size_t i = 0; i < count && !out->failed; i++) {
        avro_value_t item = rl_avro_append(out, &array);
        rl_avro_set_text(out, &item, "path", files[i].path);
        rl_avro_set_bytes(out, &item, "content", files[i].content);
        rl_avro_set_symbol(out, &item, "format", rl_file_format_name(files[i].format));
        rl_avro_set_text(out, &item, "problem", files[i].problem);
    }
}

static void write_tests(rl_avro_out *out, avro_value_t *record, const rl_submission *s) {
    avro_value_t array = rl_avro_inner(out, record, "tests");
    for (size_t i = 0; i < s->test_count && !out->failed; i++) {
        avro_value_t item = rl_avro_append(out, &array);
        rl_avro_set_bytes(out, &item, "input", s->tests[i].input);
        rl_avro_set_maybe_bytes(out, &item, "expectedOutput", s->tests[i].has_expected, s->tests[i].expected);
    }
}

static void write_comparison(rl_avro_out *out, avro_value_t *record, const rl_comparison *comparison) {
    avro_value_t value = rl_avro_inner(out, record, "comparison");
    rl_avro_set_symbol(out, &value, "mode", rl_comparison_mode_name(comparison->mode));
    rl_avro_set_double(out, &value, "absolute", comparison->absolute);
    rl_avro_set_double(out, &value, "relative", comparison->relative);
}

void rl_submission_to_value(rl_avro_out *out, avro_value_t *record, const rl_submission *s) {
    rl_avro_set_text(out, record, "id", s->id);
    rl_avro_set_long(out, record, "generation", s->generation);
    rl_avro_set_text(out, record, "tenant", s->tenant);
    rl_avro_set_text(out, record, "lang", s->lang);
    rl_avro_set_bytes(out, record, "source", s->source);
    rl_avro_set_bytes(out, record, "input", s->input);
    rl_avro_set_files(out, record, "files", s->files, s->file_count);
    rl_avro_set_text(out, record, "entryPoint", s->entry_point);
    rl_avro_set_texts(out, record, "args", s->args, s->arg_count);
    rl_avro_set_texts(out, record, "compileOptions", s->compile_options, s->compile_option_count);
    write_tests(out, record, s);
    rl_avro_set_bool(out, record, "stopAtFirstFailure", s->stop_at_first_failure);
    write_comparison(out, record, &s->comparison);
    rl_avro_set_texts(out, record, "fetchFiles", s->fetch_files, s->fetch_file_count);
    write_limits(out, record, &s->limits);
    rl_avro_set_long(out, record, "createdAt", s->created_us);
    rl_avro_set_long(out, record, "deadline", s->deadline_us);
    rl_avro_set_maybe_text(out, record, "callback", s->callback);
    rl_avro_set_bool(out, record, "cacheable", s->cacheable);
    rl_avro_set_maybe_text(out, record, "traceparent", s->traceparent);
    rl_avro_set_bool(out, record, "held", s->held);
}

bool rl_submission_encode(rl_codec *codec, const rl_submission *submission, rl_buffer *out, rl_error *err) {
    avro_value_t value;
    rl_avro_out fields = {false};
    if (!rl_codec_new_value(codec, RL_RECORD_SUBMISSION, &value, err)) {
        return false;
    }
    rl_submission_to_value(&fields, &value, submission);
    bool fine = !fields.failed
                    ? rl_codec_encode(codec, RL_RECORD_SUBMISSION, &value, RL_SUBMISSION_MAX_BYTES, out, err)
                    : rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    avro_value_decref(&value);
    return fine;
}

/* ---- Reading ---- */

static void read_phase(rl_avro_in *in, avro_value_t *limits, const char *name, rl_phase_limits *ret) {
    avro_value_t value;
    if (rl_avro_field(in, limits, name, &value)) {
        rl_avro_get_long(in, &value, "cpuMicros", &ret->cpu_us);
        rl_avro_get_long(in, &value, "wallMicros", &ret->wall_us);
        rl_avro_get_long(in, &value, "memoryBytes", &ret->memory_bytes);
    }
}

static void read_limits(rl_avro_in *in, avro_value_t *record, rl_limits *ret) {
    avro_value_t value;
    if (rl_avro_field(in, record, "limits", &value)) {
        read_phase(in, &value, "compile", &ret->compile);
        read_phase(in, &value, "run", &ret->run);
        rl_avro_get_long(in, &value, "outputBytes", &ret->output_bytes);
        rl_avro_get_long(in, &value, "fileBytes", &ret->file_bytes);
        rl_avro_get_long(in, &value, "stackBytes", &ret->stack_bytes);
        rl_avro_get_long(in, &value, "processes", &ret->processes);
        rl_avro_get_long(in, &value, "openFiles", &ret->open_files);
    }
}

static void read_file(rl_avro_in *in, avro_value_t *item, void *slot) {
    rl_file *file = slot;
    *file = (rl_file){.path = "", .problem = ""};
    rl_avro_get_text(in, item, "path", &file->path);
    rl_avro_get_bytes(in, item, "content", &file->content);
    const char *format = rl_avro_get_symbol(in, item, "format");
    file->format = format ? rl_file_format_parse(format) : RL_FILE_PLAIN;
    rl_avro_get_text(in, item, "problem", &file->problem);
}

const rl_file *rl_avro_get_files(rl_avro_in *in, avro_value_t *record, const char *name, size_t *ret_count) {
    return rl_avro_get_items(in, record, name, sizeof(rl_file), read_file, ret_count);
}

static void read_test(rl_avro_in *in, avro_value_t *item, void *slot) {
    rl_test *test = slot;
    rl_avro_get_bytes(in, item, "input", &test->input);
    rl_avro_get_maybe_bytes(in, item, "expectedOutput", &test->has_expected, &test->expected);
}

static void read_comparison(rl_avro_in *in, avro_value_t *record, rl_comparison *ret) {
    avro_value_t value;
    if (rl_avro_field(in, record, "comparison", &value)) {
        const char *mode = rl_avro_get_symbol(in, &value, "mode");
        ret->mode = mode ? rl_comparison_mode_parse(mode) : RL_COMPARE_TRIMMED;
        rl_avro_get_double(in, &value, "absolute", &ret->absolute);
        rl_avro_get_double(in, &value, "relative", &ret->relative);
    }
}

void rl_submission_from_value(rl_avro_in *in, avro_value_t *record, rl_submission *ret) {
    *ret = (rl_submission){.id = "", .tenant = "", .lang = "", .entry_point = ""};
    rl_avro_get_text(in, record, "id", &ret->id);
    rl_avro_get_long(in, record, "generation", &ret->generation);
    rl_avro_get_text(in, record, "tenant", &ret->tenant);
    rl_avro_get_text(in, record, "lang", &ret->lang);
    rl_avro_get_bytes(in, record, "source", &ret->source);
    rl_avro_get_bytes(in, record, "input", &ret->input);
    ret->files = rl_avro_get_files(in, record, "files", &ret->file_count);
    rl_avro_get_text(in, record, "entryPoint", &ret->entry_point);
    rl_avro_get_texts(in, record, "args", &ret->args, &ret->arg_count);
    rl_avro_get_texts(in, record, "compileOptions", &ret->compile_options, &ret->compile_option_count);
    ret->tests = rl_avro_get_items(in, record, "tests", sizeof(rl_test), read_test, &ret->test_count);
    rl_avro_get_bool(in, record, "stopAtFirstFailure", &ret->stop_at_first_failure);
    read_comparison(in, record, &ret->comparison);
    rl_avro_get_texts(in, record, "fetchFiles", &ret->fetch_files, &ret->fetch_file_count);
    read_limits(in, record, &ret->limits);
    rl_avro_get_long(in, record, "createdAt", &ret->created_us);
    rl_avro_get_long(in, record, "deadline", &ret->deadline_us);
    rl_avro_get_maybe_text(in, record, "callback", &ret->callback);
    rl_avro_get_bool(in, record, "cacheable", &ret->cacheable);
    rl_avro_get_maybe_text(in, record, "traceparent", &ret->traceparent);
    rl_avro_get_bool(in, record, "held", &ret->held);
}

bool rl_submission_decode(rl_codec *codec, rl_bytes framed, rl_arena *arena, rl_submission *ret,
                          rl_error *err) {
    /* A codec of Kafka's lets far more through than the broker's limit says. */
    if (framed.size > RL_SUBMISSION_MAX_BYTES) {
        return rl_error_set(err, RL_INVALID, EMSGSIZE, "Submission: a record of %zu bytes is larger than %d",
                            framed.size, RL_SUBMISSION_MAX_BYTES);
    }
    avro_value_t value;
    if (!rl_codec_decode(codec, RL_RECORD_SUBMISSION, framed, &value, err)) {
        return false;
    }
    rl_avro_in in = {.arena = arena, .err = err};
    rl_submission_from_value(&in, &value, ret);
    avro_value_decref(&value);
    return !in.failed;
}
