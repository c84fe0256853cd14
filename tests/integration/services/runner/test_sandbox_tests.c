/* Tests of a submission, files, fetched files and the compile cache, in real containers. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "services/runner/supply.h"
#include "tests/integration/services/runner/sandbox_fixture.h"

#define MANY 100

static rl_test expecting(const char *input, const char *expected) {
    return (rl_test){.input = rl_bytes_of(input), .has_expected = true, .expected = rl_bytes_of(expected)};
}

static rl_submission with_tests(const rl_fixture *fixture, const char *lang, const char *source,
                                const rl_test *tests, size_t count) {
    rl_submission submission = rl_fixture_submission(fixture, lang, source);
    submission.tests = tests;
    submission.test_count = count;
    return submission;
}

/* A fixture whose sandbox keeps compile steps. */
static void open_with_cache(rl_fixture *fixture) {
    rl_fixture_open(fixture);
    rl_sandbox_free(fixture->sandbox);
    rl_sandbox_options options = rl_fixture_options(fixture);
    options.compile_cache_bytes = (size_t)64 * 1024 * 1024;
    rl_error err = RL_ERROR_INIT;
    fixture->sandbox = rl_sandbox_new(&options, &err);
    ck_assert_msg(fixture->sandbox != NULL, "%s", err.message);
}

static int64_t cache_count(const rl_fixture *fixture, const char *what) {
    char name[96];
    snprintf(name, sizeof name, "runlog_runner_compile_cache_%s", what);
    return rl_metric_value(rl_metrics_counter(fixture->metrics, name, NULL, ""));
}

static const char doubling[] =
    "#include <iostream>\nint main() { long x; std::cin >> x; std::cout << 2 * x << '\\n'; }\n";

START_TEST(three_tests_one_of_them_wrong) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    const rl_test tests[] = {expecting("1", "2"), expecting("2", "5"), expecting("21", "42\n")};
    rl_submission submission = with_tests(&fixture, "cpp", doubling, tests, 3);
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_WRONG_ANSWER);
    ck_assert_output(finished.out, "4\n");
    ck_assert_uint_eq(finished.test_count, 3);
    ck_assert_int_eq(finished.tests[0].verdict, RL_VERDICT_OK);
    ck_assert_int_eq(finished.tests[1].verdict, RL_VERDICT_WRONG_ANSWER);
    ck_assert_int_eq(finished.tests[2].verdict, RL_VERDICT_OK);
    ck_assert_output(finished.tests[2].out, "42\n");
    ck_assert_int_eq(finished.cpu_us,
                     finished.tests[0].cpu_us + finished.tests[1].cpu_us + finished.tests[2].cpu_us);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(stopping_at_the_first_failure_runs_no_more) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    const rl_test tests[] = {expecting("1", "1"), expecting("2", "3"), expecting("3", "3")};
    rl_submission submission = with_tests(&fixture, "python", "print(input())\n", tests, 3);
    submission.stop_at_first_failure = true;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_WRONG_ANSWER);
    ck_assert_int_eq(finished.tests[1].skipped, RL_TEST_SKIP_NO);
    ck_assert_int_eq(finished.tests[2].skipped, RL_TEST_SKIP_FIRST_FAILURE);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(each_test_has_its_own_limits_and_verdict) {
    static const char source[] = "import sys\n"
                                 "w = input()\n"
                                 "if w == 'spin':\n    while True: pass\n"
                                 "if w == 'exit': sys.exit(3)\n"
                                 "if w == 'eat': x = bytearray(1 << 30)\n"
                                 "if w == 'flood': sys.stdout.write('x' * (1 << 20))\n"
                                 "print('fine')\n";
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    const rl_test tests[] = {expecting("spin", ""), expecting("exit", "fine"), expecting("eat", "fine"),
                             expecting("flood", "fine"), expecting("-", "fine")};
    rl_submission submission = with_tests(&fixture, "python", source, tests, 5);
    submission.limits.run.cpu_us = RL_US_PER_S;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_TIME_LIMIT);
    static const rl_verdict verdicts[] = {RL_VERDICT_TIME_LIMIT, RL_VERDICT_RUNTIME_ERROR,
                                          RL_VERDICT_MEMORY_LIMIT, RL_VERDICT_OUTPUT_LIMIT, RL_VERDICT_OK};
    for (size_t i = 0; i < 5; i++) {
        ck_assert_msg(finished.tests[i].verdict == verdicts[i], "test %zu: %s", i,
                      rl_verdict_name(finished.tests[i].verdict));
    }
    ck_assert_int_eq(finished.tests[1].exit_code, 3);
    rl_fixture_close(&fixture);
}
END_TEST

/* Looks wherever a program can look. The needle is put together so that the program's text does not hold it. */
START_TEST(the_expected_output_is_nowhere_in_the_container) {
    static const char source[] =
        "import os, sys\n"
        "needle = ('expec' + 'tation-' + input()).encode()\n"
        "found = [k for k, v in os.environ.items() if needle in v.encode()]\n"
        "def look(path):\n"
        "    try:\n"
        "        with open(path, 'rb') as f: data = f.read(1 << 20)\n"
        "    except OSError: return\n"
        "    if needle in data: found.append(path)\n"
        "for top in ('/box', '/tmp', '/dev/shm', '/run', '/etc', '/var/tmp'):\n"
        "    for folder, _, files in os.walk(top):\n"
        "        for name in files: look(os.path.join(folder, name))\n"
        "for pid in filter(str.isdigit, os.listdir('/proc')):\n"
        "    if pid == str(os.getpid()): continue\n"
        "    for name in ('environ', 'cmdline', 'mem', 'maps'): look('/proc/%s/%s' % (pid, name))\n"
        "    try:\n"
        "        for fd in os.listdir('/proc/%s/fd' % pid): look('/proc/%s/fd/%s' % (pid, fd))\n"
        "    except OSError: pass\n"
        "if needle in sys.stdin.buffer.read(): found.append('stdin')\n"
        "print(found)\n";
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    const rl_test tests[] = {expecting("4711\n", "expectation-4711"),
                             expecting("4712\n", "expectation-4712")};
    rl_submission submission = with_tests(&fixture, "python", source, tests, 2);
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(finished.tests[i].verdict, RL_VERDICT_WRONG_ANSWER);
        ck_assert_output(finished.tests[i].out, "[]\n");
    }
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(nothing_of_one_test_reaches_the_next) {
    static const char source[] =
        "import os\n"
        "seen = [p for p in ('left', '/tmp/left', '/dev/shm/left', 'folder/deep') if os.path.exists(p)]\n"
        "for pid in filter(str.isdigit, os.listdir('/proc')):\n"
        "    try:\n"
        "        if b'31337' in open('/proc/%s/cmdline' % pid, 'rb').read(): seen.append('process')\n"
        "    except OSError: pass\n"
        "if os.path.exists('given') and open('given').read() != 'given': seen.append('changed')\n"
        "print(seen)\n"
        "for p in ('left', '/tmp/left', '/dev/shm/left'): open(p, 'w').write('x')\n"
        "os.makedirs('folder/deep')\n"
        "open('given', 'w').write('spoilt')\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    os.execvp('sleep', ['sleep', '31337'])\n";
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    const rl_test tests[] = {expecting("", "[]"), expecting("", "[]"), expecting("", "[]")};
    static const rl_file files[] = {{.path = "given", .content = {"given", 5}}};
    rl_submission submission = with_tests(&fixture, "python", source, tests, 3);
    submission.files = files;
    submission.file_count = 1;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_output(finished.tests[i].out, "[]\n");
    }
    ck_assert_verdict(finished, RL_VERDICT_OK);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(an_entry_point_among_the_files_is_what_runs) {
    static const rl_file files[] = {
        {.path = "src/app.py", .content = {"import lib\nprint(lib.answer)\n", 29}},
        {.path = "src/lib.py", .content = {"answer = 42\n", 12}},
    };
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(&fixture, "python", "");
    submission.files = files;
    submission.file_count = 2;
    submission.entry_point = "src/app.py";
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert_output(finished.out, "42\n");
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_c_program_of_several_files_is_compiled_whole) {
    static const char util[] = "#include \"util.h\"\nint twice(int x) { return 2 * x; }\n";
    static const rl_file files[] = {
        {.path = "util.c", .content = {util, sizeof util - 1}},
        {.path = "util.h", .content = {"int twice(int x);\n", 18}},
    };
    static const char *const options[] = {"-DX=21"};
    static const char *const args[] = {"a b", ""};
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(
        &fixture, "c",
        "#include <stdio.h>\n#include \"util.h\"\n"
        "int main(int c, char **v) { printf(\"%d %d %s\\n\", twice(X), c, v[1]); return 0; }\n");
    submission.files = files;
    submission.file_count = 2;
    submission.compile_options = options;
    submission.compile_option_count = 1;
    submission.args = args;
    submission.arg_count = 2;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert_output(finished.out, "42 3 a b\n");
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_java_program_in_packages_starts_by_its_path) {
    static const char start[] =
        "package org.app;\nimport org.lib.Answer;\npublic class Start {\n"
        "  public static void main(String[] a) { System.out.println(Answer.get()); }\n}\n";
    static const char answer[] =
        "package org.lib;\npublic class Answer { public static int get() { return 42; } }\n";
    static const rl_file files[] = {
        {.path = "org/app/Start.java", .content = {start, sizeof start - 1}},
        {.path = "org/lib/Answer.java", .content = {answer, sizeof answer - 1}},
    };
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(&fixture, "java", "");
    submission.files = files;
    submission.file_count = 2;
    submission.entry_point = "org/app/Start.java";
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert_output(finished.out, "42\n");
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(files_that_a_program_wrote_come_back) {
    static const char *const wanted[] = {"out.txt", "sub/deep.bin", "missing", "folder", "link"};
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(
        &fixture, "python",
        "import os\nopen('out.txt', 'w').write('text\\n')\nos.makedirs('sub')\n"
        "open('sub/deep.bin', 'wb').write(bytes(range(256)) * 1000)\nos.mkdir('folder')\n"
        "os.symlink('/etc/passwd', 'link')\nos.remove('main.py')\nraise SystemExit(3)\n");
    submission.fetch_files = wanted;
    submission.fetch_file_count = 5;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_RUNTIME_ERROR);
    ck_assert_uint_eq(finished.fetched_count, 5);
    ck_assert_str_eq(finished.fetched[0].path, "out.txt");
    ck_assert(rl_bytes_equal(finished.fetched[0].content, rl_bytes_of("text\n")));
    ck_assert_uint_eq(finished.fetched[1].content.size, 256000);
    ck_assert_int_eq(((const unsigned char *)finished.fetched[1].content.data)[255999], 255);
    ck_assert_str_eq(finished.fetched[2].problem, "not found");
    ck_assert_str_eq(finished.fetched[3].problem, "not a regular file");
    ck_assert_str_eq(finished.fetched[4].problem, "not a regular file");
    ck_assert_uint_eq(finished.fetched[4].content.size, 0);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(with_tests_the_files_are_those_of_the_last_one_that_was_run) {
    static const char *const wanted[] = {"out.txt"};
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    const rl_test tests[] = {expecting("1", "1"), expecting("2", "wrong"), expecting("3", "3")};
    rl_submission submission =
        with_tests(&fixture, "python", "x = input()\nopen('out.txt', 'w').write(x)\nprint(x)\n", tests, 3);
    submission.fetch_files = wanted;
    submission.fetch_file_count = 1;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert(rl_bytes_equal(finished.fetched[0].content, rl_bytes_of("3")));
    submission.stop_at_first_failure = true;
    finished = rl_fixture_run(&fixture, &submission);
    ck_assert(rl_bytes_equal(finished.fetched[0].content, rl_bytes_of("2")));
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_broken_archive_is_told_like_a_compilers_complaint) {
    static const rl_file files[] = {{.path = ".", .format = RL_FILE_ZIP, .content = {"no archive", 10}}};
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(&fixture, "python", "print(1)\n");
    submission.files = files;
    submission.file_count = 1;
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(finished, RL_VERDICT_COMPILE_ERROR);
    ck_assert_msg(finished.compile.bytes.size > 10 &&
                      memcmp(finished.compile.bytes.data, "files[0]: ", 10) == 0,
                  "%.*s", (int)finished.compile.bytes.size, (const char *)finished.compile.bytes.data);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_known_compile_step_is_skipped_and_the_result_is_the_same) {
    rl_fixture fixture;
    open_with_cache(&fixture);
    rl_submission submission =
        rl_fixture_submission(&fixture, "c",
                              "#include <stdio.h>\n#warning said once\nint main(void) { int x; scanf(\"%d\", "
                              "&x); printf(\"%d\\n\", x + 1); }\n");
    submission.input = rl_bytes_of("1");
    rl_finished first = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(first, RL_VERDICT_OK);
    ck_assert_output(first.out, "2\n");
    ck_assert_int_eq(cache_count(&fixture, "hits_total"), 0);
    submission.input = rl_bytes_of("2");
    rl_finished second = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(second, RL_VERDICT_OK);
    ck_assert_output(second.out, "3\n");
    ck_assert_int_eq(cache_count(&fixture, "hits_total"), 1);
    ck_assert_uint_gt(first.compile.bytes.size, 0);
    ck_assert(rl_bytes_equal(first.compile.bytes, second.compile.bytes));
    submission.source = rl_bytes_of("int main(void) { return 7; }\n");
    rl_finished third = rl_fixture_run(&fixture, &submission);
    ck_assert_verdict(third, RL_VERDICT_RUNTIME_ERROR);
    ck_assert_int_eq(third.exit_code, 7);
    ck_assert_int_eq(cache_count(&fixture, "hits_total"), 1);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(tenants_do_not_share_compile_steps_and_errors_are_not_kept) {
    rl_fixture fixture;
    open_with_cache(&fixture);
    rl_submission submission = rl_fixture_submission(&fixture, "c", "int main(void) { return 0; }\n");
    submission.tenant = "a";
    ck_assert_verdict(rl_fixture_run(&fixture, &submission), RL_VERDICT_OK);
    submission.tenant = "b";
    ck_assert_verdict(rl_fixture_run(&fixture, &submission), RL_VERDICT_OK);
    submission.source = rl_bytes_of("int main(void) { return x; }\n");
    ck_assert_verdict(rl_fixture_run(&fixture, &submission), RL_VERDICT_COMPILE_ERROR);
    ck_assert_verdict(rl_fixture_run(&fixture, &submission), RL_VERDICT_COMPILE_ERROR);
    ck_assert_int_eq(cache_count(&fixture, "hits_total"), 0);
    ck_assert_int_eq(cache_count(&fixture, "misses_total"), 4);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_known_compile_step_serves_tests_and_programs_of_several_files) {
    static const char answer[] =
        "package org.lib;\npublic class Answer { public static int get(int x) { return 2 * x; } }\n";
    static const char start[] =
        "package org.app;\npublic class Start {\n  public static void main(String[] a) {\n"
        "    System.out.println(org.lib.Answer.get(new java.util.Scanner(System.in).nextInt()));\n  }\n}\n";
    static const rl_file files[] = {
        {.path = "org/app/Start.java", .content = {start, sizeof start - 1}},
        {.path = "org/lib/Answer.java", .content = {answer, sizeof answer - 1}},
    };
    rl_fixture fixture;
    open_with_cache(&fixture);
    const rl_test tests[] = {expecting("1", "2"), expecting("21", "42")};
    rl_submission submission = with_tests(&fixture, "java", "", tests, 2);
    submission.files = files;
    submission.file_count = 2;
    submission.entry_point = "org/app/Start.java";
    for (int i = 0; i < 2; i++) {
        rl_finished finished = rl_fixture_run(&fixture, &submission);
        ck_assert_verdict(finished, RL_VERDICT_OK);
        ck_assert_int_eq(cache_count(&fixture, "hits_total"), i);
    }
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(what_was_compiled_is_known_also_after_a_first_failure) {
    rl_fixture fixture;
    open_with_cache(&fixture);
    const rl_test tests[] = {expecting("1", "3"), expecting("2", "4"), expecting("3", "6")};
    rl_submission submission = with_tests(&fixture, "cpp", doubling, tests, 3);
    submission.stop_at_first_failure = true;
    for (int i = 0; i < 2; i++) {
        rl_finished finished = rl_fixture_run(&fixture, &submission);
        ck_assert_verdict(finished, RL_VERDICT_WRONG_ANSWER);
        ck_assert_int_eq(finished.tests[1].skipped, RL_TEST_SKIP_FIRST_FAILURE);
        ck_assert_int_eq(cache_count(&fixture, "hits_total"), i);
    }
    rl_fixture_close(&fixture);
}
END_TEST

/* Folders of package names: longer than any path that a submission's own files may have. */
#define LONG_NAME "a_name_of_fifty_characters_that_a_package_may_have"
#define LONG_PACKAGE                                                                                         \
    LONG_NAME "." LONG_NAME "." LONG_NAME "." LONG_NAME "." LONG_NAME "." LONG_NAME "." LONG_NAME

START_TEST(what_a_compiler_leaves_in_deep_folders_is_kept_for_all_tests) {
    static const char deep[] = "package " LONG_PACKAGE ";\npublic class Deep { public static int x = 42; }\n";
    static const char start[] = "public class Main {\n  public static void main(String[] a) { "
                                "System.out.println(" LONG_PACKAGE ".Deep.x); }\n}\n";
    static const rl_file files[] = {{.path = "Deep.java", .content = {deep, sizeof deep - 1}}};
    rl_fixture fixture;
    open_with_cache(&fixture);
    const rl_test tests[] = {expecting("", "42"), expecting("", "42")};
    rl_submission submission = with_tests(&fixture, "java", start, tests, 2);
    submission.files = files;
    submission.file_count = 1;
    for (int i = 0; i < 2; i++) {
        ck_assert_verdict(rl_fixture_run(&fixture, &submission), RL_VERDICT_OK);
        ck_assert_int_eq(cache_count(&fixture, "hits_total"), i);
    }
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(without_a_cache_every_submission_is_compiled) {
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = rl_fixture_submission(&fixture, "c", "int main(void) { return 0; }\n");
    for (int i = 0; i < 2; i++) {
        ck_assert_verdict(rl_fixture_run(&fixture, &submission), RL_VERDICT_OK);
    }
    ck_assert_int_eq(cache_count(&fixture, "hits_total") + cache_count(&fixture, "misses_total"), 0);
    rl_fixture_close(&fixture);
}
END_TEST

START_TEST(a_hundred_tests_are_one_compilation_in_one_container) {
    static char inputs[MANY][16];
    static char outputs[MANY][16];
    static rl_test tests[MANY];
    for (int i = 0; i < MANY; i++) {
        snprintf(inputs[i], sizeof inputs[i], "%d", i);
        snprintf(outputs[i], sizeof outputs[i], "%d", 2 * i);
        tests[i] = expecting(inputs[i], outputs[i]);
    }
    rl_fixture fixture;
    rl_fixture_open(&fixture);
    rl_submission submission = with_tests(&fixture, "cpp", doubling, tests, MANY);
    int64_t begin_us = rl_clock_us();
    rl_finished finished = rl_fixture_run(&fixture, &submission);
    printf("%d tests: %lld ms in all, %lld us of CPU and %lld us elapsed in the tests\n", MANY,
           (long long)(rl_clock_us() - begin_us) / 1000, (long long)finished.cpu_us,
           (long long)finished.wall_us);
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert_uint_eq(finished.test_count, MANY);
    ck_assert_int_eq(
        rl_metric_value(rl_metrics_histogram(fixture.metrics, RL_STEP_METRIC, RL_STEP_COMPILE, "")), 1);
    ck_assert_int_eq(rl_metric_value(rl_metrics_histogram(fixture.metrics, RL_STEP_METRIC, RL_STEP_JOB, "")),
                     1);
    rl_fixture_close(&fixture);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        three_tests_one_of_them_wrong,
        stopping_at_the_first_failure_runs_no_more,
        each_test_has_its_own_limits_and_verdict,
        the_expected_output_is_nowhere_in_the_container,
        nothing_of_one_test_reaches_the_next,
        an_entry_point_among_the_files_is_what_runs,
        a_c_program_of_several_files_is_compiled_whole,
        a_java_program_in_packages_starts_by_its_path,
        files_that_a_program_wrote_come_back,
        with_tests_the_files_are_those_of_the_last_one_that_was_run,
        a_broken_archive_is_told_like_a_compilers_complaint,
        a_known_compile_step_is_skipped_and_the_result_is_the_same,
        tenants_do_not_share_compile_steps_and_errors_are_not_kept,
        a_known_compile_step_serves_tests_and_programs_of_several_files,
        what_was_compiled_is_known_also_after_a_first_failure,
        what_a_compiler_leaves_in_deep_folders_is_kept_for_all_tests,
        without_a_cache_every_submission_is_compiled,
        a_hundred_tests_are_one_compilation_in_one_container,
    };
    return rl_fixture_main("runner/sandbox tests", tests, sizeof tests / sizeof *tests);
}
