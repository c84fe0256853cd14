#include <errno.h>
#include <jansson.h>
#include <stdint.h>

#include "lib/codec/cancel.h"
#include "lib/codec/framing.h"
#include "lib/codec/result.h"
#include "tests/support/suite.h"

static const char *const args[] = {"-x", ""};
static const rl_file files[] = {{.path = "a/b.txt", .content = {"\0\xff", 2}},
                                {.path = "src", .format = RL_FILE_TAR}};
static const rl_test tests[] = {{{"1", 1}, true, {"2", 1}}, {{"", 0}, false, {NULL, 0}}};

static rl_submission sample_submission(void) {
    return (rl_submission){.id = "id-1",
                           .generation = 3,
                           .tenant = "t",
                           .lang = "python",
                           .source = {"print(1)\0x", 10},
                           .input = {"in\r\n", 4},
                           .files = files,
                           .file_count = 2,
                           .entry_point = "main.py",
                           .args = args,
                           .arg_count = 2,
                           .tests = tests,
                           .test_count = 2,
                           .stop_at_first_failure = true,
                           .comparison = {RL_COMPARE_NUMERIC, 1e-9, 0.25},
                           .limits = {.run = {1, 2, 3},
                                      .compile = {4, 5, 6},
                                      .output_bytes = 7,
                                      .file_bytes = 8,
                                      .stack_bytes = 9,
                                      .processes = 10,
                                      .open_files = 11},
                           .created_us = 12,
                           .deadline_us = 13,
                           .callback = NULL,
                           .cacheable = true,
                           .traceparent = "00-aa-bb-01",
                           .held = true};
}

static void assert_bytes(rl_bytes got, rl_bytes expected) {
    ck_assert_msg(rl_bytes_equal(got, expected), "%zu bytes, expected %zu", got.size, expected.size);
}

static void assert_sample(const rl_submission *s) {
    rl_submission expected = sample_submission();
    ck_assert_str_eq(s->id, expected.id);
    ck_assert_int_eq(s->generation, 3);
    ck_assert_str_eq(s->lang, "python");
    assert_bytes(s->source, expected.source);
    assert_bytes(s->input, expected.input);
    ck_assert_uint_eq(s->file_count, 2);
    ck_assert_str_eq(s->files[0].path, "a/b.txt");
    assert_bytes(s->files[0].content, files[0].content);
    ck_assert_int_eq(s->files[0].format, RL_FILE_PLAIN);
    ck_assert_int_eq(s->files[1].format, RL_FILE_TAR);
    ck_assert_uint_eq(s->arg_count, 2);
    ck_assert_str_eq(s->args[0], "-x");
    ck_assert_uint_eq(s->test_count, 2);
    ck_assert(s->tests[0].has_expected);
    assert_bytes(s->tests[0].expected, rl_bytes_of("2"));
    ck_assert(!s->tests[1].has_expected);
    ck_assert(s->stop_at_first_failure);
    ck_assert_int_eq(s->comparison.mode, RL_COMPARE_NUMERIC);
    ck_assert_double_eq(s->comparison.absolute, 1e-9);
    ck_assert_double_eq(s->comparison.relative, 0.25);
    ck_assert_mem_eq(&s->limits, &expected.limits, sizeof s->limits);
    ck_assert_int_eq(s->deadline_us, 13);
    ck_assert_ptr_null(s->callback);
    ck_assert(s->cacheable);
    ck_assert_str_eq(s->traceparent, "00-aa-bb-01");
    ck_assert(s->held);
}

static rl_codec *new_codec(void) {
    rl_error err = RL_ERROR_INIT;
    rl_codec *codec = rl_codec_new(&err);
    ck_assert_msg(codec != NULL, "%s", err.message);
    return codec;
}

START_TEST(a_submission_comes_back_byte_for_byte) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, SIZE_MAX);
    rl_submission s = sample_submission(), back;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_submission_encode(codec, &s, &out, &err), "%s", err.message);
    ck_assert_msg(rl_submission_decode(codec, rl_buffer_bytes(&out), arena, &back, &err), "%s", err.message);
    assert_sample(&back);
}
END_TEST

START_TEST(a_finished_carries_its_submission_and_its_outputs) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, SIZE_MAX);
    rl_submission s = sample_submission();
    const rl_test_result results[] = {
        {.verdict = RL_VERDICT_WRONG_ANSWER, .has_exit_code = true, .cpu_us = 5},
        {.skipped = RL_TEST_SKIP_FIRST_FAILURE},
    };
    const rl_file fetched[] = {{.path = "out", .content = {"\xff", 1}},
                               {.path = "gone", .problem = "not found"}};
    rl_finished f = {.id = "id-1",
                     .generation = 3,
                     .attempt = 2,
                     .runner = "r",
                     .verdict = RL_VERDICT_TIME_LIMIT,
                     .limit_hit = RL_LIMIT_CPU_TIME,
                     .message = "",
                     .has_signal = true,
                     .signal = 9,
                     .out = {{"\xff\0", 2}, true},
                     .compile = {{"warning", 7}, false},
                     .fetched = fetched,
                     .fetched_count = 2,
                     .tests = results,
                     .test_count = 2,
                     .submission = &s,
                     .image_digest = "sha256:1",
                     .cpu_us = 1,
                     .wall_us = 2,
                     .memory_bytes = 3,
                     .queued_us = 4,
                     .started_us = 5,
                     .finished_us = 6};
    rl_finished back;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_finished_encode(codec, &f, &out, &err), "%s", err.message);
    ck_assert_msg(rl_finished_decode(codec, rl_buffer_bytes(&out), arena, &back, &err), "%s", err.message);
    ck_assert_int_eq(back.verdict, RL_VERDICT_TIME_LIMIT);
    ck_assert_int_eq(back.limit_hit, RL_LIMIT_CPU_TIME);
    ck_assert(!back.has_exit_code && back.has_signal);
    ck_assert_int_eq(back.signal, 9);
    assert_bytes(back.out.bytes, f.out.bytes);
    ck_assert(back.out.truncated && !back.compile.truncated);
    ck_assert_uint_eq(back.test_count, 2);
    ck_assert_int_eq(back.tests[0].verdict, RL_VERDICT_WRONG_ANSWER);
    ck_assert_int_eq(back.tests[0].skipped, RL_TEST_SKIP_NO);
    ck_assert_int_eq(back.tests[1].skipped, RL_TEST_SKIP_FIRST_FAILURE);
    ck_assert_uint_eq(back.fetched_count, 2);
    assert_bytes(back.fetched[0].content, fetched[0].content);
    ck_assert_str_eq(back.fetched[0].problem, "");
    ck_assert_str_eq(back.fetched[1].problem, "not found");
    ck_assert_ptr_nonnull(back.submission);
    assert_sample(back.submission);
    ck_assert_int_eq(back.finished_us, 6);
}
END_TEST

START_TEST(a_cancel_comes_back_as_it_was) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 16);
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, SIZE_MAX);
    const rl_cancel cancel = {.id = "id-1", .tenant = "t", .requested_us = 12, .generation = 7};
    rl_cancel back;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_cancel_encode(codec, &cancel, &out, &err), "%s", err.message);
    ck_assert_msg(rl_cancel_decode(codec, rl_buffer_bytes(&out), arena, &back, &err), "%s", err.message);
    ck_assert_str_eq(back.id, "id-1");
    ck_assert_str_eq(back.tenant, "t");
    ck_assert_int_eq(back.requested_us, 12);
    ck_assert_int_eq(back.generation, 7);
    rl_finished finished;
    ck_assert(!rl_finished_decode(codec, rl_buffer_bytes(&out), arena, &finished, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
}
END_TEST

START_TEST(a_finished_may_answer_nobody_knows_what) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, SIZE_MAX);
    rl_finished f = {.id = "id", .verdict = RL_VERDICT_SYSTEM_ERROR, .message = "unreadable"}, back;
    ck_assert(rl_finished_encode(codec, &f, &out, NULL));
    ck_assert(rl_finished_decode(codec, rl_buffer_bytes(&out), arena, &back, NULL));
    ck_assert_ptr_null(back.submission);
    ck_assert_str_eq(back.message, "unreadable");
}
END_TEST

START_TEST(the_kind_of_a_record_is_told_by_its_fingerprint) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, SIZE_MAX);
    rl_started started = {.id = "id", .runner = "r"};
    rl_record_kind kind = RL_RECORD_COUNT;
    ck_assert(rl_started_encode(codec, &started, &out, NULL));
    ck_assert(rl_codec_kind(codec, rl_buffer_bytes(&out), &kind, NULL));
    ck_assert_int_eq(kind, RL_RECORD_STARTED);
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    rl_finished finished;
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_finished_decode(codec, rl_buffer_bytes(&out), arena, &finished, &err));
    ck_assert_str_eq(err.message, "expected a Finished, got a Started");
}
END_TEST

START_TEST(a_record_too_large_is_refused_when_it_is_written) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, SIZE_MAX);
    RL_AUTO_FREE char *large = calloc(1, RL_SUBMISSION_MAX_BYTES);
    rl_submission s = sample_submission();
    s.source = rl_bytes_make(large, RL_SUBMISSION_MAX_BYTES);
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_submission_encode(codec, &s, &out, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
    ck_assert_int_eq(err.code, EMSGSIZE);
    ck_assert_uint_eq(out.size, 0);
}
END_TEST

START_TEST(a_submission_too_large_is_refused_when_it_is_read) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, SIZE_MAX);
    RL_AUTO_FREE char *more = calloc(1, RL_SUBMISSION_MAX_BYTES);
    rl_submission s = sample_submission(), back;
    rl_error err = RL_ERROR_INIT;
    ck_assert(rl_submission_encode(codec, &s, &out, NULL));
    ck_assert(rl_buffer_append(&out, more, RL_SUBMISSION_MAX_BYTES));
    ck_assert(!rl_submission_decode(codec, rl_buffer_bytes(&out), arena, &back, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
    ck_assert_int_eq(err.code, EMSGSIZE);
}
END_TEST

START_TEST(text_that_is_not_utf_8_is_repaired_when_it_is_written) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, SIZE_MAX);
    rl_submission s = sample_submission(), back;
    rl_error err = RL_ERROR_INIT;
    s.traceparent = "00-aa-\xff-\xc3";
    ck_assert_msg(rl_submission_encode(codec, &s, &out, &err), "%s", err.message);
    ck_assert_msg(rl_submission_decode(codec, rl_buffer_bytes(&out), arena, &back, &err), "%s", err.message);
    ck_assert_str_eq(back.traceparent, "00-aa-\xef\xbf\xbd-\xef\xbf\xbd");
}
END_TEST

START_TEST(every_damaged_record_is_refused_or_read_without_harm) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, SIZE_MAX);
    rl_submission s = sample_submission(), back;
    ck_assert(rl_submission_encode(codec, &s, &out, NULL));
    for (size_t cut = 0; cut < out.size; cut++) {
        RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
        ck_assert(!rl_submission_decode(codec, rl_bytes_make(out.data, cut), arena, &back, NULL));
    }
    for (size_t at = 0; at < out.size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
            out.data[at] = (char)(out.data[at] ^ (1 << bit));
            (void)rl_submission_decode(codec, rl_buffer_bytes(&out), arena, &back, NULL);
            out.data[at] = (char)(out.data[at] ^ (1 << bit));
        }
    }
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    ck_assert(rl_buffer_append_text(&out, "x"));
    ck_assert(!rl_submission_decode(codec, rl_buffer_bytes(&out), arena, &back, NULL));
}
END_TEST

START_TEST(a_length_prefix_cannot_make_anybody_allocate) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    uint64_t fingerprint = 0;
    rl_codec_schema(codec, RL_RECORD_STARTED, &fingerprint);
    unsigned char frame[RL_FRAMING_HEADER_BYTES + 5] = {0};
    rl_framing_header(fingerprint, frame);
    memcpy(frame + RL_FRAMING_HEADER_BYTES, "\xfe\xff\xff\xff\x07", 5); /* a string of 2^30-1 bytes */
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    rl_started back;
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_started_decode(codec, rl_bytes_make(frame, sizeof frame), arena, &back, &err));
    ck_assert_msg(strstr(err.message, "damaged") != NULL, "%s", err.message);
}
END_TEST

/* A later writer: one field more, one less, and a verdict that this build has never heard of. */
static const char later_finished[] =
    "{\"type\":\"record\",\"name\":\"Finished\",\"namespace\":\"runlog\",\"fields\":["
    "{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"novelty\",\"type\":\"long\",\"default\":0},"
    "{\"name\":\"verdict\",\"type\":{\"type\":\"enum\",\"name\":\"Verdict\",\"symbols\":[\"EXCELLENT\","
    "\"OK\"],"
    "\"default\":\"OK\"}}]}";

static void decode_later(rl_codec *codec, const char *body, rl_finished *ret, rl_arena *arena) {
    RL_AUTO_BUFFER rl_buffer canonical, frame;
    rl_buffer_init(&canonical, SIZE_MAX);
    rl_buffer_init(&frame, SIZE_MAX);
    ck_assert(rl_framing_canonical_form(rl_bytes_of(later_finished), &canonical, NULL));
    unsigned char header[RL_FRAMING_HEADER_BYTES];
    rl_framing_header(rl_framing_fingerprint(rl_buffer_bytes(&canonical)), header);
    rl_buffer_append(&frame, header, sizeof header);
    rl_buffer_append(&frame, body, 5);
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_finished_decode(codec, rl_buffer_bytes(&frame), arena, ret, &err), "%s", err.message);
}

START_TEST(a_schema_learnt_at_run_time_is_read_by_field_name) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    rl_finished back;
    ck_assert(rl_codec_learn(codec, rl_bytes_of(later_finished), NULL));
    decode_later(codec,
                 "\x04"
                 "ab"
                 "\x08"
                 "\x02",
                 &back, arena); /* "ab", 4, OK */
    ck_assert_str_eq(back.id, "ab");
    ck_assert_int_eq(back.verdict, RL_VERDICT_OK);
    ck_assert_int_eq(back.attempt, 1);
    ck_assert_str_eq(back.runner, "");
    decode_later(codec,
                 "\x04"
                 "ab"
                 "\x08"
                 "\x00",
                 &back, arena); /* EXCELLENT */
    ck_assert_int_eq(back.verdict, RL_VERDICT_SYSTEM_ERROR);
}
END_TEST

START_TEST(an_unknown_fingerprint_is_named) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    unsigned char frame[RL_FRAMING_HEADER_BYTES] = {0};
    rl_framing_header(UINT64_C(0x1122334455667788), frame);
    rl_record_kind kind;
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_codec_kind(codec, rl_bytes_make(frame, sizeof frame), &kind, &err));
    ck_assert_str_eq(err.message, "no schema is known with the fingerprint 1122334455667788");
}
END_TEST

/* Finds the object with "name": `name` below `node`. */
static json_t *find_named(json_t *node, const char *name) {
    const char *own = json_is_object(node) ? json_string_value(json_object_get(node, "name")) : NULL;
    if (own && strcmp(own, name) == 0 && json_object_get(node, "fields")) {
        return node;
    }
    const char *key;
    json_t *child, *found = NULL;
    size_t i;
    if (json_is_object(node)) {
        json_object_foreach(node, key, child) {
            found = found ? found : find_named(child, name);
        }
    }
    json_array_foreach(node, i, child) {
        found = found ? found : find_named(child, name);
    }
    return found;
}

START_TEST(the_submission_in_finished_has_the_fields_of_the_schema_of_its_own) {
    json_t *finished = json_load_file(RL_SOURCE_DIR "/schemas/Finished.avsc", 0, NULL);
    json_t *submission = json_load_file(RL_SOURCE_DIR "/schemas/Submission.avsc", 0, NULL);
    json_t *embedded = find_named(finished, "Submission");
    ck_assert_ptr_nonnull(embedded);
    json_t *fields = json_object_get(submission, "fields");
    json_t *copies = json_object_get(embedded, "fields");
    ck_assert_uint_eq(json_array_size(fields), json_array_size(copies));
    for (size_t i = 0; i < json_array_size(fields); i++) {
        json_t *field = json_array_get(fields, i), *copy = json_array_get(copies, i);
        const char *name = json_string_value(json_object_get(field, "name"));
        ck_assert_str_eq(name, json_string_value(json_object_get(copy, "name")));
        if (strcmp(name, "files") != 0) { /* there File is a reference: `fetched` has defined it */
            ck_assert_msg(json_equal(field, copy), "field %s differs", name);
        }
    }
    json_decref(finished);
    json_decref(submission);
}
END_TEST

RL_SUITE("codec/records", a_submission_comes_back_byte_for_byte,
         a_finished_carries_its_submission_and_its_outputs, a_cancel_comes_back_as_it_was,
         a_finished_may_answer_nobody_knows_what, the_kind_of_a_record_is_told_by_its_fingerprint,
         a_record_too_large_is_refused_when_it_is_written, a_submission_too_large_is_refused_when_it_is_read,
         text_that_is_not_utf_8_is_repaired_when_it_is_written,
         every_damaged_record_is_refused_or_read_without_harm, a_length_prefix_cannot_make_anybody_allocate,
         a_schema_learnt_at_run_time_is_read_by_field_name, an_unknown_fingerprint_is_named,
         the_submission_in_finished_has_the_fields_of_the_schema_of_its_own)
