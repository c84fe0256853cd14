# Compiler settings that every Runlog target shares, carried by the interface target rl_options.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

option(RL_WERROR "treat warnings as errors" ON)
set(RL_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them: address,undefined or thread")
option(RL_COVERAGE "instrument for gcov" OFF)
option(RL_FUZZ "build the libFuzzer targets (clang)" OFF)

add_library(rl_options INTERFACE)
target_include_directories(rl_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(rl_options INTERFACE _GNU_SOURCE RL_VERSION="${PROJECT_VERSION}")
target_compile_options(rl_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Wstrict-prototypes
    -Wmissing-prototypes -Wvla
    -fno-omit-frame-pointer -fstack-protector-strong
    $<$<BOOL:${RL_WERROR}>:-Werror>)

if(RL_SANITIZE)
    target_compile_options(rl_options INTERFACE -fsanitize=${RL_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(rl_options INTERFACE -fsanitize=${RL_SANITIZE})
else()
    # Fortification needs optimisation and gets in the sanitizers' way.
    target_compile_options(rl_options INTERFACE
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
    target_link_options(rl_options INTERFACE -Wl,-z,relro,-z,now)
    set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()
if(RL_COVERAGE)
    # Counters that threads share lose nothing only where they are atomic.
    target_compile_options(rl_options INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(rl_options INTERFACE --coverage)
endif()
if(RL_FUZZ)
    target_compile_options(rl_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_package(Threads REQUIRED)
target_link_libraries(rl_options INTERFACE Threads::Threads)
