/* One manifest: what is read, what is refused, and what the complaint says. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/manifest/manifest.h"

#define MIB ((int64_t)1024 * 1024)

/* A manifest with the fields that must be there, and `more`, which starts with a comma or is "". */
#define MANIFEST(more)                                                                                       \
    "{\"name\":\"cobol\",\"title\":\"COBOL\",\"version\":\"3\",\"sourceFile\":\"main.cob\","                 \
    "\"run\":[\"./main\"],\"versionCommand\":[\"cobc\",\"-V\"]" more "}"

static rl_manifest *parse(const char *json) {
    rl_error err = RL_ERROR_INIT;
    rl_manifest *manifest = rl_manifest_parse("cobol", rl_bytes_of(json), &err);
    ck_assert_msg(manifest != NULL, "refused: %s", err.message);
    return manifest;
}

static void assert_refused(const char *json, const char *message) {
    rl_error err = RL_ERROR_INIT;
    rl_manifest *manifest RL_AUTO_MANIFEST = rl_manifest_parse("cobol", rl_bytes_of(json), &err);
    ck_assert_msg(manifest == NULL, "accepted: %s", json);
    ck_assert_int_eq(err.error_class, RL_INVALID);
    ck_assert_str_eq(err.message, message);
}

START_TEST(the_smallest_manifest_gets_the_defaults) {
    rl_manifest *m RL_AUTO_MANIFEST = parse(MANIFEST(""));
    ck_assert_str_eq(m->name, "cobol");
    ck_assert_str_eq(m->title, "COBOL");
    ck_assert_str_eq(m->version, "3");
    ck_assert_str_eq(m->source_file, "main.cob");
    ck_assert_ptr_null(m->compile);
    ck_assert_uint_eq(m->compile_count, 0);
    ck_assert_uint_eq(m->alias_count, 0);
    ck_assert_uint_eq(m->environment_count, 0);
    ck_assert_int_eq(m->pool, 1);
    ck_assert_int_eq(m->limits.compile.cpu_us, 10000000);
    ck_assert_int_eq(m->limits.compile.wall_us, 22000000);
    ck_assert_int_eq(m->limits.compile.memory_bytes, 512 * MIB);
    ck_assert_int_eq(m->limits.run.cpu_us, 5000000);
    ck_assert_int_eq(m->limits.run.wall_us, 12000000);
    ck_assert_int_eq(m->limits.run.memory_bytes, 256 * MIB);
    ck_assert_int_eq(m->limits.output_bytes, 256 * 1024);
    ck_assert_int_eq(m->limits.file_bytes, 64 * MIB);
    ck_assert_int_eq(m->limits.stack_bytes, 64 * MIB);
    ck_assert_int_eq(m->limits.processes, 64);
    ck_assert_int_eq(m->limits.open_files, 256);
}
END_TEST

START_TEST(every_field_is_read) {
    rl_manifest *m RL_AUTO_MANIFEST =
        parse(MANIFEST(",\"aliases\":[\"cob\",\"c++\"],\"compile\":[\"cobc\",\"-x\",\"main.cob\"],"
                       "\"env\":{\"COB_A\":\"1\",\"COB_B\":\"\"},\"poolSize\":3"));
    ck_assert_uint_eq(m->alias_count, 2);
    ck_assert_str_eq(m->aliases[1], "c++");
    ck_assert_uint_eq(m->compile_count, 3);
    ck_assert_str_eq(m->compile[0], "cobc");
    ck_assert_str_eq(m->compile[2], "main.cob");
    ck_assert_ptr_null(m->compile[3]);
    ck_assert_uint_eq(m->run_count, 1);
    ck_assert_str_eq(m->run[0], "./main");
    ck_assert_uint_eq(m->version_command_count, 2);
    ck_assert_str_eq(m->version_command[1], "-V");
    ck_assert_uint_eq(m->environment_count, 2);
    ck_assert_str_eq(m->environment[0], "COB_A=1");
    ck_assert_str_eq(m->environment[1], "COB_B=");
    ck_assert_int_eq(m->pool, 3);
}
END_TEST

START_TEST(factors_scale_the_limits_and_the_wall_follows_the_cpu) {
    rl_manifest *m RL_AUTO_MANIFEST =
        parse(MANIFEST(",\"factors\":{\"compileTime\":0.5,\"compileMemory\":2,\"runTime\":2,"
                       "\"runMemory\":1.5,\"processes\":4}"));
    ck_assert_int_eq(m->limits.compile.cpu_us, 5000000);
    ck_assert_int_eq(m->limits.compile.wall_us, 12000000);
    ck_assert_int_eq(m->limits.compile.memory_bytes, 1024 * MIB);
    ck_assert_int_eq(m->limits.run.cpu_us, 10000000);
    ck_assert_int_eq(m->limits.run.wall_us, 22000000);
    ck_assert_int_eq(m->limits.run.memory_bytes, 384 * MIB);
    ck_assert_int_eq(m->limits.processes, 256);
}
END_TEST

START_TEST(what_is_no_json_is_refused_with_its_place) {
    assert_refused("", "line 1, column 0: '[' or '{' expected near end of file");
    assert_refused("{\n\"name\" 1}", "line 2, column 8: ':' expected near '1'");
    assert_refused("[]", "must be a JSON object");
}
END_TEST

START_TEST(a_field_twice_is_refused) {
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(
        rl_manifest_parse("cobol", rl_bytes_of(MANIFEST(",\"poolSize\":1,\"poolSize\":2")), &err));
    ck_assert_msg(strstr(err.message, "duplicate") != NULL, "%s", err.message);
}
END_TEST

START_TEST(what_is_started_early_is_named_or_turned_off) {
    rl_manifest *with RL_AUTO_MANIFEST = parse(MANIFEST(",\"prestart\":[\"./wait\",\"-x\"]"));
    ck_assert_uint_eq(with->prestart_count, 2);
    ck_assert_str_eq(with->prestart[1], "-x");
    ck_assert_int_eq(with->prestart_bytes, 7 << 20);
    rl_manifest *large RL_AUTO_MANIFEST =
        parse(MANIFEST(",\"prestartMemoryMb\":40,\"prestart\":[\"./wait\"]"));
    ck_assert_int_eq(large->prestart_bytes, 40 << 20);
    rl_manifest *without RL_AUTO_MANIFEST = parse(MANIFEST(",\"prestart\":false"));
    ck_assert_uint_eq(without->prestart_count, 0);
    ck_assert_int_eq(without->prestart_bytes, 0);
    assert_refused(MANIFEST(",\"prestart\":true"), "prestart: must be a list of 1 to 64 strings");
    assert_refused(MANIFEST(",\"prestart\":[]"), "prestart: must be a list of 1 to 64 strings");
}
END_TEST

START_TEST(unknown_fields_are_refused_by_name) {
    assert_refused(MANIFEST(",\"complie\":[\"x\"]"), "complie: unknown field");
    assert_refused(MANIFEST(",\"factors\":{\"memory\":2}"), "factors.memory: unknown field");
}
END_TEST

START_TEST(missing_fields_are_named) {
    assert_refused("{}", "name: is missing");
    assert_refused("{\"name\":\"cobol\",\"title\":\"C\",\"version\":\"1\",\"sourceFile\":\"a\","
                   "\"versionCommand\":[\"x\"]}",
                   "run: is missing");
}
END_TEST

START_TEST(the_name_must_be_the_folders) {
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(rl_manifest_parse("fortran", rl_bytes_of(MANIFEST("")), &err));
    ck_assert_str_eq(err.message, "name: is \"cobol\" in a folder called \"fortran\"");
}
END_TEST

START_TEST(a_folder_that_cannot_name_an_image_is_refused) {
    static const char *const names[] = {"C", "", "c++", "a b", "-a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        rl_error err = RL_ERROR_INIT;
        ck_assert_msg(rl_manifest_parse(names[i], rl_bytes_of(MANIFEST("")), &err) == NULL, "%s", names[i]);
        ck_assert_msg(strstr(err.message, "folder's name") != NULL, "%s: %s", names[i], err.message);
    }
}
END_TEST

START_TEST(wrong_types_are_refused_by_field) {
    assert_refused("{\"name\":1,\"title\":\"C\",\"version\":\"1\",\"sourceFile\":\"a\",\"run\":[\"x\"],"
                   "\"versionCommand\":[\"x\"]}",
                   "name: must be a string");
    assert_refused(MANIFEST(",\"aliases\":\"cob\""), "aliases: must be a list of 0 to 16 strings");
    assert_refused(MANIFEST(",\"aliases\":[1]"), "aliases[0]: must be a string");
    assert_refused(MANIFEST(",\"factors\":2"), "factors: must be an object");
    assert_refused(MANIFEST(",\"env\":[]"), "env: must be an object of at most 32 strings");
    assert_refused(MANIFEST(",\"env\":{\"A\":1}"), "env.A: must be a string");
    assert_refused(MANIFEST(",\"poolSize\":\"1\""), "poolSize: must be an integer from 0 to 64");
    assert_refused(MANIFEST(",\"poolSize\":1.5"), "poolSize: must be an integer from 0 to 64");
}
END_TEST

START_TEST(numbers_out_of_bounds_are_refused) {
    assert_refused(MANIFEST(",\"prestartMemoryMb\":-1"),
                   "prestartMemoryMb: must be an integer from 0 to 4096");
    assert_refused(MANIFEST(",\"poolSize\":-1"), "poolSize: must be an integer from 0 to 64");
    assert_refused(MANIFEST(",\"poolSize\":65"), "poolSize: must be an integer from 0 to 64");
    assert_refused(MANIFEST(",\"factors\":{\"runTime\":0}"),
                   "factors.runTime: must be a number from 0.1 to 16");
    assert_refused(MANIFEST(",\"factors\":{\"processes\":17}"),
                   "factors.processes: must be a number from 0.1 to 16");
    assert_refused(MANIFEST(",\"factors\":{\"runMemory\":\"2\"}"),
                   "factors.runMemory: must be a number from 0.1 to 16");
}
END_TEST

START_TEST(bad_argument_vectors_are_refused) {
    assert_refused(MANIFEST(",\"compile\":[]"), "compile: must be a list of 1 to 64 strings");
    assert_refused(MANIFEST(",\"compile\":\"gcc main.c\""), "compile: must be a list of 1 to 64 strings");
    assert_refused(MANIFEST(",\"compile\":[\"\"]"),
                   "compile[0]: must be 1 to 1024 bytes without control characters");
    assert_refused(MANIFEST(",\"compile\":[\"gcc\",\"a\\nb\"]"),
                   "compile[1]: must be 1 to 1024 bytes without control characters");
    assert_refused(MANIFEST(",\"compile\":[\"-o\",\"main\"]"),
                   "compile[0]: must be a program, not an option");
}
END_TEST

START_TEST(bad_aliases_are_refused) {
    assert_refused(MANIFEST(",\"aliases\":[\"cob\",\"cob\"]"), "aliases[1]: \"cob\" is there twice");
    assert_refused(MANIFEST(",\"aliases\":[\"cobol\"]"), "aliases[0]: \"cobol\" is there twice");
    assert_refused(MANIFEST(",\"aliases\":[\"Cob\"]"),
                   "aliases[0]: must start with a-z or 0-9 and hold only those and + # . _ -");
}
END_TEST

START_TEST(reserved_and_malformed_variables_are_refused) {
    const char *expected = ": must be a variable name, and not PATH, HOME, TMPDIR or LANG";
    static const char *const names[] = {"PATH", "HOME", "TMPDIR", "LANG", "1A", "A-B", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char json[512];
        char message[128];
        (void)snprintf(json, sizeof json, MANIFEST(",\"env\":{\"%s\":\"x\"}"), names[i]);
        (void)snprintf(message, sizeof message, "env.%s%s", names[i], expected);
        assert_refused(json, message);
    }
}
END_TEST

START_TEST(a_source_file_must_be_a_plain_name) {
    static const char *const names[] = {"../main.c", "a/b", ".hidden", "-o", "a b", "/etc/passwd"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char json[512];
        rl_error err = RL_ERROR_INIT;
        (void)snprintf(json, sizeof json,
                       "{\"name\":\"cobol\",\"title\":\"C\",\"version\":\"1\",\"sourceFile\":\"%s\","
                       "\"run\":[\"x\"],\"versionCommand\":[\"x\"]}",
                       names[i]);
        ck_assert_msg(rl_manifest_parse("cobol", rl_bytes_of(json), &err) == NULL, "%s", names[i]);
        ck_assert_msg(strncmp(err.message, "sourceFile: ", 12) == 0, "%s: %s", names[i], err.message);
    }
}
END_TEST

START_TEST(a_manifest_outlives_its_text) {
    char *json = strdup(MANIFEST(",\"aliases\":[\"cob\"]"));
    rl_manifest *m RL_AUTO_MANIFEST = parse(json);
    memset(json, 'x', strlen(json));
    free(json);
    ck_assert_str_eq(m->aliases[0], "cob");
    ck_assert_str_eq(m->version_command[0], "cobc");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("manifest");
    TCase *tests = tcase_create("one manifest");
    tcase_add_test(tests, the_smallest_manifest_gets_the_defaults);
    tcase_add_test(tests, every_field_is_read);
    tcase_add_test(tests, factors_scale_the_limits_and_the_wall_follows_the_cpu);
    tcase_add_test(tests, what_is_no_json_is_refused_with_its_place);
    tcase_add_test(tests, a_field_twice_is_refused);
    tcase_add_test(tests, what_is_started_early_is_named_or_turned_off);
    tcase_add_test(tests, unknown_fields_are_refused_by_name);
    tcase_add_test(tests, missing_fields_are_named);
    tcase_add_test(tests, the_name_must_be_the_folders);
    tcase_add_test(tests, a_folder_that_cannot_name_an_image_is_refused);
    tcase_add_test(tests, wrong_types_are_refused_by_field);
    tcase_add_test(tests, numbers_out_of_bounds_are_refused);
    tcase_add_test(tests, bad_argument_vectors_are_refused);
    tcase_add_test(tests, bad_aliases_are_refused);
    tcase_add_test(tests, reserved_and_malformed_variables_are_refused);
    tcase_add_test(tests, a_source_file_must_be_a_plain_name);
    tcase_add_test(tests, a_manifest_outlives_its_text);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
