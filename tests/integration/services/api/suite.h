/* suite.h: the same main() for each test program here: neighbours first, one API process for all tests of a
 * program unless a test starts its own. Tests run in one process, so that they share it.
 */
#ifndef RL_TEST_API_SUITE_H
#define RL_TEST_API_SUITE_H

#include <stdio.h>
#include <stdlib.h>

#include "neighbours.h"

__attribute__((unused)) static int run_suite(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
