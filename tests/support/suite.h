/* suite.h: the main() of a Check program: `RL_SUITE("base/buffer", first_test, second_test, ...)`.
 *
 * Each test is one START_TEST; its name is a sentence about one behaviour.
 */
#ifndef RL_TESTS_SUITE_H
#define RL_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

#define RL_SUITE(name_, ...) RL_SUITE_WITHIN(60, name_, __VA_ARGS__)

/* The same with another limit for each test, in seconds. */
#define RL_SUITE_WITHIN(seconds_, name_, ...)                                                                \
    int main(void) {                                                                                         \
        const TTest *const rl_suite_tests_[] = {__VA_ARGS__};                                                \
        Suite *suite = suite_create(name_);                                                                  \
        TCase *cases = tcase_create(name_);                                                                  \
        tcase_set_timeout(cases, seconds_);                                                                  \
        for (size_t i = 0; i < sizeof rl_suite_tests_ / sizeof *rl_suite_tests_; i++) {                      \
            tcase_add_test(cases, rl_suite_tests_[i]);                                                       \
        }                                                                                                    \
        suite_add_tcase(suite, cases);                                                                       \
        SRunner *runner = srunner_create(suite);                                                             \
        srunner_run_all(runner, CK_ENV);                                                                     \
        int failed = srunner_ntests_failed(runner);                                                          \
        srunner_free(runner);                                                                                \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                                         \
    }

#endif
