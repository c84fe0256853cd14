# rl_add_unit_test(NAME SOURCES file... LIBS target...): a Check program under CTest, label "unit".
# rl_add_integration_test(...): the same, label "integration"; it needs the real neighbours, named by
# RUNLOG_TEST_KAFKA_BROKERS and RUNLOG_TEST_MONGO_URI. They may run side by side: what a program shares with others is named
# by LOCKS. SHARES n: its tests are spread over n runs of it, for those that wait for minutes.
# Check's own macros are variadic in ways that -Wpedantic and -Wformat=2 dislike. Behind rl_options, so
# that these come last on the command line.
add_library(rl_check_options INTERFACE)
target_link_libraries(rl_check_options INTERFACE rl_options)
target_compile_options(rl_check_options INTERFACE -Wno-pedantic -Wno-format-nonliteral -Wno-format-extra-args)

function(rl_add_test_program kind name)
    cmake_parse_arguments(arg "" "TIMEOUT;SHARES" "SOURCES;LIBS;LOCKS;ENVIRONMENT" ${ARGN})
    if(NOT TARGET rl::check)
        return()
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE rl_options rl_check_options ${arg_LIBS} rl::check)
    target_compile_definitions(${name} PRIVATE RL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    if(NOT arg_SHARES)
        set(arg_SHARES 1)
    endif()
    foreach(share RANGE 1 ${arg_SHARES})
        set(test ${kind}/${name})
        if(arg_SHARES GREATER 1)
            string(APPEND test _${share})
        endif()
        add_test(NAME ${test} COMMAND ${name})
        set_tests_properties(${test} PROPERTIES LABELS ${kind} TIMEOUT ${arg_TIMEOUT} RESOURCE_LOCK "${arg_LOCKS}"
                             ENVIRONMENT "RUNLOG_TEST_SHARE=${share}/${arg_SHARES};${arg_ENVIRONMENT}")
    endforeach()
endfunction()

function(rl_add_unit_test name)
    rl_add_test_program(unit ${name} ${ARGN})
endfunction()

function(rl_add_integration_test name)
    rl_add_test_program(integration ${name} ${ARGN})
endfunction()

# rl_makes_kafka_clients(NAME...): unit tests in which librdkafka starts threads. It does so by thrd_create, which
# ThreadSanitizer does not know: its runtime dies in them.
function(rl_makes_kafka_clients)
    if(RL_SANITIZE MATCHES "thread")
        foreach(name ${ARGN})
            set_tests_properties(unit/${name} PROPERTIES DISABLED ON)
        endforeach()
    endif()
endfunction()
