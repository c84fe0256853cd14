/* verdict.h: from the agent's facts to a verdict.
 *
 * The order: a limit that was met beats RUNTIME_ERROR, and of several PROCESSES beats MEMORY beats OUTPUT
 * beats time. A program that met a limit, survived and exited 0 is OK, with the limit beside it: what it
 * did about a refused fork is its own business. Output past the cap is the exception, because what came
 * back is not what the program wrote. A compile step that fails, for whatever reason, is COMPILE_ERROR.
 *
 * Pure. Thread: any.
 */
#ifndef RL_RUNNER_VERDICT_H
#define RL_RUNNER_VERDICT_H

#include "lib/codec/verdict.h"
#include "sandbox/protocol.h"

typedef struct {
    bool compiled; /* COMPILED has come */
    bool ran;      /* DONE has come */
    rl_agent_result compile;
    rl_agent_result run;
    bool program_is_users;  /* argv[0] of the run lies in the work folder: the user made it */
    bool killed_for_memory; /* the agent was found dead by the kernel's memory killer, before DONE */
    bool had_compile_step;
} rl_facts;

typedef struct {
    rl_verdict verdict;
    rl_limit limit_hit;
    const char *message; /* static; for SYSTEM_ERROR, "" otherwise */
} rl_judgement;

rl_judgement rl_judge(const rl_facts *facts);

/* A line to end a compiler's output with when a limit stopped it: "compile time limit exceeded". NULL where none did. */
const char *rl_compile_limit_text(rl_limit limit_hit);

#endif
