# The sandbox on the real Engine. RUNLOG_TEST_DOCKER_SOCKET and the language images: sandbox_fixture.h. One
# after the other: they look at times and at how many containers there are.
foreach(test test_sandbox_verdicts test_sandbox_tests test_sandbox_engine test_pool_engine)
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${test}.c)
        rl_add_integration_test(${test}
            SOURCES ${test}.c ${CMAKE_CURRENT_SOURCE_DIR}/sandbox_fixture.c
            LIBS rl_runner_sandbox rl_manifest TIMEOUT 600 LOCKS docker)
        set_tests_properties(integration/${test} PROPERTIES SKIP_RETURN_CODE 77)
    endif()
endforeach()
