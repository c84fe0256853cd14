# Most of it waits until a group has noticed that members are gone.
rl_add_integration_test(test_runner_intake TIMEOUT 600 SHARES 4
    SOURCES test_intake.c intake_fixture.c ${CMAKE_SOURCE_DIR}/tests/support/kafka.c
    LIBS rl_runner)
