/* Examples from https://www.w3.org/TR/trace-context-1/. */
#include "services/api/trace_context.h"
#include "suite.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

START_TEST(a_valid_header_is_passed_on) {
    ck_assert(rl_traceparent_valid("00-" TRACE "-" PARENT "-01"));
    ck_assert(rl_traceparent_valid("00-" TRACE "-" PARENT "-00"));
}
END_TEST

START_TEST(a_later_version_may_be_longer) {
    ck_assert(rl_traceparent_valid("cc-" TRACE "-" PARENT "-01"));
    ck_assert(rl_traceparent_valid("cc-" TRACE "-" PARENT "-01-what-the-future-will-be-like"));
    ck_assert(!rl_traceparent_valid("cc-" TRACE "-" PARENT "-01.what"));
    ck_assert(!rl_traceparent_valid("cc-" TRACE "-" PARENT "-01-caf\xc3\xa9"));
    ck_assert(!rl_traceparent_valid("cc-" TRACE "-" PARENT "-01-\xff"));
    ck_assert(!rl_traceparent_valid("cc-" TRACE "-" PARENT "-01-a b"));
    ck_assert(!rl_traceparent_valid("cc-" TRACE "-" PARENT "-01-\x7f"));
}
END_TEST

START_TEST(anything_else_is_ignored) {
    const char *bad[] = {NULL,
                         "",
                         "00",
                         "ff-" TRACE "-" PARENT "-01",
                         "00-" TRACE "-" PARENT "-01-extra",
                         "00-" TRACE "-" PARENT "-0",
                         "00-" TRACE "-" PARENT "-0g",
                         "00-" TRACE "-0000000000000000-01",
                         "00-00000000000000000000000000000000-" PARENT "-01",
                         "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
                         "00_" TRACE "-" PARENT "-01"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!rl_traceparent_valid(bad[i]), "%s", bad[i] ? bad[i] : "NULL");
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("trace_context");
    TCase *tests = tcase_create("traceparent");
    tcase_add_test(tests, a_valid_header_is_passed_on);
    tcase_add_test(tests, a_later_version_may_be_longer);
    tcase_add_test(tests, anything_else_is_ignored);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
