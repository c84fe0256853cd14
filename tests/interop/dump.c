/* dump.c: see the header. `path` ends in a dot or is empty. */
#include "tests/interop/dump.h"

#include <inttypes.h>
#include <string.h>

#define PATH_SIZE 256

static void dump_bytes(FILE *out, const char *path, const char *name, rl_bytes bytes) {
    fprintf(out, "%s%s=", path, name);
    for (size_t i = 0; i < bytes.size; i++) {
        fprintf(out, "%02x", ((const unsigned char *)bytes.data)[i]);
    }
    fputc('\n', out);
}

static void dump_text(FILE *out, const char *path, const char *name, const char *text) {
    if (text) {
        dump_bytes(out, path, name, rl_bytes_of(text));
    } else {
        fprintf(out, "%s%s=null\n", path, name);
    }
}

static void dump_number(FILE *out, const char *path, const char *name, int64_t number) {
    fprintf(out, "%s%s=%" PRId64 "\n", path, name, number);
}

static void dump_optional(FILE *out, const char *path, const char *name, bool present, int64_t number) {
    if (present) {
        dump_number(out, path, name, number);
    } else {
        fprintf(out, "%s%s=null\n", path, name);
    }
}

static void dump_symbol(FILE *out, const char *path, const char *name, const char *symbol) {
    fprintf(out, "%s%s=%s\n", path, name, symbol);
}

static void dump_bool(FILE *out, const char *path, const char *name, bool value) {
    dump_symbol(out, path, name, value ? "true" : "false");
}

static void dump_length(FILE *out, const char *path, const char *name, size_t count) {
    fprintf(out, "%s%s.length=%zu\n", path, name, count);
}

static void element_path(char element[PATH_SIZE], const char *path, const char *name, size_t index) {
    snprintf(element, PATH_SIZE, "%s%s[%zu].", path, name, index);
}

static void dump_texts(FILE *out, const char *path, const char *name, const char *const *texts,
                       size_t count) {
    dump_length(out, path, name, count);
    for (size_t i = 0; i < count; i++) {
        char element[PATH_SIZE];
        snprintf(element, sizeof element, "%s[%zu]", name, i);
        dump_text(out, path, element, texts[i]);
    }
}

static void dump_double(FILE *out, const char *path, const char *name, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    fprintf(out, "%s%s=%016" PRIx64 "\n", path, name, bits);
}

static void dump_files(FILE *out, const char *path, const char *name, const rl_file *files, size_t count) {
    dump_length(out, path, name, count);
    for (size_t i = 0; i < count; i++) {
        char element[PATH_SIZE];
        element_path(element, path, name, i);
        dump_text(out, element, "path", files[i].path);
        dump_bytes(out, element, "content", files[i].content);
        dump_symbol(out, element, "format", rl_file_format_name(files[i].format));
        dump_text(out, element, "problem", files[i].problem);
    }
}

static void dump_tests(FILE *out, const char *path, const rl_test *tests, size_t count) {
    dump_length(out, path, "tests", count);
    for (size_t i = 0; i < count; i++) {
        char element[PATH_SIZE];
        element_path(element, path, "tests", i);
        dump_bytes(out, element, "input", tests[i].input);
        if (tests[i].has_expected) {
            dump_bytes(out, element, "expectedOutput", tests[i].expected);
        } else {
            dump_text(out, element, "expectedOutput", NULL);
        }
    }
}

static void dump_comparison(FILE *out, const char *path, const rl_comparison *comparison) {
    dump_symbol(out, path, "comparison.mode", rl_comparison_mode_name(comparison->mode));
    dump_double(out, path, "comparison.absolute", comparison->absolute);
    dump_double(out, path, "comparison.relative", comparison->relative);
}

static void dump_phase(FILE *out, const char *path, const char *name, const rl_phase_limits *phase) {
    char inner[PATH_SIZE];
    snprintf(inner, sizeof inner, "%slimits.%s.", path, name);
    dump_number(out, inner, "cpuMicros", phase->cpu_us);
    dump_number(out, inner, "wallMicros", phase->wall_us);
    dump_number(out, inner, "memoryBytes", phase->memory_bytes);
}

static void dump_limits(FILE *out, const char *path, const rl_limits *limits) {
    dump_phase(out, path, "compile", &limits->compile);
    dump_phase(out, path, "run", &limits->run);
    dump_number(out, path, "limits.outputBytes", limits->output_bytes);
    dump_number(out, path, "limits.fileBytes", limits->file_bytes);
    dump_number(out, path, "limits.stackBytes", limits->stack_bytes);
    dump_number(out, path, "limits.processes", limits->processes);
    dump_number(out, path, "limits.openFiles", limits->open_files);
}

void dump_submission(FILE *out, const char *path, const rl_submission *s) {
    dump_text(out, path, "id", s->id);
    dump_number(out, path, "generation", s->generation);
    dump_text(out, path, "tenant", s->tenant);
    dump_text(out, path, "lang", s->lang);
    dump_bytes(out, path, "source", s->source);
    dump_bytes(out, path, "input", s->input);
    dump_files(out, path, "files", s->files, s->file_count);
    dump_text(out, path, "entryPoint", s->entry_point);
    dump_texts(out, path, "args", s->args, s->arg_count);
    dump_texts(out, path, "compileOptions", s->compile_options, s->compile_option_count);
    dump_tests(out, path, s->tests, s->test_count);
    dump_bool(out, path, "stopAtFirstFailure", s->stop_at_first_failure);
    dump_comparison(out, path, &s->comparison);
    dump_texts(out, path, "fetchFiles", s->fetch_files, s->fetch_file_count);
    dump_limits(out, path, &s->limits);
    dump_number(out, path, "createdAt", s->created_us);
    dump_number(out, path, "deadline", s->deadline_us);
    dump_text(out, path, "callback", s->callback);
    dump_bool(out, path, "cacheable", s->cacheable);
    dump_text(out, path, "traceparent", s->traceparent);
    dump_bool(out, path, "held", s->held);
}

static void dump_output(FILE *out, const char *path, const char *name, const rl_output *output) {
    char inner[PATH_SIZE];
    snprintf(inner, sizeof inner, "%s%s.", path, name);
    dump_bytes(out, inner, "bytes", output->bytes);
    dump_bool(out, inner, "truncated", output->truncated);
}

static void dump_results(FILE *out, const rl_test_result *results, size_t count) {
    dump_length(out, "", "tests", count);
    for (size_t i = 0; i < count; i++) {
        const rl_test_result *r = &results[i];
        char path[PATH_SIZE];
        element_path(path, "", "tests", i);
        dump_symbol(out, path, "verdict", rl_verdict_name(r->verdict));
        dump_symbol(out, path, "limitHit", rl_limit_name(r->limit_hit));
        dump_optional(out, path, "exitCode", r->has_exit_code, r->exit_code);
        dump_optional(out, path, "signal", r->has_signal, r->signal);
        dump_output(out, path, "stdout", &r->out);
        dump_output(out, path, "stderr", &r->err);
        dump_number(out, path, "cpuMicros", r->cpu_us);
        dump_number(out, path, "wallMicros", r->wall_us);
        dump_number(out, path, "memoryBytes", r->memory_bytes);
        dump_symbol(out, path, "skipped", rl_test_skip_name(r->skipped));
    }
}

void dump_finished(FILE *out, const rl_finished *f) {
    dump_text(out, "", "id", f->id);
    dump_number(out, "", "generation", f->generation);
    dump_number(out, "", "attempt", f->attempt);
    dump_text(out, "", "runner", f->runner);
    dump_symbol(out, "", "verdict", rl_verdict_name(f->verdict));
    dump_symbol(out, "", "limitHit", rl_limit_name(f->limit_hit));
    dump_text(out, "", "message", f->message);
    dump_optional(out, "", "exitCode", f->has_exit_code, f->exit_code);
    dump_optional(out, "", "signal", f->has_signal, f->signal);
    dump_output(out, "", "stdout", &f->out);
    dump_output(out, "", "stderr", &f->err);
    dump_output(out, "", "compileOutput", &f->compile);
    dump_files(out, "", "fetched", f->fetched, f->fetched_count);
    dump_number(out, "", "cpuMicros", f->cpu_us);
    dump_number(out, "", "wallMicros", f->wall_us);
    dump_number(out, "", "memoryBytes", f->memory_bytes);
    dump_results(out, f->tests, f->test_count);
    if (f->submission) {
        dump_submission(out, "submission.", f->submission);
    } else {
        dump_text(out, "", "submission", NULL);
    }
    dump_text(out, "", "imageDigest", f->image_digest);
    dump_number(out, "", "queuedAt", f->queued_us);
    dump_number(out, "", "startedAt", f->started_us);
    dump_number(out, "", "finishedAt", f->finished_us);
}

void dump_started(FILE *out, const rl_started *started) {
    dump_text(out, "", "id", started->id);
    dump_number(out, "", "generation", started->generation);
    dump_number(out, "", "attempt", started->attempt);
    dump_text(out, "", "runner", started->runner);
    dump_number(out, "", "startedAt", started->started_us);
}

void dump_cancel(FILE *out, const rl_cancel *cancel) {
    dump_text(out, "", "id", cancel->id);
    dump_text(out, "", "tenant", cancel->tenant);
    dump_number(out, "", "requestedAt", cancel->requested_us);
    dump_number(out, "", "generation", cancel->generation);
}
