/* Draining a pipe within a cap. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/agent/capture.h"

static int ends[2];
static rl_capture capture;

static void open_pipe(void) {
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
}

static void begin(size_t cap) {
    ck_assert(rl_capture_init(&capture, ends[0], cap));
}

static void say(const char *text) {
    ck_assert_int_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
}

START_TEST(keeps_what_fits_and_counts_the_rest) {
    begin(5);
    say("hello, ");
    ck_assert(!rl_capture_drain(&capture));
    say("world");
    ck_assert(!rl_capture_drain(&capture));
    ck_assert_uint_eq(capture.kept, 5);
    ck_assert_mem_eq(capture.data, "hello", 5);
    ck_assert_uint_eq(capture.total, 12);
    ck_assert(rl_capture_is_truncated(&capture));
    rl_capture_destroy(&capture);
}
END_TEST

START_TEST(exactly_the_cap_is_not_truncated) {
    begin(5);
    say("hello");
    rl_capture_drain(&capture);
    ck_assert(!rl_capture_is_truncated(&capture));
    rl_capture_destroy(&capture);
}
END_TEST

START_TEST(nothing_is_kept_with_a_cap_of_zero) {
    begin(0);
    say("x");
    rl_capture_drain(&capture);
    ck_assert_uint_eq(capture.kept, 0);
    ck_assert(rl_capture_is_truncated(&capture));
    rl_capture_destroy(&capture);
}
END_TEST

START_TEST(end_of_file_closes_the_descriptor) {
    begin(5);
    say("bye");
    close(ends[1]);
    ck_assert(!rl_capture_drain(&capture));
    ck_assert_int_eq(capture.fd, -1);
    ck_assert_uint_eq(capture.kept, 3);
    rl_capture_destroy(&capture);
}
END_TEST

START_TEST(held_pipe_does_not_block) {
    begin(5);
    ck_assert(!rl_capture_drain(&capture)); /* the writer is open and silent */
    ck_assert_int_ge(capture.fd, 0);
    rl_capture_destroy(&capture);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("capture");
    TCase *tests = tcase_create("pipe");
    tcase_add_checked_fixture(tests, open_pipe, NULL);
    tcase_add_test(tests, keeps_what_fits_and_counts_the_rest);
    tcase_add_test(tests, exactly_the_cap_is_not_truncated);
    tcase_add_test(tests, nothing_is_kept_with_a_cap_of_zero);
    tcase_add_test(tests, end_of_file_closes_the_descriptor);
    tcase_add_test(tests, held_pipe_does_not_block);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
