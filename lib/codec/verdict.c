#include "lib/codec/verdict.h"

#include "lib/codec/symbol.h"

static const char *const verdict_names[RL_VERDICT_COUNT] = {
    [RL_VERDICT_SYSTEM_ERROR] = "SYSTEM_ERROR",   [RL_VERDICT_OK] = "OK",
    [RL_VERDICT_COMPILE_ERROR] = "COMPILE_ERROR", [RL_VERDICT_RUNTIME_ERROR] = "RUNTIME_ERROR",
    [RL_VERDICT_TIME_LIMIT] = "TIME_LIMIT",       [RL_VERDICT_MEMORY_LIMIT] = "MEMORY_LIMIT",
    [RL_VERDICT_OUTPUT_LIMIT] = "OUTPUT_LIMIT",   [RL_VERDICT_PROCESS_LIMIT] = "PROCESS_LIMIT",
    [RL_VERDICT_WRONG_ANSWER] = "WRONG_ANSWER",   [RL_VERDICT_CANCELLED] = "CANCELLED",
};

static const char *const limit_names[RL_LIMIT_COUNT] = {
    [RL_LIMIT_NONE] = "NONE",     [RL_LIMIT_CPU_TIME] = "CPU_TIME", [RL_LIMIT_WALL_TIME] = "WALL_TIME",
    [RL_LIMIT_MEMORY] = "MEMORY", [RL_LIMIT_OUTPUT] = "OUTPUT",     [RL_LIMIT_PROCESSES] = "PROCESSES",
};

static const char *const skip_names[RL_TEST_SKIP_COUNT] = {
    [RL_TEST_SKIP_NO] = "NO",
    [RL_TEST_SKIP_FIRST_FAILURE] = "FIRST_FAILURE",
    [RL_TEST_SKIP_TIME_BUDGET] = "TIME_BUDGET",
};

const char *rl_verdict_name(rl_verdict verdict) {
    return (size_t)verdict < RL_VERDICT_COUNT ? verdict_names[verdict]
                                              : verdict_names[RL_VERDICT_SYSTEM_ERROR];
}

bool rl_verdict_parse(const char *name, rl_verdict *ret_verdict) {
    size_t index = 0;
    bool known = rl_symbol_find(verdict_names, RL_VERDICT_COUNT, name, &index);
    if (known) {
        *ret_verdict = (rl_verdict)index;
    }
    return known;
}

const char *rl_limit_name(rl_limit limit) {
    return (size_t)limit < RL_LIMIT_COUNT ? limit_names[limit] : limit_names[RL_LIMIT_NONE];
}

bool rl_limit_parse(const char *name, rl_limit *ret_limit) {
    size_t index = 0;
    bool known = rl_symbol_find(limit_names, RL_LIMIT_COUNT, name, &index);
    if (known) {
        *ret_limit = (rl_limit)index;
    }
    return known;
}

const char *rl_test_skip_name(rl_test_skip skip) {
    return (size_t)skip < RL_TEST_SKIP_COUNT ? skip_names[skip] : skip_names[RL_TEST_SKIP_NO];
}

bool rl_test_skip_parse(const char *name, rl_test_skip *ret_skip) {
    size_t index = 0;
    bool known = rl_symbol_find(skip_names, RL_TEST_SKIP_COUNT, name, &index);
    if (known) {
        *ret_skip = (rl_test_skip)index;
    }
    return known;
}
