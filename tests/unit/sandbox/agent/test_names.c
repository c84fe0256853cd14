/* Recording the names that a command looks at, and looking at a list of names. */
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/agent/names.h"

static char folder[64], list[128];

static void make_folder(void) {
    snprintf(folder, sizeof folder, "/var/tmp/names-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(list, sizeof list, "%s/list", folder);
}

static void remove_folder(void) {
    unlink(list);
    rmdir(folder);
}

/* Runs the recorder on a shell command; its exit status. */
static int record(const char *command) {
    char line[512];
    snprintf(line, sizeof line, "%s %s sh -c '%s' >/dev/null 2>&1", RECORD_NAMES, list, command);
    return system(line);
}

/* How often the list has the line. */
static int count_of(const char *name) {
    FILE *file = fopen(list, "r");
    ck_assert_ptr_nonnull(file);
    char line[PATH_MAX + 1];
    int count = 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        count += strcmp(line, name) == 0;
    }
    fclose(file);
    return count;
}

START_TEST(names_of_children_are_recorded_once_whether_they_exist_or_not) {
    ck_assert_int_eq(record("cat /etc/passwd; cat /etc/passwd /etc/no-such-file || :"), 0);
    ck_assert_int_eq(count_of("/etc/passwd"), 1);
    ck_assert_int_eq(count_of("/etc/no-such-file"), 1);
}
END_TEST

START_TEST(what_is_each_containers_own_is_left_out) {
    ck_assert_int_eq(record("cat /proc/self/comm; : >/dev/null; test -e /tmp/x || cat /etc/passwd"), 0);
    ck_assert_int_eq(count_of("/proc/self/comm"), 0);
    ck_assert_int_eq(count_of("/dev/null"), 0);
    ck_assert_int_eq(count_of("/tmp/x"), 0);
    ck_assert_int_eq(count_of("/etc/passwd"), 1);
}
END_TEST

START_TEST(a_command_that_fails_is_an_error) {
    ck_assert_int_ne(record("exit 3"), 0);
    ck_assert_int_ne(record("kill -9 $$"), 0);
    ck_assert_int_ne(access(list, F_OK), 0);
}
END_TEST

START_TEST(any_list_can_be_visited) {
    rl_names_visit("/no/such/list");
    rl_names_visit(folder);
    FILE *file = fopen(list, "w");
    ck_assert_ptr_nonnull(file);
    fputs("/etc/passwd\n\n/no/such/name\n", file);
    for (int i = 0; i < 3 * PATH_MAX; i++) {
        fputc('x', file);
    }
    fclose(file);
    rl_names_visit(list);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("names");
    TCase *tests = tcase_create("names");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, names_of_children_are_recorded_once_whether_they_exist_or_not);
    tcase_add_test(tests, what_is_each_containers_own_is_left_out);
    tcase_add_test(tests, a_command_that_fails_is_an_error);
    tcase_add_test(tests, any_list_can_be_visited);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
