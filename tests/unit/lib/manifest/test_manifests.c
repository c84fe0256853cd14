/* A folder of manifests: what is loaded, in which order, and which clashes are refused. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/manifest/manifest.h"

static char folder[64];

static void make_folder(void) {
    (void)snprintf(folder, sizeof folder, "/tmp/runlog-languages-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void) {
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void write_text(const char *name, const char *text) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_msg(mkdir(path, 0700) == 0 || errno == EEXIST, "%s: %s", path, strerror(errno));
    (void)snprintf(path, sizeof path, "%s/%s/manifest.json", folder, name);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void write_manifest(const char *name, const char *aliases) {
    char text[512];
    (void)snprintf(text, sizeof text,
                   "{\"name\":\"%s\",\"title\":\"T\",\"version\":\"1\",\"aliases\":[%s],\"sourceFile\":\"a\","
                   "\"run\":[\"x\"],\"versionCommand\":[\"x\"]}",
                   name, aliases);
    write_text(name, text);
}

static rl_manifests *load(const char *only) {
    rl_error err = RL_ERROR_INIT;
    rl_manifests *all = rl_manifests_load(folder, only, &err);
    ck_assert_msg(all != NULL, "refused: %s", err.message);
    return all;
}

static void assert_refused(const char *only, rl_error_class error_class, const char *message) {
    char expected[256];
    rl_error err = RL_ERROR_INIT;
    rl_manifests *all RL_AUTO_MANIFESTS = rl_manifests_load(folder, only, &err);
    ck_assert_msg(all == NULL, "accepted");
    (void)snprintf(expected, sizeof expected, "%s%s", folder, message);
    ck_assert_str_eq(err.message, expected);
    ck_assert_int_eq(err.error_class, error_class);
}

START_TEST(manifests_are_sorted_and_found_by_name_and_alias) {
    write_manifest("zig", "\"z\"");
    write_manifest("ada", "\"a83\",\"a95\"");
    rl_manifests *all RL_AUTO_MANIFESTS = load(NULL);
    ck_assert_uint_eq(rl_manifests_count(all), 2);
    ck_assert_str_eq(rl_manifests_at(all, 0)->name, "ada");
    ck_assert_str_eq(rl_manifests_at(all, 1)->name, "zig");
    ck_assert_ptr_eq(rl_manifests_find(all, rl_bytes_of("a95")), rl_manifests_at(all, 0));
    ck_assert_ptr_eq(rl_manifests_find(all, rl_bytes_of("zig")), rl_manifests_at(all, 1));
    ck_assert_ptr_null(rl_manifests_find(all, rl_bytes_of("zi")));
    ck_assert_ptr_null(rl_manifests_find(all, rl_bytes_of("")));
    ck_assert_ptr_null(rl_manifests_find(all, rl_bytes_make("ada\0", 4)));
}
END_TEST

START_TEST(more_languages_than_a_first_guess_are_loaded) {
    for (int i = 0; i < 40; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "lang%02d", i);
        write_manifest(name, "");
    }
    rl_manifests *all RL_AUTO_MANIFESTS = load("");
    ck_assert_uint_eq(rl_manifests_count(all), 40);
    ck_assert_str_eq(rl_manifests_at(all, 39)->name, "lang39");
}
END_TEST

START_TEST(a_folder_without_a_manifest_is_skipped) {
    char path[160];
    write_manifest("ada", "");
    (void)snprintf(path, sizeof path, "%s/notes", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    rl_manifests *all RL_AUTO_MANIFESTS = load(NULL);
    ck_assert_uint_eq(rl_manifests_count(all), 1);
}
END_TEST

START_TEST(only_the_wanted_ones_are_loaded) {
    write_manifest("ada", "");
    write_manifest("zig", "");
    write_text("broken", "{");
    rl_manifests *all RL_AUTO_MANIFESTS = load("zig,ada");
    ck_assert_uint_eq(rl_manifests_count(all), 2);
    rl_manifests *one RL_AUTO_MANIFESTS = load("zig");
    ck_assert_uint_eq(rl_manifests_count(one), 1);
    assert_refused("zig,adam", RL_INVALID, ": no language \"adam\" there");
}
END_TEST

START_TEST(an_error_names_file_and_field) {
    write_text("ada", "{\"name\":\"ada\",\"speed\":1}");
    assert_refused(NULL, RL_INVALID, "/ada/manifest.json: speed: unknown field");
}
END_TEST

START_TEST(an_alias_taken_twice_is_refused) {
    write_manifest("ada", "\"shared\"");
    write_manifest("zig", "\"z\",\"shared\"");
    assert_refused(NULL, RL_INVALID, "/zig/manifest.json: aliases[1]: \"shared\" is taken by ada");
}
END_TEST

START_TEST(a_name_that_is_an_alias_elsewhere_is_refused) {
    write_manifest("ada", "\"zig\"");
    write_manifest("zig", "");
    assert_refused(NULL, RL_INVALID, "/zig/manifest.json: name: \"zig\" is an alias of ada");
}
END_TEST

START_TEST(an_alias_that_is_a_name_elsewhere_is_refused) {
    write_manifest("ada", "");
    write_manifest("zig", "\"ada\"");
    assert_refused(NULL, RL_INVALID, "/zig/manifest.json: aliases[0]: \"ada\" is taken by ada");
}
END_TEST

START_TEST(an_empty_folder_is_refused) {
    assert_refused(NULL, RL_INVALID, ": no language there");
}
END_TEST

START_TEST(a_manifest_of_any_length_is_bounded) {
    char *text = malloc(70000);
    memset(text, ' ', 70000);
    text[69999] = '\0';
    write_text("ada", text);
    free(text);
    assert_refused(NULL, RL_INVALID, "/ada/manifest.json: is larger than 65536 bytes");
}
END_TEST

START_TEST(a_missing_folder_is_fatal) {
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(rl_manifests_load("/nowhere/at/all", NULL, &err));
    ck_assert_int_eq(err.error_class, RL_FATAL);
    ck_assert_int_eq(err.code, ENOENT);
    ck_assert_msg(strstr(err.message, "/nowhere/at/all") != NULL, "%s", err.message);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("manifests");
    TCase *tests = tcase_create("a folder");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, manifests_are_sorted_and_found_by_name_and_alias);
    tcase_add_test(tests, more_languages_than_a_first_guess_are_loaded);
    tcase_add_test(tests, a_folder_without_a_manifest_is_skipped);
    tcase_add_test(tests, only_the_wanted_ones_are_loaded);
    tcase_add_test(tests, an_error_names_file_and_field);
    tcase_add_test(tests, an_alias_taken_twice_is_refused);
    tcase_add_test(tests, a_name_that_is_an_alias_elsewhere_is_refused);
    tcase_add_test(tests, an_alias_that_is_a_name_elsewhere_is_refused);
    tcase_add_test(tests, an_empty_folder_is_refused);
    tcase_add_test(tests, a_manifest_of_any_length_is_bounded);
    tcase_add_test(tests, a_missing_folder_is_fatal);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
