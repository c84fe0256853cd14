/* suite.h: the main() of a Check program: `RL_SUITE("base/buffer", first_test, second_test, ...)`.
 *
 * Each test is one START_TEST; its name is a sentence about one behaviour. RUNLOG_TEST_SHARE=1/3 runs every third of
 * them from the first on: tests that mostly wait can so be spread over several processes (SHARES in RunlogTest.cmake).
 */
#ifndef RL_TESTS_SUITE_H
#define RL_TESTS_SUITE_H

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline bool rl_suite_runs(size_t index) {
    const char *text = getenv("RUNLOG_TEST_SHARE");
    size_t share;
    size_t shares;
    if (!text || sscanf(text, "%zu/%zu", &share, &shares) != 2 || shares == 0) {
        return true;
    }
    return index % shares == share - 1;
}

#define RL_SUITE(name_, ...) RL_SUITE_WITHIN(60, name_, __VA_ARGS__)

/* The same with another limit for each test, in seconds. */
#define RL_SUITE_WITHIN(seconds_, name_, ...)                                                                \
    int main(void) {                                                                                         \
        const TTest *const rl_suite_tests_[] = {__VA_ARGS__};                                                \
        Suite *suite = suite_create(name_);                                                                  \
        TCase *cases = tcase_create(name_);                                                                  \
        tcase_set_timeout(cases, seconds_);                                                                  \
        for (size_t i = 0; i < sizeof rl_suite_tests_ / sizeof *rl_suite_tests_; i++) {                      \
            if (rl_suite_runs(i)) {                                                                          \
                tcase_add_test(cases, rl_suite_tests_[i]);                                                   \
            }                                                                                                \
        }                                                                                                    \
        suite_add_tcase(suite, cases);                                                                       \
        SRunner *runner = srunner_create(suite);                                                             \
        srunner_run_all(runner, CK_ENV);                                                                     \
        int failed = srunner_ntests_failed(runner);                                                          \
        srunner_free(runner);                                                                                \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                                         \
    }

#endif
