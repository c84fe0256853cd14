/* What a program did, and what is said about it: each test runs one real program in a real container. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "tests/integration/services/runner/sandbox_fixture.h"

#define MIB ((int64_t)1024 * 1024)

/* Runs `source` under limits that make a failing test quick. */
static rl_finished run_with(rl_fixture *fixture, const char *lang, const char *source, rl_bytes input) {
    rl_submission submission = rl_fixture_submission(fixture, lang, source);
    submission.input = input;
    submission.limits.run.cpu_us = 2 * RL_US_PER_S;
    submission.limits.run.wall_us = 6 * RL_US_PER_S;
    return rl_fixture_run(fixture, &submission);
}

static rl_finished run_program(rl_fixture *fixture, const char *lang, const char *source) {
    return run_with(fixture, lang, source, rl_bytes_of(""));
}

START_TEST(output_comes_back_exactly_even_without_a_last_newline) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_finished finished = run_program(&fixture, "python", "print('hello')\nprint('end', end='')\n");
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert_output(finished.out, "hello\nend");
    ck_assert_output(finished.err, "");
    ck_assert(finished.has_exit_code);
    ck_assert_int_eq(finished.exit_code, 0);
    ck_assert(!finished.has_signal);
    ck_assert_int_gt(finished.cpu_us, 0);
    ck_assert_int_gt(finished.wall_us, 0);
    ck_assert_int_gt(finished.memory_bytes, 0);
    ck_assert_int_eq(strncmp(finished.image_digest, "sha256:", 7), 0);
    ck_assert_int_le(finished.started_us, finished.finished_us);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(four_megabytes_of_input_arrive_byte_for_byte) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    size_t size = (size_t)4 * 1000 * 1000;
    RL_AUTO_FREE char *input = malloc(size);
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++) {
        input[i] = (char)(i * 31 + i / 256);
        sum += (unsigned char)input[i];
    }
    char expected[64];
    snprintf(expected, sizeof expected, "%zu %u\n", size, sum);
    rl_finished finished =
        run_with(&fixture, "python", "import sys\nd = sys.stdin.buffer.read()\nprint(len(d), sum(d))\n",
                 rl_bytes_make(input, size));
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert_output(finished.out, expected);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(input_that_nobody_reads_holds_nothing_up) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    size_t size = (size_t)3 * 1024 * 1024;
    RL_AUTO_FREE char *input = calloc(1, size);
    rl_finished finished = run_with(&fixture, "python", "print('done')\n", rl_bytes_make(input, size));
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert_output(finished.out, "done\n");
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(bytes_that_are_no_text_survive_both_ways) {
    static const char bytes[] = "a\0b\r\n\xff\xfe\xf0\x9f\x91\x8b";
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_finished finished =
        run_with(&fixture, "bash", "cat\ncat /dev/null >&2\n", rl_bytes_make(bytes, sizeof bytes - 1));
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert(rl_bytes_equal(finished.out.bytes, rl_bytes_make(bytes, sizeof bytes - 1)));
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(an_exit_code_is_a_runtime_error_and_is_told) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_finished finished = run_program(&fixture, "bash", "echo oops >&2\nexit 3\n");
    ck_assert_verdict(finished, RL_VERDICT_RUNTIME_ERROR);
    ck_assert_limit(finished, RL_LIMIT_NONE);
    ck_assert_int_eq(finished.exit_code, 3);
    ck_assert_output(finished.err, "oops\n");
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(an_exception_is_a_runtime_error_with_its_trace) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_finished finished = run_program(&fixture, "python", "raise ValueError('boom')\n");
    ck_assert_verdict(finished, RL_VERDICT_RUNTIME_ERROR);
    ck_assert_int_eq(finished.exit_code, 1);
    ck_assert(memmem(finished.err.bytes.data, finished.err.bytes.size, "boom", 4) != NULL);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_segfault_is_a_runtime_error_with_its_signal) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_finished finished = run_program(&fixture, "c", "int main(void) { return *(volatile int *)0; }\n");
    ck_assert_verdict(finished, RL_VERDICT_RUNTIME_ERROR);
    ck_assert(!finished.has_exit_code);
    ck_assert(finished.has_signal);
    ck_assert_int_eq(finished.signal, 11);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_program_that_does_not_compile_is_not_run) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_finished finished = run_program(&fixture, "c", "int main(void) { return nothing; }\n");
    ck_assert_verdict(finished, RL_VERDICT_COMPILE_ERROR);
    ck_assert_limit(finished, RL_LIMIT_NONE);
    ck_assert(!finished.has_exit_code);
    ck_assert(memmem(finished.compile.bytes.data, finished.compile.bytes.size, "nothing", 7) != NULL);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_compiler_that_reads_for_ever_meets_a_limit) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission =
        rl_fixture_submission(&fixture, "c", "#include \"/dev/zero\"\nint main(void) {}\n");
    submission.limits.compile.cpu_us = 2 * RL_US_PER_S;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_COMPILE_ERROR);
    ck_assert(finished.limit_hit == RL_LIMIT_MEMORY || finished.limit_hit == RL_LIMIT_CPU_TIME);
    ck_assert(memmem(finished.compile.bytes.data, finished.compile.bytes.size, "limit exceeded\n", 15) !=
              NULL);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_loop_without_end_is_a_time_limit_of_the_processor) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(&fixture, "python", "while True: pass\n");
    submission.limits.run.cpu_us = RL_US_PER_S;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_TIME_LIMIT);
    ck_assert_limit(finished, RL_LIMIT_CPU_TIME);
    ck_assert_int_ge(finished.cpu_us, RL_US_PER_S);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_sleeper_is_a_time_limit_of_the_wall_clock) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(
        &fixture, "python", "import time\nprint('early', flush=True)\ntime.sleep(3600)\n");
    submission.limits.run.wall_us = RL_US_PER_S;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_TIME_LIMIT);
    ck_assert_limit(finished, RL_LIMIT_WALL_TIME);
    ck_assert_output(finished.out, "early\n");
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_gigabyte_is_a_memory_limit) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_finished finished = run_program(&fixture, "python",
                                       "x = bytearray(1 << 30)\nfor i in range(0, len(x), 4096): x[i] = 1\n");
    ck_assert_verdict(finished, RL_VERDICT_MEMORY_LIMIT);
    ck_assert_limit(finished, RL_LIMIT_MEMORY);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(files_that_leave_no_memory_are_a_memory_limit) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(
        &fixture, "python", "f = open('big', 'wb')\nwhile True: f.write(b'x' * 65536)\n");
    submission.limits.run.memory_bytes = 32 * MIB;
    submission.limits.file_bytes = 64 * MIB;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_MEMORY_LIMIT);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(fifty_megabytes_of_output_are_an_output_limit) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_finished finished =
        run_program(&fixture, "python", "import sys\nfor i in range(800): sys.stdout.write('x' * 65536)\n");
    ck_assert_verdict(finished, RL_VERDICT_OUTPUT_LIMIT);
    ck_assert_limit(finished, RL_LIMIT_OUTPUT);
    ck_assert(finished.out.truncated);
    ck_assert(!finished.err.truncated);
    ck_assert_uint_eq(finished.out.bytes.size, 256 * 1024);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(five_hundred_forks_are_a_process_limit) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_finished finished = run_program(&fixture, "python",
                                       "import os, time\n"
                                       "for i in range(500):\n"
                                       "    if os.fork() == 0:\n"
                                       "        time.sleep(60)\n"
                                       "        os._exit(0)\n"
                                       "print('all')\n");
    ck_assert_verdict(finished, RL_VERDICT_PROCESS_LIMIT);
    ck_assert_limit(finished, RL_LIMIT_PROCESSES);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_refused_fork_that_is_handled_is_ok_with_the_limit_beside_it) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_finished finished = run_program(&fixture, "python",
                                       "import os, time\n"
                                       "try:\n"
                                       "    for i in range(500):\n"
                                       "        if os.fork() == 0:\n"
                                       "            time.sleep(60)\n"
                                       "            os._exit(0)\n"
                                       "except OSError:\n"
                                       "    print('enough')\n");
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert_limit(finished, RL_LIMIT_PROCESSES);
    ck_assert_output(finished.out, "enough\n");
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(there_is_no_network) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_finished finished = run_program(
        &fixture, "python", "import socket\nsocket.create_connection(('1.1.1.1', 53), timeout=2)\n");
    ck_assert_verdict(finished, RL_VERDICT_RUNTIME_ERROR);
    ck_assert_int_eq(finished.exit_code, 1);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(the_run_has_less_memory_than_the_compile_step_where_limits_say_so) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission =
        rl_fixture_submission(&fixture, "c",
                              "#include <stdlib.h>\n"
                              "int main(void) {\n"
                              "    volatile char *p = malloc(200u << 20);\n"
                              "    for (size_t i = 0; i < (200u << 20); i += 4096) p[i] = 1;\n"
                              "    return p[4096] - 1;\n}\n");
    submission.limits.compile.memory_bytes = 512 * MIB;
    submission.limits.run.memory_bytes = 100 * MIB;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_MEMORY_LIMIT);
    submission.limits.run.memory_bytes = 400 * MIB;
    finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_OK);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_compile_step_gets_its_own_memory_where_it_needs_more_than_the_run) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(
        &fixture, "cpp",
        "#include <iostream>\n#include <regex>\n"
        "int main() { std::cout << std::regex_match(\"aab\", std::regex(\"a*b\")) << '\\n'; }\n");
    submission.limits.run.memory_bytes = 48 * MIB;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert_output(finished.out, "1\n");
    submission.limits.compile.memory_bytes = 64 * MIB;
    finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_COMPILE_ERROR);
    ck_assert_limit(finished, RL_LIMIT_MEMORY);
    rl_fixture_close(&fixture);
}
END_TEST

/* javac is never killed for memory: its virtual machine keeps below what the container has, and gives up by itself. */
START_TEST(a_compiler_that_fits_itself_to_the_container_gets_its_own_memory_where_the_runs_is_too_small) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(
        &fixture, "java",
        "public class Main {\n"
        "    public static void main(String[] a) { System.out.println(\"fits\"); }\n}\n");
    const int64_t sizes[] = {32, 64, 96};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        submission.limits.run.memory_bytes = sizes[i] * MIB;
        rl_finished finished = rl_fixture_run(&fixture, &submission);
        /* Whether the program itself finds room is another matter. */
        ck_assert_msg(finished.verdict != RL_VERDICT_COMPILE_ERROR, "%d MiB: %.*s", (int)sizes[i],
                      (int)finished.compile.bytes.size, (const char *)finished.compile.bytes.data);
    }
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(arguments_files_and_the_environment_reach_the_program) {
    static const char *const args[] = {"one", "two words"};
    static const rl_file files[] = {{.path = "data/x.txt", .content = {"from a file", 11}}};
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(
        &fixture, "bash",
        "printf '%s|' \"$@\" \"$(cat data/x.txt)\" \"$HOME\" \"$TMPDIR\" \"$PWD\"; echo x > /tmp/t\n");
    submission.args = args;
    submission.arg_count = 2;
    submission.files = files;
    submission.file_count = 1;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert_output(finished.out, "one|two words|from a file|/box|/tmp|/box|");
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(files_larger_than_the_work_folder_say_so) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(&fixture, "bash", "true\n");
    RL_AUTO_FREE char *content = calloc(1, 2 * MIB);
    rl_file files[] = {{.path = "big", .content = {content, 2 * MIB}}};
    submission.files = files;
    submission.file_count = 1;
    submission.limits.file_bytes = MIB;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_COMPILE_ERROR);
    ck_assert_output(finished.compile, "the files do not fit into the work folder\n");
    rl_fixture_close(&fixture);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        output_comes_back_exactly_even_without_a_last_newline,
        four_megabytes_of_input_arrive_byte_for_byte,
        input_that_nobody_reads_holds_nothing_up,
        bytes_that_are_no_text_survive_both_ways,
        an_exit_code_is_a_runtime_error_and_is_told,
        an_exception_is_a_runtime_error_with_its_trace,
        a_segfault_is_a_runtime_error_with_its_signal,
        a_program_that_does_not_compile_is_not_run,
        a_compiler_that_reads_for_ever_meets_a_limit,
        a_loop_without_end_is_a_time_limit_of_the_processor,
        a_sleeper_is_a_time_limit_of_the_wall_clock,
        a_gigabyte_is_a_memory_limit,
        files_that_leave_no_memory_are_a_memory_limit,
        fifty_megabytes_of_output_are_an_output_limit,
        five_hundred_forks_are_a_process_limit,
        a_refused_fork_that_is_handled_is_ok_with_the_limit_beside_it,
        there_is_no_network,
        the_run_has_less_memory_than_the_compile_step_where_limits_say_so,
        a_compile_step_gets_its_own_memory_where_it_needs_more_than_the_run,
        a_compiler_that_fits_itself_to_the_container_gets_its_own_memory_where_the_runs_is_too_small,
        arguments_files_and_the_environment_reach_the_program,
        files_larger_than_the_work_folder_say_so,
    };
    return rl_fixture_main("runner/sandbox verdicts", tests, sizeof tests / sizeof *tests);
}
