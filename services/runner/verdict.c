#include "services/runner/verdict.h"

#include <stddef.h>

static rl_judgement judged(rl_verdict verdict, rl_limit limit_hit, const char *message) {
    return (rl_judgement){verdict, limit_hit, message};
}

/* Of the limits in `flags` the one that is named. */
static rl_limit limit_of(uint32_t flags) {
    if (flags & RL_AGENT_HIT_PROCESSES) {
        return RL_LIMIT_PROCESSES;
    }
    if (flags & RL_AGENT_HIT_MEMORY) {
        return RL_LIMIT_MEMORY;
    }
    if (flags & (RL_AGENT_HIT_STDOUT | RL_AGENT_HIT_STDERR)) {
        return RL_LIMIT_OUTPUT;
    }
    if (flags & RL_AGENT_HIT_CPU) {
        return RL_LIMIT_CPU_TIME;
    }
    return flags & RL_AGENT_HIT_WALL ? RL_LIMIT_WALL_TIME : RL_LIMIT_NONE;
}

static rl_verdict verdict_of(rl_limit limit) {
    switch (limit) {
    case RL_LIMIT_PROCESSES:
        return RL_VERDICT_PROCESS_LIMIT;
    case RL_LIMIT_MEMORY:
        return RL_VERDICT_MEMORY_LIMIT;
    case RL_LIMIT_OUTPUT:
        return RL_VERDICT_OUTPUT_LIMIT;
    case RL_LIMIT_CPU_TIME:
    case RL_LIMIT_WALL_TIME:
        return RL_VERDICT_TIME_LIMIT;
    case RL_LIMIT_NONE:
    case RL_LIMIT_COUNT:
        break;
    }
    return RL_VERDICT_RUNTIME_ERROR;
}

static rl_judgement judge_compile(const rl_agent_result *compile) {
    if ((compile->flags & RL_AGENT_NOT_STARTED) != 0 && (compile->flags & RL_AGENT_HIT_PROCESSES) == 0) {
        return judged(RL_VERDICT_SYSTEM_ERROR, RL_LIMIT_NONE, "the compiler could not be started");
    }
    /* A compiler that writes more than is kept has not failed by that. */
    uint32_t flags = compile->flags & ~(uint32_t)(RL_AGENT_HIT_STDOUT | RL_AGENT_HIT_STDERR);
    return judged(RL_VERDICT_COMPILE_ERROR, limit_of(flags), "");
}

static rl_judgement judge_run(const rl_agent_result *run, bool program_is_users) {
    rl_limit limit = limit_of(run->flags);
    bool overflowed = (run->flags & (RL_AGENT_HIT_STDOUT | RL_AGENT_HIT_STDERR)) != 0;
    if (rl_agent_result_is_success(run)) {
        return overflowed ? judged(RL_VERDICT_OUTPUT_LIMIT, RL_LIMIT_OUTPUT, "")
                          : judged(RL_VERDICT_OK, limit, "");
    }
    if ((run->flags & RL_AGENT_NOT_STARTED) != 0 && limit == RL_LIMIT_NONE && !program_is_users) {
        return judged(RL_VERDICT_SYSTEM_ERROR, RL_LIMIT_NONE, "the language's program could not be started");
    }
    return judged(verdict_of(limit), limit, "");
}

rl_judgement rl_judge(const rl_facts *facts) {
    if (facts->compiled && !rl_agent_result_is_success(&facts->compile)) {
        return judge_compile(&facts->compile);
    }
    if (facts->killed_for_memory) {
        bool while_compiling = facts->had_compile_step && !facts->compiled;
        return judged(while_compiling ? RL_VERDICT_COMPILE_ERROR : RL_VERDICT_MEMORY_LIMIT, RL_LIMIT_MEMORY,
                      "");
    }
    if (!facts->ran) {
        return judged(RL_VERDICT_SYSTEM_ERROR, RL_LIMIT_NONE, "the sandbox ended before the program did");
    }
    return judge_run(&facts->run, facts->program_is_users);
}

const char *rl_compile_limit_text(rl_limit limit_hit) {
    switch (limit_hit) {
    case RL_LIMIT_PROCESSES:
        return "compile process limit exceeded\n";
    case RL_LIMIT_MEMORY:
        return "compile memory limit exceeded\n";
    case RL_LIMIT_CPU_TIME:
    case RL_LIMIT_WALL_TIME:
        return "compile time limit exceeded\n";
    case RL_LIMIT_OUTPUT:
    case RL_LIMIT_NONE:
    case RL_LIMIT_COUNT:
        break;
    }
    return NULL;
}
