#include "lib/codec/result.h"

#include "lib/codec/avro_value.h"
#include "lib/codec/submission_fields.h"

/* ---- Writing ---- */

static void write_output(rl_avro_out *out, avro_value_t *record, const char *name, const rl_output *output) {
    avro_value_t value = rl_avro_inner(out, record, name);
    rl_avro_set_bytes(out, &value, "bytes", output->bytes);
    rl_avro_set_bool(out, &value, "truncated", output->truncated);
}

static void write_tests(rl_avro_out *out, avro_value_t *record, const rl_finished *f) {
    avro_value_t array = rl_avro_inner(out, record, "tests");
    for (size_t i = 0; i < f->test_count && !out->failed; i++) {
        const rl_test_result *test = &f->tests[i];
        avro_value_t item = rl_avro_append(out, &array);
        rl_avro_set_symbol(out, &item, "verdict", rl_verdict_name(test->verdict));
        rl_avro_set_symbol(out, &item, "limitHit", rl_limit_name(test->limit_hit));
        rl_avro_set_maybe_int(out, &item, "exitCode", test->has_exit_code, test->exit_code);
        rl_avro_set_maybe_int(out, &item, "signal", test->has_signal, test->signal);
        write_output(out, &item, "stdout", &test->out);
        write_output(out, &item, "stderr", &test->err);
        rl_avro_set_long(out, &item, "cpuMicros", test->cpu_us);
        rl_avro_set_long(out, &item, "wallMicros", test->wall_us);
        rl_avro_set_long(out, &item, "memoryBytes", test->memory_bytes);
        rl_avro_set_symbol(out, &item, "skipped", rl_test_skip_name(test->skipped));
    }
}

static void write_finished(rl_avro_out *out, avro_value_t *record, const rl_finished *f) {
    rl_avro_set_text(out, record, "id", f->id);
    rl_avro_set_long(out, record, "generation", f->generation);
    rl_avro_set_int(out, record, "attempt", f->attempt);
    rl_avro_set_text(out, record, "runner", f->runner);
    rl_avro_set_symbol(out, record, "verdict", rl_verdict_name(f->verdict));
    rl_avro_set_symbol(out, record, "limitHit", rl_limit_name(f->limit_hit));
    rl_avro_set_text(out, record, "message", f->message);
    rl_avro_set_maybe_int(out, record, "exitCode", f->has_exit_code, f->exit_code);
    rl_avro_set_maybe_int(out, record, "signal", f->has_signal, f->signal);
    write_output(out, record, "stdout", &f->out);
    write_output(out, record, "stderr", &f->err);
    write_output(out, record, "compileOutput", &f->compile);
    rl_avro_set_files(out, record, "fetched", f->fetched, f->fetched_count);
    rl_avro_set_long(out, record, "cpuMicros", f->cpu_us);
    rl_avro_set_long(out, record, "wallMicros", f->wall_us);
    rl_avro_set_long(out, record, "memoryBytes", f->memory_bytes);
    write_tests(out, record, f);
    avro_value_t submission = rl_avro_branch(out, record, "submission", f->submission != NULL);
    if (f->submission && !out->failed) {
        rl_submission_to_value(out, &submission, f->submission);
    }
    rl_avro_set_text(out, record, "imageDigest", f->image_digest);
    rl_avro_set_long(out, record, "queuedAt", f->queued_us);
    rl_avro_set_long(out, record, "startedAt", f->started_us);
    rl_avro_set_long(out, record, "finishedAt", f->finished_us);
}

bool rl_finished_encode(rl_codec *codec, const rl_finished *finished, rl_buffer *out, rl_error *err) {
    avro_value_t value;
    rl_avro_out fields = {false};
    if (!rl_codec_new_value(codec, RL_RECORD_FINISHED, &value, err)) {
        return false;
    }
    write_finished(&fields, &value, finished);
    bool fine = !fields.failed
                    ? rl_codec_encode(codec, RL_RECORD_FINISHED, &value, RL_FINISHED_MAX_BYTES, out, err)
                    : rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    avro_value_decref(&value);
    return fine;
}

rl_finished_standing rl_finished_standing_of(const rl_finished *finished) {
    if (finished->generation <= 0) {
        return RL_STANDING_VISIBLE;
    }
    if (!finished->submission || finished->verdict == RL_VERDICT_SYSTEM_ERROR ||
        finished->verdict == RL_VERDICT_CANCELLED) {
        return RL_STANDING_NONE;
    }
    return finished->submission->held ? RL_STANDING_HELD : RL_STANDING_VISIBLE;
}

bool rl_started_encode(rl_codec *codec, const rl_started *started, rl_buffer *out, rl_error *err) {
    avro_value_t value;
    rl_avro_out fields = {false};
    if (!rl_codec_new_value(codec, RL_RECORD_STARTED, &value, err)) {
        return false;
    }
    rl_avro_set_text(&fields, &value, "id", started->id);
    rl_avro_set_long(&fields, &value, "generation", started->generation);
    rl_avro_set_int(&fields, &value, "attempt", started->attempt);
    rl_avro_set_text(&fields, &value, "runner", started->runner);
    rl_avro_set_long(&fields, &value, "startedAt", started->started_us);
    bool fine = !fields.failed
                    ? rl_codec_encode(codec, RL_RECORD_STARTED, &value, RL_FINISHED_MAX_BYTES, out, err)
                    : rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    avro_value_decref(&value);
    return fine;
}

/* ---- Reading. Symbols that this build does not know are read as the defaults of the enums. ---- */

static void read_output(rl_avro_in *in, avro_value_t *record, const char *name, rl_output *ret) {
    avro_value_t value;
    if (rl_avro_field(in, record, name, &value)) {
        rl_avro_get_bytes(in, &value, "bytes", &ret->bytes);
        rl_avro_get_bool(in, &value, "truncated", &ret->truncated);
    }
}

static void read_verdict(rl_avro_in *in, avro_value_t *record, rl_verdict *ret_verdict, rl_limit *ret_limit) {
    const char *verdict = rl_avro_get_symbol(in, record, "verdict");
    const char *limit = rl_avro_get_symbol(in, record, "limitHit");
    *ret_verdict = RL_VERDICT_SYSTEM_ERROR;
    *ret_limit = RL_LIMIT_NONE;
    if (verdict) {
        (void)rl_verdict_parse(verdict, ret_verdict); /* unknown: the default stands */
    }
    if (limit) {
        (void)rl_limit_parse(limit, ret_limit); /* unknown: the default stands */
    }
}

static void read_test(rl_avro_in *in, avro_value_t *item, void *slot) {
    rl_test_result *test = slot;
    read_verdict(in, item, &test->verdict, &test->limit_hit);
    rl_avro_get_maybe_int(in, item, "exitCode", &test->has_exit_code, &test->exit_code);
    rl_avro_get_maybe_int(in, item, "signal", &test->has_signal, &test->signal);
    read_output(in, item, "stdout", &test->out);
    read_output(in, item, "stderr", &test->err);
    rl_avro_get_long(in, item, "cpuMicros", &test->cpu_us);
    rl_avro_get_long(in, item, "wallMicros", &test->wall_us);
    rl_avro_get_long(in, item, "memoryBytes", &test->memory_bytes);
    const char *skipped = rl_avro_get_symbol(in, item, "skipped");
    if (skipped) {
        (void)rl_test_skip_parse(skipped, &test->skipped); /* unknown: the default stands */
    }
}

static const rl_submission *read_submission(rl_avro_in *in, avro_value_t *record) {
    avro_value_t field, branch;
    if (!rl_avro_field(in, record, "submission", &field) ||
        avro_value_get_current_branch(&field, &branch) != 0 || avro_value_get_type(&branch) != AVRO_RECORD) {
        return NULL;
    }
    rl_submission *submission = rl_arena_alloc(in->arena, sizeof *submission);
    if (!submission) {
        in->failed = true;
        rl_error_set(in->err, RL_TRANSIENT, 0, "out of memory");
        return NULL;
    }
    rl_submission_from_value(in, &branch, submission);
    return submission;
}

static void read_finished(rl_avro_in *in, avro_value_t *record, rl_finished *ret) {
    *ret = (rl_finished){.id = "", .attempt = 1, .runner = "", .message = "", .image_digest = ""};
    rl_avro_get_text(in, record, "id", &ret->id);
    rl_avro_get_long(in, record, "generation", &ret->generation);
    rl_avro_get_int(in, record, "attempt", &ret->attempt);
    rl_avro_get_text(in, record, "runner", &ret->runner);
    read_verdict(in, record, &ret->verdict, &ret->limit_hit);
    rl_avro_get_text(in, record, "message", &ret->message);
    rl_avro_get_maybe_int(in, record, "exitCode", &ret->has_exit_code, &ret->exit_code);
    rl_avro_get_maybe_int(in, record, "signal", &ret->has_signal, &ret->signal);
    read_output(in, record, "stdout", &ret->out);
    read_output(in, record, "stderr", &ret->err);
    read_output(in, record, "compileOutput", &ret->compile);
    ret->fetched = rl_avro_get_files(in, record, "fetched", &ret->fetched_count);
    rl_avro_get_long(in, record, "cpuMicros", &ret->cpu_us);
    rl_avro_get_long(in, record, "wallMicros", &ret->wall_us);
    rl_avro_get_long(in, record, "memoryBytes", &ret->memory_bytes);
    ret->tests = rl_avro_get_items(in, record, "tests", sizeof(rl_test_result), read_test, &ret->test_count);
    ret->submission = read_submission(in, record);
    rl_avro_get_text(in, record, "imageDigest", &ret->image_digest);
    rl_avro_get_long(in, record, "queuedAt", &ret->queued_us);
    rl_avro_get_long(in, record, "startedAt", &ret->started_us);
    rl_avro_get_long(in, record, "finishedAt", &ret->finished_us);
}

bool rl_finished_decode(rl_codec *codec, rl_bytes framed, rl_arena *arena, rl_finished *ret, rl_error *err) {
    avro_value_t value;
    if (!rl_codec_decode(codec, RL_RECORD_FINISHED, framed, &value, err)) {
        return false;
    }
    rl_avro_in in = {.arena = arena, .err = err};
    read_finished(&in, &value, ret);
    avro_value_decref(&value);
    return !in.failed;
}

bool rl_started_decode(rl_codec *codec, rl_bytes framed, rl_arena *arena, rl_started *ret, rl_error *err) {
    avro_value_t value;
    if (!rl_codec_decode(codec, RL_RECORD_STARTED, framed, &value, err)) {
        return false;
    }
    rl_avro_in in = {.arena = arena, .err = err};
    *ret = (rl_started){.id = "", .attempt = 1, .runner = ""};
    rl_avro_get_text(&in, &value, "id", &ret->id);
    rl_avro_get_long(&in, &value, "generation", &ret->generation);
    rl_avro_get_int(&in, &value, "attempt", &ret->attempt);
    rl_avro_get_text(&in, &value, "runner", &ret->runner);
    rl_avro_get_long(&in, &value, "startedAt", &ret->started_us);
    avro_value_decref(&value);
    return !in.failed;
}
