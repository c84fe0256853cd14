#include "services/runner/judging.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "services/runner/compare.h"

#define AHEAD 2 /* tests under way: one that runs, and one whose request lies in the agent's stream */

/* By as much CPU time a test may exceed its limit before somebody looks: far more than it takes. */
#define OVERSHOOT_US RL_US_PER_S

typedef struct {
    rl_test_result result; /* its outputs' sizes; their places are in `kept` */
    size_t out_at, err_at;
} noted;

struct rl_judging {
    const rl_submission *submission;
    rl_phase_limits run;
    int64_t cpu_left_us; /* of the budget, for tests that have not ended */
    int64_t wall_left_us;
    size_t started;
    size_t ended;
    bool cut_cpu; /* the last one started has less than a run's limit */
    bool cut_wall;
    rl_test_skip stopped; /* NO: further tests may start */
    bool failed;
    rl_judgement decisive; /* of the first test that failed, else of the last one that ended */
    rl_agent_result decisive_run;
    rl_captured out, err; /* its outputs, whole */
    int64_t cpu_us, wall_us, memory_bytes;
    rl_buffer kept; /* outputs of the tests, one behind the other */
    noted tests[];
};

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* The most that something takes which may take `wall_us`: the agent adds what a program has waited for a processor. */
static int64_t stretched(int64_t wall_us) {
    const int64_t factor = 1 + RL_AGENT_STARVATION_MAX;
    return wall_us < INT64_MAX / factor / (AHEAD + 1) ? wall_us * factor : INT64_MAX / (AHEAD + 1);
}

rl_judging *rl_judging_new(const rl_submission *submission, const rl_phase_limits *run, int64_t output_bytes,
                           rl_error *err) {
    rl_judging *judging = calloc(1, sizeof *judging + submission->test_count * sizeof judging->tests[0]);
    if (!judging) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the tests of a submission");
        return NULL;
    }
    judging->submission = submission;
    judging->run = *run;
    judging->cpu_left_us = larger(RL_TESTS_CPU_BUDGET_US, run->cpu_us);
    judging->wall_left_us = stretched(larger(2 * judging->cpu_left_us + 2 * RL_US_PER_S, run->wall_us));
    judging->decisive = (rl_judgement){RL_VERDICT_OK, RL_LIMIT_NONE, ""};
    judging->decisive_run.exit_code = -1;
    rl_captured_init(&judging->out, output_bytes);
    rl_captured_init(&judging->err, output_bytes);
    rl_buffer_init(&judging->kept, RL_RESULT_OUTPUT_BYTES);
    return judging;
}

void rl_judging_free(rl_judging *judging) {
    if (judging) {
        rl_captured_free(&judging->out);
        rl_captured_free(&judging->err);
        rl_buffer_free(&judging->kept);
        free(judging);
    }
}

/* ---- which is next ---- */

size_t rl_judging_current(const rl_judging *judging) {
    return judging->ended;
}

bool rl_judging_is_over(const rl_judging *judging) {
    return judging->ended == judging->started &&
           (judging->stopped != RL_TEST_SKIP_NO || judging->started == judging->submission->test_count);
}

/* Whether the next one may start though others have not ended. */
static bool may_overtake(const rl_judging *judging, int64_t cpu_left_us, int64_t wall_left_us) {
    return !judging->submission->stop_at_first_failure && judging->started - judging->ended < AHEAD &&
           cpu_left_us >= judging->run.cpu_us && wall_left_us >= stretched(judging->run.wall_us);
}

bool rl_judging_start(rl_judging *judging, rl_test_start *ret) {
    int64_t under_way = (int64_t)(judging->started - judging->ended);
    int64_t cpu_left_us = judging->cpu_left_us - under_way * judging->run.cpu_us;
    int64_t wall_left_us = judging->wall_left_us - under_way * stretched(judging->run.wall_us);
    if (judging->stopped != RL_TEST_SKIP_NO || judging->started == judging->submission->test_count ||
        (under_way > 0 && !may_overtake(judging, cpu_left_us, wall_left_us))) {
        return false;
    }
    judging->cut_cpu = cpu_left_us < judging->run.cpu_us;
    judging->cut_wall = wall_left_us < judging->run.wall_us;
    *ret = (rl_test_start){.index = judging->started++, .limits = judging->run};
    ret->limits.cpu_us = judging->cut_cpu ? cpu_left_us : judging->run.cpu_us;
    ret->limits.wall_us = judging->cut_wall ? wall_left_us : judging->run.wall_us;
    ret->is_last = judging->started == judging->submission->test_count;
    ret->may_be_last = ret->is_last || judging->submission->stop_at_first_failure ||
                       cpu_left_us <= judging->run.cpu_us + larger(judging->run.cpu_us, OVERSHOOT_US) ||
                       wall_left_us <= 2 * stretched(judging->run.wall_us);
    return true;
}

/* ---- what became of one ---- */

static rl_judgement judge(const rl_judging *judging, const rl_facts *facts, const rl_captured *out) {
    rl_judgement judgement = rl_judge(facts);
    const rl_test *test = &judging->submission->tests[judging->ended];
    if (judgement.verdict == RL_VERDICT_OK && test->has_expected &&
        !rl_compare(&judging->submission->comparison, test->expected, rl_buffer_bytes(&out->bytes))) {
        judgement.verdict = RL_VERDICT_WRONG_ANSWER;
    }
    return judgement;
}

/* Whether the test met the end of the budget rather than a limit of its own. */
static bool met_budget(const rl_judging *judging, const rl_judgement *judgement) {
    return judgement->verdict == RL_VERDICT_TIME_LIMIT &&
           (judgement->limit_hit == RL_LIMIT_CPU_TIME ? judging->cut_cpu : judging->cut_wall);
}

/* Puts an output, or what there is room for, into `kept`. */
static bool keep(rl_judging *judging, const rl_captured *captured, rl_output *ret, size_t *ret_at) {
    size_t room = judging->kept.limit - judging->kept.size;
    size_t size = captured->bytes.size < room ? captured->bytes.size : room;
    *ret_at = judging->kept.size;
    ret->bytes.size = size;
    ret->truncated = captured->truncated || size < captured->bytes.size;
    return rl_buffer_append(&judging->kept, captured->bytes.data, size);
}

static void swap(rl_captured *a, rl_captured *b) {
    rl_captured between = *a;
    *a = *b;
    *b = between;
}

static void charge(rl_judging *judging, const rl_agent_result *run) {
    judging->cpu_us += run->cpu_us;
    judging->wall_us += run->wall_us;
    judging->memory_bytes = larger(judging->memory_bytes, run->memory_peak_bytes);
    judging->cpu_left_us -= run->cpu_us;
    judging->wall_left_us -= run->wall_us;
}

static void describe(rl_test_result *result, const rl_judgement *judgement, const rl_agent_result *run) {
    result->verdict = judgement->verdict;
    result->limit_hit = judgement->limit_hit;
    result->has_exit_code = run->exit_code >= 0;
    result->exit_code = result->has_exit_code ? run->exit_code : 0;
    result->has_signal = run->term_signal != 0;
    result->signal = (int32_t)run->term_signal;
    result->cpu_us = run->cpu_us;
    result->wall_us = run->wall_us;
    result->memory_bytes = run->memory_peak_bytes;
}

/* The budget is used up: the first test that was not reached is the first that is not OK, unless one failed before. */
static void stop_at_budget(rl_judging *judging, rl_limit limit) {
    judging->stopped = RL_TEST_SKIP_TIME_BUDGET;
    if (!judging->failed) {
        judging->failed = true;
        judging->decisive.verdict = RL_VERDICT_TIME_LIMIT;
        judging->decisive.limit_hit = limit;
    }
}

static void decide_what_follows(rl_judging *judging, const rl_facts *facts) {
    bool more = judging->ended < judging->submission->test_count;
    if (!more || judging->stopped != RL_TEST_SKIP_NO) {
        return;
    }
    if (!facts->ran || (judging->failed && judging->submission->stop_at_first_failure)) {
        judging->stopped = RL_TEST_SKIP_FIRST_FAILURE;
    } else if (judging->cpu_left_us <= 0) {
        stop_at_budget(judging, RL_LIMIT_CPU_TIME);
    } else if (judging->wall_left_us <= 0) {
        stop_at_budget(judging, RL_LIMIT_WALL_TIME);
    }
}

bool rl_judging_note(rl_judging *judging, const rl_facts *facts, rl_captured *out, rl_captured *err_out,
                     rl_error *err) {
    static const rl_agent_result nothing = {.exit_code = -1};
    const rl_agent_result *run = facts->ran ? &facts->run : &nothing;
    rl_judgement judgement = judge(judging, facts, out);
    charge(judging, run);
    if (met_budget(judging, &judgement)) {
        stop_at_budget(judging, judgement.limit_hit);
    } else {
        noted *test = &judging->tests[judging->ended++];
        describe(&test->result, &judgement, run);
        if (!keep(judging, out, &test->result.out, &test->out_at) ||
            !keep(judging, err_out, &test->result.err, &test->err_at)) {
            return rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the outputs of tests");
        }
        if (!judging->failed) {
            judging->failed = judgement.verdict != RL_VERDICT_OK;
            judging->decisive = judgement;
            judging->decisive_run = *run;
            swap(&judging->out, out);
            swap(&judging->err, err_out);
        }
        decide_what_follows(judging, facts);
    }
    if (judging->stopped != RL_TEST_SKIP_NO) {
        judging->started = judging->ended; /* one whose request was under way is not run any more */
    }
    rl_captured_clear(out);
    rl_captured_clear(err_out);
    return true;
}

/* ---- what they came to ---- */

/* A kept output in its copy, cut to what is left of `room`. */
static void place(rl_output *output, const char *kept, size_t at, size_t *room) {
    if (output->bytes.size > *room) {
        output->bytes.size = *room;
        output->truncated = true;
    }
    *room -= output->bytes.size;
    output->bytes.data = kept + at;
}

static bool copy_decisive(const rl_captured *captured, rl_arena *arena, rl_output *ret) {
    ret->truncated = captured->truncated;
    return rl_arena_bytes(arena, rl_buffer_bytes(&captured->bytes), &ret->bytes);
}

static const rl_test_result *conclude_tests(const rl_judging *judging, size_t room, rl_arena *arena) {
    size_t count = judging->submission->test_count;
    rl_test_result *results = rl_arena_array(arena, count, sizeof *results);
    const char *kept = rl_arena_copy(arena, judging->kept.data, judging->kept.size);
    if (!results || !kept) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        results[i] = judging->tests[i].result;
        if (i < judging->ended) {
            place(&results[i].out, kept, judging->tests[i].out_at, &room);
            place(&results[i].err, kept, judging->tests[i].err_at, &room);
        } else {
            results[i].skipped = judging->stopped;
        }
    }
    return results;
}

bool rl_judging_conclude(const rl_judging *judging, size_t taken_bytes, rl_arena *arena, rl_finished *ret,
                         rl_error *err) {
    rl_test_result decisive = {.verdict = RL_VERDICT_OK};
    describe(&decisive, &judging->decisive, &judging->decisive_run);
    ret->verdict = decisive.verdict;
    ret->limit_hit = decisive.limit_hit;
    ret->message = judging->decisive.message;
    ret->has_exit_code = decisive.has_exit_code;
    ret->exit_code = decisive.exit_code;
    ret->has_signal = decisive.has_signal;
    ret->signal = decisive.signal;
    ret->cpu_us = judging->cpu_us;
    ret->wall_us = judging->wall_us;
    ret->memory_bytes = judging->memory_bytes;
    taken_bytes += judging->out.bytes.size + judging->err.bytes.size;
    size_t room = taken_bytes < RL_RESULT_OUTPUT_BYTES ? RL_RESULT_OUTPUT_BYTES - taken_bytes : 0;
    ret->test_count = judging->submission->test_count;
    ret->tests = conclude_tests(judging, room, arena);
    return (ret->tests && copy_decisive(&judging->out, arena, &ret->out) &&
            copy_decisive(&judging->err, arena, &ret->err)) ||
           rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for a result");
}
