#include "lib/codec/verdict.h"

#include <stddef.h>
#include <string.h>

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

static bool find(const char *const *names, size_t count, const char *name, size_t *ret_index) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

const char *rl_verdict_name(rl_verdict verdict) {
    return (size_t)verdict < RL_VERDICT_COUNT ? verdict_names[verdict]
                                              : verdict_names[RL_VERDICT_SYSTEM_ERROR];
}

bool rl_verdict_parse(const char *name, rl_verdict *ret_verdict) {
    size_t index = 0;
    bool known = find(verdict_names, RL_VERDICT_COUNT, name, &index);
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
    bool known = find(limit_names, RL_LIMIT_COUNT, name, &index);
    if (known) {
        *ret_limit = (rl_limit)index;
    }
    return known;
}
