/* fault.h: our own failure, as opposed to the program's.
 *
 * Functions of the agent that can fail through no doing of the program return false and fill a fault owned
 * by the caller; it ends as an ERROR frame. `doing` is a static string that names the step for a log.
 */
#ifndef RL_SANDBOX_AGENT_FAULT_H
#define RL_SANDBOX_AGENT_FAULT_H

#include "sandbox/protocol.h"

#include <stdbool.h>

typedef struct rl_fault {
    rl_agent_failure_code code;
    int os_error; /* errno, 0 if none applies */
    const char *doing;
} rl_fault;

/* Fills `fault` and returns false, so that a failing branch is one line. */
static inline bool rl_fault_set(rl_fault *fault, rl_agent_failure_code code, int os_error,
                                const char *doing) {
    *fault = (rl_fault){code, os_error, doing};
    return false;
}

#endif
