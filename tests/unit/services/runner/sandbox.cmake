# Tests of what services/runner/sandbox.cmake builds.
foreach(module agent_link attach compare compile_cache container_spec decimal docker_frames engine_json fetched job judging outcome pool_policy pool starts sweep verdict)
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/test_${module}.c)
        rl_add_unit_test(test_runner_${module} SOURCES test_${module}.c LIBS rl_runner_sandbox rl::jansson)
    endif()
endforeach()
