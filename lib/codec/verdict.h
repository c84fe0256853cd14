/* verdict.h: how a submission ended, and which limit it met.
 *
 * Verdicts are data. That the user's program failed is a result like any other; only RL_VERDICT_SYSTEM_ERROR
 * speaks of Runlog's own failure. The names are those of the schemas and of the HTTP API.
 */
#ifndef RL_CODEC_VERDICT_H
#define RL_CODEC_VERDICT_H

#include <stdbool.h>

typedef enum {
    RL_VERDICT_SYSTEM_ERROR = 0, /* also what a verdict newer than this build is read as */
    RL_VERDICT_OK,
    RL_VERDICT_COMPILE_ERROR,
    RL_VERDICT_RUNTIME_ERROR,
    RL_VERDICT_TIME_LIMIT,
    RL_VERDICT_MEMORY_LIMIT,
    RL_VERDICT_OUTPUT_LIMIT,
    RL_VERDICT_PROCESS_LIMIT,
    RL_VERDICT_WRONG_ANSWER,
    RL_VERDICT_CANCELLED,
    RL_VERDICT_COUNT
} rl_verdict;

typedef enum {
    RL_LIMIT_NONE = 0,
    RL_LIMIT_CPU_TIME,
    RL_LIMIT_WALL_TIME,
    RL_LIMIT_MEMORY,
    RL_LIMIT_OUTPUT,
    RL_LIMIT_PROCESSES,
    RL_LIMIT_COUNT
} rl_limit;

/* "OK", "TIME_LIMIT", ...; the symbol in the Avro enum too. */
const char *rl_verdict_name(rl_verdict verdict);
bool rl_verdict_parse(const char *name, rl_verdict *ret_verdict);

/* "NONE", "CPU_TIME", "WALL_TIME", "MEMORY", "OUTPUT", "PROCESSES". */
const char *rl_limit_name(rl_limit limit);
bool rl_limit_parse(const char *name, rl_limit *ret_limit);

/* Why a test was not run. */
typedef enum {
    RL_TEST_SKIP_NO = 0,        /* it was run */
    RL_TEST_SKIP_FIRST_FAILURE, /* one before it was not OK, and the submission asked to stop there */
    RL_TEST_SKIP_TIME_BUDGET,   /* those before it had used up the CPU time that all tests share */
    RL_TEST_SKIP_COUNT
} rl_test_skip;

/* "NO", "FIRST_FAILURE", "TIME_BUDGET". */
const char *rl_test_skip_name(rl_test_skip skip);
bool rl_test_skip_parse(const char *name, rl_test_skip *ret_skip);

#endif
