/* judging.h: the tests of one submission: which is run next, what it may spend, and what they come to.
 *
 * Theory of operation
 * -------------------
 * The tests run in their order, one at a time, in one container. Each has the limits of a run, and all together a
 * budget: RL_TESTS_CPU_BUDGET_US of CPU time (or one run's limit, if that is more), and twice that and two seconds of
 * elapsed time (or one run's limit). What a busy host makes a program wait for is no verdict: as the agent adds up to
 * RL_AGENT_STARVATION_MAX times the limit to each run for that, and says how long runs took in all, the budget of elapsed
 * time is larger by the same factor. On an idle host only sleepers notice, who may hold a sandbox as long as waiters.
 *
 * Once the budget has less left than a run may take, the next test gets what is left. One that meets that, and not its
 * own limit, might have done well: like those behind it, it counts as not reached (TIME_BUDGET). Its time is in the sums.
 *
 * A request for the next test may be on its way while one runs, which saves a turn of the conversation. That needs to be
 * known before: that the next one is wanted whatever becomes of this, and that the budget is enough for both.
 *
 * A test is OK when its run is, and when its whole output is the expected one, if it has one; the comparison comes
 * before anything is cut. Expected outputs go no further than here.
 *
 * What they come to: the verdict of the first test that is not OK (TIME_LIMIT where it was not reached within the
 * budget), and the outputs, exit code and signal of that test. OK where there is none, with those of the last one. CPU and
 * elapsed time are sums, memory is the largest.
 *
 * Thread: one at a time. Memory: a fixed part for each test, and RL_RESULT_OUTPUT_BYTES of outputs.
 */
#ifndef RL_RUNNER_JUDGING_H
#define RL_RUNNER_JUDGING_H

#include "lib/base/arena.h"
#include "lib/codec/result.h"
#include "services/runner/captured.h"
#include "services/runner/verdict.h"

#define RL_TESTS_CPU_BUDGET_US (INT64_C(60) * 1000000)

/* Of a result: all outputs, those of the compiler and of the tests included, and the files that were fetched. */
#define RL_RESULT_OUTPUT_BYTES ((size_t)4 * 1024 * 1024)

typedef struct rl_judging rl_judging;

/* `submission` has one test at least, and is borrowed; `run` are the limits of a run. NULL and TRANSIENT when memory is
 * short. */
rl_judging *rl_judging_new(const rl_submission *submission, const rl_phase_limits *run, int64_t output_bytes,
                           rl_error *err);
void rl_judging_free(rl_judging *judging);

/* What a test is started with. */
typedef struct {
    size_t index;           /* into the submission's tests */
    rl_phase_limits limits; /* the run's, or what the budget has left */
    bool is_last;           /* of all */
    bool may_be_last;       /* the tests may end with it, also if it takes more than its limit by a little */
} rl_test_start;

/* The next test to be started, if one may be started now; it then counts as started. */
bool rl_judging_start(rl_judging *judging, rl_test_start *ret);

/* Whether all is said: no test is under way, and none will be started. */
bool rl_judging_is_over(const rl_judging *judging);

/* The test whose end is awaited. */
size_t rl_judging_current(const rl_judging *judging);

/* The test under way has ended: facts->run says how, or killed_for_memory, after which nothing more is started. `out` and
 * `err_out` are what it wrote; they come back empty. false with TRANSIENT when memory is short. */
bool rl_judging_note(rl_judging *judging, const rl_facts *facts, rl_captured *out, rl_captured *err_out,
                     rl_error *err);

/* What they came to, for those fields of `ret` that are the run's; copied into `arena`. `taken_bytes` of the outputs'
 * budget are in use: what is too much then is cut from the last tests. false with TRANSIENT when the arena is full. */
bool rl_judging_conclude(const rl_judging *judging, size_t taken_bytes, rl_arena *arena, rl_finished *ret,
                         rl_error *err);

#endif
