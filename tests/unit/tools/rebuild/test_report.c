#include "tools/rebuild/report.h"

#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "tests/support/suite.h"

static rl_rebuild_report sample(bool equal) {
    rl_rebuild_report report = {.compared = true,
                                .names = {"results", "held", "replays"},
                                .filled = {.records = 12, .set_aside = 1, .first_why = "unreadable"}};
    for (size_t i = 0; i < RL_REBUILD_COLLECTIONS; i++) {
        report.comparisons[i] = (rl_database_diff){.existing = 3, .rebuilt = 3};
    }
    if (!equal) {
        report.filled.begins_us = INT64_C(1767225600000000);
        report.comparisons[1].older = 1;
        report.comparisons[1].first[0] = (rl_difference){.id = "an-id/7", .what = "older than the log"};
        report.comparisons[1].first_count = 1;
    }
    return report;
}

static char *printed(const rl_rebuild_report *report) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    rl_rebuild_report_print(report, out);
    fclose(out);
    return text;
}

START_TEST(equal_databases_are_said_to_be) {
    const rl_rebuild_report report = sample(true);
    RL_AUTO_FREE char *text = printed(&report);
    ck_assert(rl_rebuild_report_is_equal(&report));
    ck_assert_ptr_nonnull(strstr(text, "12 records read"));
    ck_assert_ptr_nonnull(strstr(text, "unreadable"));
    ck_assert_ptr_nonnull(strstr(text, "equal"));
    ck_assert_ptr_null(strstr(text, "DIFFERENT"));
    ck_assert_ptr_null(strstr(text, "reach back"));
}
END_TEST

START_TEST(a_difference_is_named_and_the_log_that_is_too_short_for_it) {
    const rl_rebuild_report report = sample(false);
    RL_AUTO_FREE char *text = printed(&report);
    ck_assert(!rl_rebuild_report_is_equal(&report));
    ck_assert_ptr_nonnull(strstr(text, "DIFFERENT"));
    ck_assert_ptr_nonnull(strstr(text, "an-id/7: older than the log"));
    ck_assert_ptr_nonnull(strstr(text, "2026-01-01T00:00:00Z"));
}
END_TEST

START_TEST(json_says_the_same) {
    const rl_rebuild_report report = sample(false);
    json_t *root = rl_rebuild_report_json(&report);
    ck_assert_ptr_nonnull(root);
    const json_t *held = json_array_get(json_object_get(root, "collections"), 1);
    ck_assert(json_is_false(json_object_get(root, "equal")));
    ck_assert_int_eq(json_integer_value(json_object_get(root, "setAside")), 1);
    ck_assert_str_eq(json_string_value(json_object_get(root, "logCompleteFrom")), "2026-01-01T00:00:00Z");
    ck_assert_int_eq(json_integer_value(json_object_get(held, "olderThanLog")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(held, "first")), 1);
    json_decref(root);
}
END_TEST

START_TEST(what_was_not_compared_is_neither_equal_nor_different) {
    rl_rebuild_report report = sample(false);
    report.compared = false;
    json_t *root = rl_rebuild_report_json(&report);
    ck_assert(rl_rebuild_report_is_equal(&report)); /* nothing speaks against it */
    ck_assert(json_is_null(json_object_get(root, "equal")));
    ck_assert_uint_eq(json_array_size(json_object_get(root, "collections")), 0);
    json_decref(root);
}
END_TEST

RL_SUITE("rebuild/report", equal_databases_are_said_to_be,
         a_difference_is_named_and_the_log_that_is_too_short_for_it, json_says_the_same,
         what_was_not_compared_is_neither_equal_nor_different)
