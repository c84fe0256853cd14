/* The languages of this repository: their manifests load, and each brings smoke programs in the shape that
 * the end-to-end tests run (docs/languages.md). */
#include <check.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/manifest/manifest.h"

#define LANGUAGES RL_SOURCE_DIR "/languages"

static rl_manifests *load(void) {
    rl_error err = RL_ERROR_INIT;
    rl_manifests *all = rl_manifests_load(LANGUAGES, NULL, &err);
    ck_assert_msg(all != NULL, "%s", err.message);
    return all;
}

START_TEST(the_languages_of_the_repository_load) {
    static const char *const names[] = {"bash", "c", "cpp", "java", "javascript", "python"};
    rl_manifests *all RL_AUTO_MANIFESTS = load();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ck_assert_msg(rl_manifests_find(all, rl_bytes_of(names[i])) != NULL, "%s is missing", names[i]);
    }
}
END_TEST

START_TEST(each_language_has_an_image) {
    rl_manifests *all RL_AUTO_MANIFESTS = load();
    for (size_t i = 0; i < rl_manifests_count(all); i++) {
        char path[512];
        (void)snprintf(path, sizeof path, LANGUAGES "/%s/Dockerfile", rl_manifests_at(all, i)->name);
        ck_assert_msg(access(path, R_OK) == 0, "%s is missing", path);
    }
}
END_TEST

/* The row of docs/languages.md, as far as the manifest says it. */
static void check_row(const char *page, const rl_manifest *manifest) {
    char row[512];
    int size = snprintf(row, sizeof row, "\n| `%s` |", manifest->name);
    for (size_t i = 0; i < manifest->alias_count; i++) {
        size +=
            snprintf(row + size, sizeof row - (size_t)size, "%s `%s`", i ? "," : "", manifest->aliases[i]);
    }
    (void)snprintf(row + size, sizeof row - (size_t)size, " | %s |", manifest->version);
    ck_assert_msg(strstr(page, row) != NULL, "docs/languages.md has no row that begins:%s", row);
}

START_TEST(each_language_is_in_the_table_with_its_version) {
    RL_AUTO_FREE char *page = NULL;
    size_t size = 0;
    FILE *file = fopen(RL_SOURCE_DIR "/docs/languages.md", "re");
    ck_assert_ptr_nonnull(file);
    ck_assert(getdelim(&page, &size, '\0', file) > 0); /* the whole of a text without that byte */
    (void)fclose(file);
    rl_manifests *all RL_AUTO_MANIFESTS = load();
    for (size_t i = 0; i < rl_manifests_count(all); i++) {
        check_row(page, rl_manifests_at(all, i));
    }
}
END_TEST

/* One entry of smoke.json. */
static void check_case(const char *language, const json_t *smoke) {
    const char *name = json_string_value(json_object_get(smoke, "name"));
    const char *source = json_string_value(json_object_get(smoke, "source"));
    char path[512];
    ck_assert_msg(name != NULL && source != NULL, "%s: a case without name or source", language);
    (void)snprintf(path, sizeof path, LANGUAGES "/%s/smoke/%s", language, source);
    ck_assert_msg(access(path, R_OK) == 0, "%s: %s is missing", name, path);
    static const char *const known[] = {"name",     "source",   "stdInput", "stdOutput",
                                        "stdError", "exitCode", "verdict",  "stdErrorContains"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)smoke, key, value) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            found = found || strcmp(known[i], key) == 0;
        }
        ck_assert_msg(found, "%s/%s: unknown field %s", language, name, key);
        ck_assert_msg(strcmp(key, "exitCode") == 0 ? json_is_integer(value) || json_is_null(value)
                                                   : json_is_string(value),
                      "%s/%s: wrong type of %s", language, name, key);
    }
    const char *text = json_string_value(json_object_get(smoke, "verdict"));
    static const char *const verdicts[] = {"OK", "COMPILE_ERROR", "RUNTIME_ERROR"};
    bool fits = text == NULL;
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0] && !fits; i++) {
        fits = strcmp(verdicts[i], text) == 0;
    }
    ck_assert_msg(fits, "%s/%s: verdict %s", language, name, text);
}

START_TEST(each_language_brings_the_smoke_programs) {
    static const char *const wanted[] = {"hello", "echo", "unicode", "exit", "stderr", "error", "broken"};
    rl_manifests *all RL_AUTO_MANIFESTS = load();
    for (size_t i = 0; i < rl_manifests_count(all); i++) {
        const char *language = rl_manifests_at(all, i)->name;
        size_t count = sizeof wanted / sizeof wanted[0];
        count -= rl_manifests_at(all, i)->compile == NULL; /* "broken" is the compiler's to refuse */
        char path[512];
        json_error_t where;
        (void)snprintf(path, sizeof path, LANGUAGES "/%s/smoke/smoke.json", language);
        json_t *cases = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
        ck_assert_msg(json_is_array(cases), "%s: line %d: %s", path, where.line, where.text);
        bool seen[sizeof wanted / sizeof wanted[0]] = {false};
        size_t index;
        json_t *smoke;
        json_array_foreach(cases, index, smoke) {
            check_case(language, smoke);
            for (size_t w = 0; w < sizeof wanted / sizeof wanted[0]; w++) {
                const char *name = json_string_value(json_object_get(smoke, "name"));
                seen[w] = seen[w] || strcmp(name, wanted[w]) == 0;
            }
        }
        json_decref(cases);
        for (size_t w = 0; w < count; w++) {
            ck_assert_msg(seen[w], "%s: no case \"%s\"", path, wanted[w]);
        }
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("languages");
    TCase *tests = tcase_create("languages/");
    tcase_add_test(tests, the_languages_of_the_repository_load);
    tcase_add_test(tests, each_language_has_an_image);
    tcase_add_test(tests, each_language_is_in_the_table_with_its_version);
    tcase_add_test(tests, each_language_brings_the_smoke_programs);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
