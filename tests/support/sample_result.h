/* sample_result.h: a finished submission with something in every field, for tests that carry one around.
 *
 * rl_sample_finished(id, generation) fills the caller's rl_sample; everything points into it or to literals, and
 * nothing needs freeing. Change what the test is about afterwards.
 */
#ifndef RL_TESTS_SAMPLE_RESULT_H
#define RL_TESTS_SAMPLE_RESULT_H

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/codec/result.h"

typedef struct {
    char id[64];
    rl_file files[2];
    rl_file fetched[2];
    rl_test tests[3];
    rl_test_result results[3];
    const char *args[2];
    const char *options[1];
    const char *fetch[2];
    rl_submission submission;
    rl_finished finished;
} rl_sample;

#define RL_SAMPLE_BYTES(literal) ((rl_bytes){(literal), sizeof(literal) - 1})

static inline void rl_sample_submission(rl_sample *s, int64_t generation, int64_t now_us) {
    s->files[0] = (rl_file){"data/a.txt", RL_SAMPLE_BYTES("a\0b"), RL_FILE_PLAIN, ""};
    s->files[1] = (rl_file){"empty", RL_SAMPLE_BYTES(""), RL_FILE_ZIP, ""};
    s->tests[0] = (rl_test){RL_SAMPLE_BYTES("1\n"), true, RL_SAMPLE_BYTES("2\n")};
    s->tests[1] = (rl_test){RL_SAMPLE_BYTES(""), false, {NULL, 0}};
    s->tests[2] = (rl_test){RL_SAMPLE_BYTES("3\n"), true, RL_SAMPLE_BYTES("")};
    s->args[0] = "--name";
    s->args[1] = "J\xc3\xbcrgen";
    s->options[0] = "-O2";
    s->fetch[0] = "out.txt";
    s->fetch[1] = "gone";
    s->submission = (rl_submission){
        .id = s->id,
        .generation = generation,
        .tenant = "school",
        .lang = "python",
        .source = RL_SAMPLE_BYTES("print('hello \xf0\x9f\x91\x8b')\r\n"),
        .input = RL_SAMPLE_BYTES("in\0put\xff"),
        .files = s->files,
        .file_count = 2,
        .entry_point = "main.py",
        .args = s->args,
        .arg_count = 2,
        .compile_options = s->options,
        .compile_option_count = 1,
        .tests = s->tests,
        .test_count = 3,
        .stop_at_first_failure = true,
        .comparison = {RL_COMPARE_NUMERIC, 1e-9, 0.5},
        .fetch_files = s->fetch,
        .fetch_file_count = 2,
        .limits = {.compile = {1, 2, 3},
                   .run = {4, 5, 6},
                   .output_bytes = 7,
                   .file_bytes = 8,
                   .stack_bytes = 9,
                   .processes = 10,
                   .open_files = 11},
        .created_us = now_us - 2500001,
        .deadline_us = now_us + 3600000007,
        .callback = "https://example.org/hook",
        .cacheable = true,
        .traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    };
}

/* Finished at `now_us`, wall clock. */
static inline rl_finished *rl_sample_finished_at(rl_sample *s, const char *id, int64_t generation,
                                                 int64_t now_us) {
    snprintf(s->id, sizeof s->id, "%s", id);
    rl_sample_submission(s, generation, now_us);
    s->fetched[0] = (rl_file){"out.txt", RL_SAMPLE_BYTES("fetched\0"), RL_FILE_PLAIN, ""};
    s->fetched[1] = (rl_file){"gone", RL_SAMPLE_BYTES(""), RL_FILE_PLAIN, "not found"};
    s->results[0] = (rl_test_result){.verdict = RL_VERDICT_OK,
                                     .has_exit_code = true,
                                     .out = {RL_SAMPLE_BYTES("2\n"), false},
                                     .err = {RL_SAMPLE_BYTES(""), false},
                                     .cpu_us = 1001,
                                     .wall_us = 2002,
                                     .memory_bytes = 3003};
    s->results[1] = (rl_test_result){.verdict = RL_VERDICT_TIME_LIMIT,
                                     .limit_hit = RL_LIMIT_CPU_TIME,
                                     .has_signal = true,
                                     .signal = 9,
                                     .out = {RL_SAMPLE_BYTES("\xfe\xff"), true},
                                     .err = {RL_SAMPLE_BYTES("e"), true}};
    s->results[2] = (rl_test_result){.skipped = RL_TEST_SKIP_FIRST_FAILURE};
    s->finished = (rl_finished){
        .id = s->id,
        .generation = generation,
        .attempt = 2,
        .runner = "runner-1",
        .verdict = RL_VERDICT_RUNTIME_ERROR,
        .limit_hit = RL_LIMIT_MEMORY,
        .message = "said why",
        .has_exit_code = true,
        .exit_code = 3,
        .out = {RL_SAMPLE_BYTES("hello\0world\n"), true},
        .err = {RL_SAMPLE_BYTES("\xc3\x28"), false},
        .compile = {RL_SAMPLE_BYTES("warning: x"), false},
        .fetched = s->fetched,
        .fetched_count = 2,
        .cpu_us = 123456,
        .wall_us = 234567,
        .memory_bytes = 12345678,
        .tests = s->results,
        .test_count = 3,
        .submission = &s->submission,
        .image_digest = "sha256:0123",
        .queued_us = s->submission.created_us,
        .started_us = now_us - 1000003,
        .finished_us = now_us,
    };
    return &s->finished;
}

static inline rl_finished *rl_sample_finished(rl_sample *s, const char *id, int64_t generation) {
    return rl_sample_finished_at(s, id, generation, rl_wall_clock_us());
}

#endif
