/* result_out.c: see result_out.h. */
#include "services/api/result_out.h"

#include "services/api/json_out.h"

static void put_output(rl_json *json, const char *key, rl_bytes bytes) {
    rl_json_key(json, key);
    rl_json_output(json, bytes);
}

static void put_text(rl_json *json, const char *key, const char *text) {
    rl_json_key(json, key);
    rl_json_text(json, rl_bytes_of(text));
}

static void put_optional_text(rl_json *json, const char *key, const char *text) {
    rl_json_key(json, key);
    if (text) {
        rl_json_text(json, rl_bytes_of(text));
    } else {
        rl_json_null(json);
    }
}

static void put_optional(rl_json *json, const char *key, bool present, int64_t value) {
    rl_json_key(json, key);
    if (present) {
        rl_json_int(json, value);
    } else {
        rl_json_null(json);
    }
}

static void put_flag(rl_json *json, const char *key, bool value) {
    rl_json_key(json, key);
    rl_json_bool(json, value);
}

static void put_spent(rl_json *json, int64_t cpu_us, int64_t wall_us, int64_t memory_bytes) {
    rl_json_key(json, "cpuMs");
    rl_json_ms(json, cpu_us);
    rl_json_key(json, "wallMs");
    rl_json_ms(json, wall_us);
    rl_json_key(json, "memoryKb");
    rl_json_int(json, memory_bytes / 1024);
}

static void put_limit_hit(rl_json *json, rl_limit limit) {
    put_optional_text(json, "limitHit", limit == RL_LIMIT_NONE ? NULL : rl_limit_name(limit));
}

static void put_test(rl_json *json, const rl_test_result *test) {
    rl_json_open(json, '{');
    put_optional_text(json, "verdict",
                      test->skipped == RL_TEST_SKIP_NO ? rl_verdict_name(test->verdict) : NULL);
    put_optional(json, "exitCode", test->has_exit_code, test->exit_code);
    put_optional(json, "signal", test->has_signal, test->signal);
    put_output(json, "stdOutput", test->out.bytes);
    put_output(json, "stdError", test->err.bytes);
    put_spent(json, test->cpu_us, test->wall_us, test->memory_bytes);
    put_flag(json, "truncated", test->out.truncated || test->err.truncated);
    put_limit_hit(json, test->limit_hit);
    put_optional_text(json, "skipped",
                      test->skipped != RL_TEST_SKIP_NO ? rl_test_skip_name(test->skipped) : NULL);
    rl_json_close(json, '}');
}

static void put_tests(rl_json *json, const rl_finished *finished) {
    int64_t passed = 0;
    rl_json_key(json, "tests");
    rl_json_open(json, '[');
    for (size_t i = 0; i < finished->test_count; i++) {
        const rl_test_result *test = &finished->tests[i];
        put_test(json, test);
        passed += test->skipped == RL_TEST_SKIP_NO && test->verdict == RL_VERDICT_OK;
    }
    rl_json_close(json, ']');
    rl_json_key(json, "testsPassed");
    rl_json_int(json, passed);
}

static void put_files(rl_json *json, const rl_finished *finished) {
    rl_json_key(json, "files");
    rl_json_open(json, '[');
    for (size_t i = 0; i < finished->fetched_count; i++) {
        const rl_file *file = &finished->fetched[i];
        rl_json_open(json, '{');
        put_text(json, "path", file->path);
        rl_json_key(json, "content");
        rl_json_base64(json, file->content);
        if (file->problem && *file->problem) {
            put_text(json, "problem", file->problem);
        }
        rl_json_close(json, '}');
    }
    rl_json_close(json, ']');
}

/* The fields of the first version, in its order. */
static void put_classic(rl_json *json, const rl_finished *finished) {
    const rl_submission *submission = finished->submission;
    const bool compiler = finished->verdict == RL_VERDICT_COMPILE_ERROR;
    put_output(json, "code", submission ? submission->source : rl_bytes_of(""));
    put_text(json, "lang", submission ? submission->lang : "");
    put_output(json, "stdInput", submission ? submission->input : rl_bytes_of(""));
    put_output(json, "stdOutput", finished->out.bytes);
    put_output(json, "stdError", compiler ? finished->compile.bytes : finished->err.bytes);
    put_text(json, "status", "completed");
}

static void put_times(rl_json *json, const rl_finished *finished) {
    rl_json_key(json, "queuedAt");
    rl_json_time(json, finished->queued_us);
    rl_json_key(json, "startedAt");
    rl_json_time(json, finished->started_us);
    rl_json_key(json, "finishedAt");
    rl_json_time(json, finished->finished_us);
}

static void put_rest(rl_json *json, const rl_finished *finished) {
    put_text(json, "verdict", rl_verdict_name(finished->verdict));
    put_optional(json, "exitCode", finished->has_exit_code, finished->exit_code);
    put_optional(json, "signal", finished->has_signal, finished->signal);
    put_output(json, "compileOutput", finished->compile.bytes);
    put_spent(json, finished->cpu_us, finished->wall_us, finished->memory_bytes);
    put_flag(json, "truncated",
             finished->out.truncated || finished->err.truncated || finished->compile.truncated);
    put_limit_hit(json, finished->limit_hit);
    put_tests(json, finished);
    put_files(json, finished);
    rl_json_key(json, "attempt");
    rl_json_int(json, finished->attempt);
    rl_json_key(json, "generation");
    rl_json_int(json, finished->generation);
    put_times(json, finished);
    rl_json_key(json, "limits");
    if (finished->submission) {
        rl_json_limits(json, &finished->submission->limits);
    } else {
        rl_json_null(json);
    }
}

bool rl_result_out(const rl_finished *finished, bool base64, rl_buffer *out) {
    rl_json json;
    rl_json_init(&json, out);
    json.base64 = base64;
    rl_json_open(&json, '{');
    put_classic(&json, finished);
    put_rest(&json, finished);
    if (finished->verdict == RL_VERDICT_SYSTEM_ERROR) {
        put_text(&json, "message", finished->message ? finished->message : "");
    }
    put_flag(&json, "outputEncodingReplaced", json.replaced);
    if (base64) {
        put_text(&json, "encoding", "base64");
    }
    rl_json_close(&json, '}');
    return rl_json_ok(&json);
}

bool rl_result_out_expired(int64_t queued_us, int64_t now_us, bool base64, rl_buffer *out) {
    const rl_finished expired = {
        .id = "",
        .runner = "",
        .verdict = RL_VERDICT_SYSTEM_ERROR,
        .message = "expired in queue",
        .image_digest = "",
        .queued_us = queued_us,
        .finished_us = now_us,
    };
    return rl_result_out(&expired, base64, out);
}
