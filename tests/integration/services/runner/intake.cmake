# Most of it waits until a group has noticed that members are gone.
foreach(name cancel fairness intake group losses)
    rl_add_integration_test(test_runner_${name} TIMEOUT 600 SHARES 2
        SOURCES test_${name}.c intake_fixture.c intake_runs.c ${CMAKE_SOURCE_DIR}/tests/support/kafka.c
        LIBS rl_runner)
endforeach()
