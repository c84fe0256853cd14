/* What protocol.h promises about the bytes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/protocol.h"

static const char *why; /* each test runs in a process of its own */

/* A job with one of everything. */
static rl_agent_job sample_job(void) {
    rl_agent_job job = {.uid = 41000, .gid = 41001, .work_dir = "/box", .env_count = 2, .file_count = 3};
    job.env[0] = "PATH=/bin";
    job.env[1] = "EMPTY=";
    job.files[0] =
        (rl_agent_file){.path = "main.c", .mode = 0644, .data = (const uint8_t *)"a\0b", .size = 3};
    job.files[1] = (rl_agent_file){"data/deep/x.txt", 0755, (const uint8_t *)"", 0, RL_AGENT_FORMAT_PLAIN};
    job.files[2] = (rl_agent_file){"data", 0, (const uint8_t *)"PK", 2, RL_AGENT_FORMAT_ZIP};
    job.unpack_bytes = 1 << 20;
    job.snapshot_bytes = 1 << 19;
    job.has_compile = true;
    job.compile.limits = (rl_agent_limits){1, 2, 3, 4, 5, 6, 7, 8, 9};
    job.compile.argc = 2;
    job.compile.argv[0] = "gcc";
    job.compile.argv[1] = "";
    return job;
}

static rl_agent_run sample_run(void) {
    rl_agent_run run = {.index = 7, .flags = RL_AGENT_RUN_LAST};
    run.command.limits = (rl_agent_limits){5000000, 12000000, 1 << 28, 262144, 0, 1 << 26, 1 << 26, 256, 64};
    run.command.argc = 1;
    run.command.argv[0] = "./main";
    run.fetch_count = 1;
    run.fetch[0] = "out";
    run.fetch_bytes = 65536;
    run.input = (const uint8_t *)"in\n";
    run.input_size = 3;
    return run;
}

/* Encodes into fresh memory of exactly the needed size, so that a sanitizer sees every byte too many. */
typedef struct frame_bytes {
    uint8_t *data;
    size_t size;
} frame_bytes;

static frame_bytes job_bytes(const rl_agent_job *job) {
    frame_bytes bytes = {NULL, rl_agent_job_encode(job, NULL, 0)};
    ck_assert_uint_gt(bytes.size, RL_AGENT_HEADER_SIZE);
    bytes.data = malloc(bytes.size);
    ck_assert_uint_eq(rl_agent_job_encode(job, bytes.data, bytes.size), bytes.size);
    return bytes;
}

static bool decode_job(frame_bytes bytes, rl_agent_job *job) {
    return rl_agent_job_decode(bytes.data + RL_AGENT_HEADER_SIZE, bytes.size - RL_AGENT_HEADER_SIZE, job,
                               &why);
}

static void assert_job_refused(const rl_agent_job *job, const char *reason) {
    frame_bytes bytes = job_bytes(job);
    rl_agent_job decoded;
    ck_assert(!decode_job(bytes, &decoded));
    ck_assert_ptr_nonnull(strstr(why, reason));
    free(bytes.data);
}

START_TEST(job_survives_the_wire) {
    rl_agent_job job = sample_job();
    frame_bytes bytes = job_bytes(&job);
    rl_agent_frame frame;
    ck_assert_int_eq(rl_agent_frame_parse(bytes.data, bytes.size, RL_AGENT_REQUEST_MAX, &frame, &why),
                     RL_AGENT_PARSE_FRAME);
    ck_assert_int_eq(frame.type, RL_AGENT_JOB);
    ck_assert_uint_eq(frame.frame_size, bytes.size);
    rl_agent_job back;
    ck_assert_msg(rl_agent_job_decode(frame.payload, frame.payload_size, &back, &why), "%s", why);
    ck_assert_uint_eq(back.uid, 41000);
    ck_assert_uint_eq(back.gid, 41001);
    ck_assert_str_eq(back.work_dir, "/box");
    ck_assert_str_eq(back.env[1], "EMPTY=");
    ck_assert_ptr_null(back.env[2]);
    ck_assert_str_eq(back.files[1].path, "data/deep/x.txt");
    ck_assert_uint_eq(back.files[0].size, 3);
    ck_assert_mem_eq(back.files[0].data, "a\0b", 3);
    ck_assert_uint_eq(back.files[1].mode, 0755);
    ck_assert_int_eq(back.files[1].format, RL_AGENT_FORMAT_PLAIN);
    ck_assert_int_eq(back.files[2].format, RL_AGENT_FORMAT_ZIP);
    ck_assert_int_eq(back.unpack_bytes, 1 << 20);
    ck_assert_int_eq(back.snapshot_bytes, 1 << 19);
    ck_assert(back.has_compile);
    ck_assert_str_eq(back.compile.argv[0], "gcc");
    ck_assert_str_eq(back.compile.argv[1], "");
    ck_assert_ptr_null(back.compile.argv[2]);
    ck_assert_mem_eq(&back.compile.limits, &job.compile.limits, sizeof job.compile.limits);
    free(bytes.data);
}
END_TEST

START_TEST(run_survives_the_wire) {
    rl_agent_run run = sample_run();
    uint8_t bytes[512];
    size_t size = rl_agent_run_encode(&run, bytes, sizeof bytes);
    rl_agent_run back;
    ck_assert_msg(rl_agent_run_decode(bytes + 8, size - 8, &back, &why), "%s", why);
    ck_assert_uint_eq(back.index, 7);
    ck_assert_uint_eq(back.flags, RL_AGENT_RUN_LAST);
    ck_assert_str_eq(back.command.argv[0], "./main");
    ck_assert_mem_eq(&back.command.limits, &run.command.limits, sizeof run.command.limits);
    ck_assert_uint_eq(back.fetch_count, 1);
    ck_assert_str_eq(back.fetch[0], "out");
    ck_assert_int_eq(back.fetch_bytes, 65536);
    ck_assert_uint_eq(back.input_size, 3);
    ck_assert_mem_eq(back.input, "in\n", 3);
}
END_TEST

START_TEST(result_survives_the_wire) {
    const rl_agent_result result = {1, RL_AGENT_HIT_CPU, -1, 9, 0, 5000001, 12, 1 << 20, 2, 3, 1ull << 40, 5};
    uint8_t bytes[256];
    size_t size = rl_agent_result_encode(RL_AGENT_DONE, &result, bytes, sizeof bytes);
    rl_agent_result back;
    ck_assert(rl_agent_result_decode(bytes + 8, size - 8, &back, &why));
    ck_assert_mem_eq(&back, &result, sizeof result);
}
END_TEST

START_TEST(ready_output_and_failure_survive_the_wire) {
    uint8_t bytes[256];
    rl_agent_ready ready = {RL_AGENT_PROTOCOL_VERSION, 2, RL_AGENT_CAN_CPU, "1.2.3"}, ready_back;
    size_t size = rl_agent_ready_encode(&ready, bytes, sizeof bytes);
    ck_assert(rl_agent_ready_decode(bytes + 8, size - 8, &ready_back, &why));
    ck_assert_str_eq(ready_back.version, "1.2.3");
    ck_assert_uint_eq(ready_back.cgroup_version, 2);

    rl_agent_output output = {3, RL_AGENT_PHASE_RUN, RL_AGENT_STDERR, (const uint8_t *)"\0\xff", 2},
                    output_back;
    size = rl_agent_output_encode(&output, bytes, sizeof bytes);
    ck_assert(rl_agent_output_decode(bytes + 8, size - 8, &output_back, &why));
    ck_assert_uint_eq(output_back.index, 3);
    ck_assert_int_eq(output_back.stream, RL_AGENT_STDERR);
    ck_assert_mem_eq(output_back.data, "\0\xff", 2);

    rl_agent_failure failure = {RL_AGENT_FAILURE_FILES, 28, "writing a file"}, failure_back;
    size = rl_agent_failure_encode(&failure, bytes, sizeof bytes);
    ck_assert(rl_agent_failure_decode(bytes + 8, size - 8, &failure_back, &why));
    ck_assert_int_eq(failure_back.code, RL_AGENT_FAILURE_FILES);
    ck_assert_uint_eq(failure_back.os_error, 28);
    ck_assert_str_eq(failure_back.message, "writing a file");
}
END_TEST

START_TEST(layout_of_a_run_is_what_the_header_says) {
    static const uint8_t expected[] = {
        4, 0, 0, 0, 0,    0,    0,    114,  /* RUN, 114 bytes */
        0, 0, 0, 7, 0,    0,    0,    1,    /* index, flags */
        0, 0, 0, 0, 0,    0x4c, 0x4b, 0x40, /* cpu_us */
        0, 0, 0, 0, 0,    0xb7, 0x1b, 0,    /* wall_us */
        0, 0, 0, 0, 0x10, 0,    0,    0,    /* memory_bytes */
        0, 0, 0, 0, 0,    4,    0,    0,    0,   0,   0,   0,   0,   0,   0,
        0, /* stdout_bytes, stderr_bytes */
        0, 0, 0, 0, 4,    0,    0,    0,    0,   0,   0,   0,   4,   0,   0,
        0,                                                                   /* file_bytes, stack_bytes */
        0, 0, 1, 0, 0,    0,    0,    64,                                    /* open_files, processes */
        0, 0, 0, 1, 0,    0,    0,    6,    '.', '/', 'm', 'a', 'i', 'n', 0, /* argc, argv */
        0, 0, 0, 1, 0,    0,    0,    3,    'o', 'u', 't', 0,                /* fetch_count, fetch */
        0, 0, 0, 0, 0,    1,    0,    0,                                     /* fetch_bytes */
        0, 0, 0, 3, 'i',  'n',  '\n'};
    rl_agent_run run = sample_run();
    uint8_t bytes[512];
    size_t size = rl_agent_run_encode(&run, bytes, sizeof bytes);
    ck_assert_uint_eq(size, sizeof expected);
    ck_assert_mem_eq(bytes, expected, sizeof expected);
}
END_TEST

START_TEST(a_preparation_is_a_job_without_files) {
    rl_agent_job job = {.uid = 7, .gid = 8, .work_dir = "/box", .has_compile = true};
    job.compile.limits = (rl_agent_limits){1, 1, 1, 1, 1, 1, 1, 3, 1};
    job.compile.argc = 1;
    job.compile.argv[0] = "python3";
    uint8_t bytes[512];
    size_t size = rl_agent_prepare_encode(&job, bytes, sizeof bytes);
    ck_assert_uint_gt(size, RL_AGENT_HEADER_SIZE);
    ck_assert_uint_eq(bytes[0], RL_AGENT_PREPARE);
    static rl_agent_job back;
    ck_assert(rl_agent_job_decode(bytes + RL_AGENT_HEADER_SIZE, size - RL_AGENT_HEADER_SIZE, &back, &why));
    ck_assert_str_eq(back.compile.argv[0], "python3");
    job.file_count = 1;
    ck_assert_uint_eq(rl_agent_prepare_encode(&job, bytes, sizeof bytes), 0);
    job.file_count = 0;
    job.has_compile = false;
    ck_assert_uint_eq(rl_agent_prepare_encode(&job, bytes, sizeof bytes), 0);
}
END_TEST

START_TEST(pieces_survive_the_wire) {
    uint8_t bytes[256];
    rl_agent_piece piece = {15, false, RL_AGENT_PIECE_OK, (const uint8_t *)"\0\xff", 2}, back;
    size_t size = rl_agent_piece_encode(RL_AGENT_FILE, &piece, bytes, sizeof bytes);
    ck_assert_msg(rl_agent_piece_decode(bytes + 8, size - 8, &back, &why), "%s", why);
    ck_assert_uint_eq(back.index, 15);
    ck_assert(!back.last);
    ck_assert_uint_eq(back.size, 2);
    ck_assert_mem_eq(back.data, "\0\xff", 2);
    piece = (rl_agent_piece){0, true, RL_AGENT_PIECE_TOO_LARGE, NULL, 0};
    size = rl_agent_piece_encode(RL_AGENT_SNAPSHOT, &piece, bytes, sizeof bytes);
    ck_assert_uint_eq(bytes[0], RL_AGENT_SNAPSHOT);
    ck_assert_msg(rl_agent_piece_decode(bytes + 8, size - 8, &back, &why), "%s", why);
    ck_assert(back.last);
    ck_assert_int_eq(back.status, RL_AGENT_PIECE_TOO_LARGE);
    ck_assert_uint_eq(rl_agent_piece_encode(RL_AGENT_OUTPUT, &piece, bytes, sizeof bytes), 0);
}
END_TEST

START_TEST(pieces_that_make_no_sense_are_refused) {
    static const uint8_t bad[][9] = {{0, 0, 0, 0, 2, 0, 0, 0, 'x'},  /* neither last nor not */
                                     {0, 0, 0, 0, 1, 4, 0, 0, 'x'},  /* of an unknown status */
                                     {0, 0, 0, 0, 1, 0, 0, 1, 'x'},  /* reserved bits */
                                     {0, 0, 0, 0, 1, 1, 0, 0, 'x'},  /* missing, with contents */
                                     {0, 0, 0, 16, 1, 0, 0, 0, 'x'}, /* of no file */
                                     {0, 0, 0, 0, 0, 3, 0, 0, 0}};   /* too large, and more to come */
    rl_agent_piece piece;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(!rl_agent_piece_decode(bad[i], sizeof bad[i], &piece, &why), "%zu", i);
    }
    static const uint8_t endless[] = {0, 0, 0, 0, 0, 0, 0, 0}; /* empty, and more to come */
    ck_assert(!rl_agent_piece_decode(endless, sizeof endless, &piece, &why));
}
END_TEST

START_TEST(an_archive_may_go_into_the_work_folder_itself_and_a_snapshot_must) {
    rl_agent_job job = sample_job(), back;
    job.files[2].path = "";
    job.files[1] = (rl_agent_file){"", 0, (const uint8_t *)"", 0, RL_AGENT_FORMAT_SNAPSHOT};
    frame_bytes bytes = job_bytes(&job);
    ck_assert_msg(decode_job(bytes, &back), "%s", why);
    free(bytes.data);
    job.files[1].path = "a";
    assert_job_refused(&job, "path");
    job = sample_job();
    job.files[2].path = "../a";
    assert_job_refused(&job, "path");
    job = sample_job();
    job.files[2].format = (rl_agent_format)4;
    assert_job_refused(&job, "format");
}
END_TEST

START_TEST(files_to_fetch_are_plain_paths_and_few) {
    rl_agent_run run = sample_run(), back;
    uint8_t bytes[512];
    static const char *const bad[] = {"", "/etc/passwd", "..", "a/../b", "a/"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        run.fetch[0] = bad[i];
        size_t size = rl_agent_run_encode(&run, bytes, sizeof bytes);
        ck_assert_msg(!rl_agent_run_decode(bytes + 8, size - 8, &back, &why), "%s", bad[i]);
    }
    run = sample_run();
    run.fetch_bytes = -1;
    size_t size = rl_agent_run_encode(&run, bytes, sizeof bytes);
    ck_assert(!rl_agent_run_decode(bytes + 8, size - 8, &back, &why));
    run.fetch_count = RL_AGENT_FETCH_MAX + 1;
    ck_assert_uint_eq(rl_agent_run_encode(&run, bytes, sizeof bytes), 0);
}
END_TEST

START_TEST(ready_of_another_version_still_tells_which) {
    const uint8_t payload[] = {0, 0, 0, 99, 'w', 'h', 'a', 't', 'e', 'v', 'e', 'r'};
    rl_agent_ready ready;
    ck_assert(rl_agent_ready_decode(payload, sizeof payload, &ready, &why));
    ck_assert_uint_eq(ready.protocol_version, 99);
    ck_assert_str_eq(ready.version, "");
}
END_TEST

START_TEST(every_truncation_of_a_job_is_refused) {
    rl_agent_job job = sample_job();
    frame_bytes bytes = job_bytes(&job);
    for (size_t size = 0; size < bytes.size - RL_AGENT_HEADER_SIZE; size++) {
        uint8_t *exact = malloc(size + 1);
        memcpy(exact, bytes.data + RL_AGENT_HEADER_SIZE, size);
        rl_agent_job back;
        ck_assert_msg(!rl_agent_job_decode(exact, size, &back, &why), "accepted %zu bytes", size);
        ck_assert_ptr_nonnull(why);
        free(exact);
    }
    free(bytes.data);
}
END_TEST

START_TEST(no_single_changed_byte_of_a_job_is_harmful) {
    rl_agent_job job = sample_job();
    frame_bytes bytes = job_bytes(&job);
    for (size_t at = RL_AGENT_HEADER_SIZE; at < bytes.size; at++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t before = bytes.data[at];
            bytes.data[at] = (uint8_t)value;
            rl_agent_job back;
            if (decode_job(bytes, &back)) {
                ck_assert_uint_le(back.file_count, RL_AGENT_FILES_MAX);
                ck_assert_uint_le(strlen(back.work_dir), RL_AGENT_PATH_MAX);
            }
            bytes.data[at] = before;
        }
    }
    free(bytes.data);
}
END_TEST

START_TEST(bytes_after_the_last_field_are_refused) {
    rl_agent_run run = sample_run();
    uint8_t bytes[512] = {0};
    size_t size = rl_agent_run_encode(&run, bytes, sizeof bytes);
    rl_agent_run back;
    ck_assert(!rl_agent_run_decode(bytes + 8, size - 8 + 1, &back, &why));
    ck_assert_ptr_nonnull(strstr(why, "after the last field"));
}
END_TEST

START_TEST(paths_that_leave_the_work_folder_are_refused) {
    static const char *const bad[] = {"",     "/etc/passwd", "..",  "../x",  "a/../b", "a/..",
                                      "a//b", "a/",          "./a", "a/./b", ".",      "//"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rl_agent_job job = sample_job();
        job.files[1].path = bad[i];
        assert_job_refused(&job, "path");
    }
}
END_TEST

START_TEST(odd_but_plain_paths_are_accepted) {
    static const char *const good[] = {"...", "..a", "a..", ".hidden/x", "with space", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        rl_agent_job job = sample_job(), back;
        job.files[1].path = good[i];
        frame_bytes bytes = job_bytes(&job);
        ck_assert_msg(decode_job(bytes, &back), "%s: %s", good[i], why);
        free(bytes.data);
    }
}
END_TEST

START_TEST(root_is_refused) {
    rl_agent_job job = sample_job();
    job.uid = 0;
    assert_job_refused(&job, "root");
    job = sample_job();
    job.gid = 0;
    assert_job_refused(&job, "root");
    job = sample_job();
    job.uid = UINT32_MAX; /* "leave unchanged" to setresuid: root again */
    assert_job_refused(&job, "root");
}
END_TEST

START_TEST(special_permission_bits_are_refused) {
    rl_agent_job job = sample_job();
    job.files[0].mode = 04755;
    assert_job_refused(&job, "mode");
}
END_TEST

START_TEST(environment_without_a_name_is_refused) {
    rl_agent_job job = sample_job();
    job.env[0] = "NOTHING";
    assert_job_refused(&job, "NAME=value");
    job.env[0] = "=x";
    assert_job_refused(&job, "NAME=value");
}
END_TEST

START_TEST(limits_that_make_no_sense_are_refused) {
    rl_agent_job job = sample_job();
    job.compile.limits.cpu_us = 0;
    assert_job_refused(&job, "cpu_us");
    job = sample_job();
    job.compile.limits.stdout_bytes = -1;
    assert_job_refused(&job, "stdout_bytes");
    job = sample_job();
    job.compile.limits.stderr_bytes = (int64_t)RL_AGENT_STREAM_CAP_MAX + 1;
    assert_job_refused(&job, "output cap");
    job = sample_job();
    job.compile.limits.open_files = 2;
    assert_job_refused(&job, "open_files");
}
END_TEST

START_TEST(encoders_refuse_what_no_decoder_would_take) {
    rl_agent_job job = sample_job();
    job.env_count = RL_AGENT_ENV_MAX + 1;
    ck_assert_uint_eq(rl_agent_job_encode(&job, NULL, 0), 0);
    rl_agent_run run = sample_run();
    run.command.argc = 0;
    ck_assert_uint_eq(rl_agent_run_encode(&run, NULL, 0), 0);
    run = sample_run();
    run.input_size = RL_AGENT_REQUEST_MAX;
    ck_assert_uint_eq(rl_agent_run_encode(&run, NULL, 0), 0);
    rl_agent_result result = {0};
    ck_assert_uint_eq(rl_agent_result_encode(RL_AGENT_READY, &result, NULL, 0), 0);
}
END_TEST

START_TEST(encoder_never_writes_past_a_short_buffer) {
    rl_agent_run run = sample_run();
    size_t needed = rl_agent_run_encode(&run, NULL, 0);
    for (size_t capacity = 0; capacity < needed; capacity++) {
        uint8_t *exact = malloc(capacity + 1);
        exact[capacity] = 0xa5;
        ck_assert_uint_eq(rl_agent_run_encode(&run, exact, capacity), needed);
        ck_assert_uint_eq(exact[capacity], 0xa5);
        free(exact);
    }
}
END_TEST

START_TEST(frame_is_awaited_byte_by_byte) {
    rl_agent_run run = sample_run();
    uint8_t bytes[512];
    size_t size = rl_agent_run_encode(&run, bytes, sizeof bytes);
    rl_agent_frame frame;
    for (size_t have = 0; have < size; have++) {
        ck_assert_int_eq(rl_agent_frame_parse(bytes, have, RL_AGENT_REQUEST_MAX, &frame, &why),
                         RL_AGENT_PARSE_MORE);
        ck_assert_uint_eq(frame.frame_size, have < RL_AGENT_HEADER_SIZE ? 0 : size);
    }
    ck_assert_int_eq(rl_agent_frame_parse(bytes, sizeof bytes, RL_AGENT_REQUEST_MAX, &frame, &why),
                     RL_AGENT_PARSE_FRAME);
    ck_assert_uint_eq(frame.frame_size, size);
}
END_TEST

START_TEST(frame_that_is_no_frame_is_bad_at_once) {
    rl_agent_frame frame;
    const uint8_t http[] = "HTTP/1.1";
    ck_assert_int_eq(rl_agent_frame_parse(http, 1, 100, &frame, &why), RL_AGENT_PARSE_BAD);
    const uint8_t reserved[] = {1, 0, 1, 0, 0, 0, 0, 0};
    ck_assert_int_eq(rl_agent_frame_parse(reserved, 8, 100, &frame, &why), RL_AGENT_PARSE_BAD);
    const uint8_t large[] = {1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    ck_assert_int_eq(rl_agent_frame_parse(large, 8, RL_AGENT_REQUEST_MAX, &frame, &why), RL_AGENT_PARSE_BAD);
    ck_assert_ptr_nonnull(strstr(why, "larger"));
}
END_TEST

START_TEST(output_must_not_be_empty_or_of_no_stream) {
    rl_agent_output output;
    const uint8_t empty[] = {0, 0, 0, 0, 1, 1, 0, 0};
    ck_assert(!rl_agent_output_decode(empty, sizeof empty, &output, &why));
    const uint8_t stream[] = {0, 0, 0, 0, 1, 3, 0, 0, 'x'};
    ck_assert(!rl_agent_output_decode(stream, sizeof stream, &output, &why));
}
END_TEST

START_TEST(success_is_exit_zero_of_what_was_started) {
    ck_assert(rl_agent_result_is_success(&(rl_agent_result){.exit_code = 0}));
    ck_assert(rl_agent_result_is_success(&(rl_agent_result){.flags = RL_AGENT_SKIPPED}));
    ck_assert(!rl_agent_result_is_success(&(rl_agent_result){.exit_code = 1}));
    ck_assert(!rl_agent_result_is_success(&(rl_agent_result){.exit_code = -1, .term_signal = 9}));
    ck_assert(
        !rl_agent_result_is_success(&(rl_agent_result){.exit_code = -1, .flags = RL_AGENT_NOT_STARTED}));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("agent protocol");
    TCase *tests = tcase_create("wire");
    const TTest *all[] = {job_survives_the_wire,
                          run_survives_the_wire,
                          result_survives_the_wire,
                          ready_output_and_failure_survive_the_wire,
                          layout_of_a_run_is_what_the_header_says,
                          a_preparation_is_a_job_without_files,
                          pieces_survive_the_wire,
                          pieces_that_make_no_sense_are_refused,
                          an_archive_may_go_into_the_work_folder_itself_and_a_snapshot_must,
                          files_to_fetch_are_plain_paths_and_few,
                          ready_of_another_version_still_tells_which,
                          every_truncation_of_a_job_is_refused,
                          no_single_changed_byte_of_a_job_is_harmful,
                          bytes_after_the_last_field_are_refused,
                          paths_that_leave_the_work_folder_are_refused,
                          odd_but_plain_paths_are_accepted,
                          root_is_refused,
                          special_permission_bits_are_refused,
                          environment_without_a_name_is_refused,
                          limits_that_make_no_sense_are_refused,
                          encoders_refuse_what_no_decoder_would_take,
                          encoder_never_writes_past_a_short_buffer,
                          frame_is_awaited_byte_by_byte,
                          frame_that_is_no_frame_is_bad_at_once,
                          output_must_not_be_empty_or_of_no_stream,
                          success_is_exit_zero_of_what_was_started};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        tcase_add_test(tests, all[i]);
    }
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
