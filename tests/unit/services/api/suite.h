/* suite.h: the same main() for each test program here. */
#ifndef RL_TEST_API_SUITE_H
#define RL_TEST_API_SUITE_H

#include <check.h>
#include <stdlib.h>

__attribute__((unused)) static int run_suite(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
