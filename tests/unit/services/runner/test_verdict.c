#include "services/runner/verdict.h"

#include "tests/support/suite.h"

/* A run that ended with `exit_code` (-1: by signal 9) after meeting the limits in `flags`. */
static rl_judgement judge(uint32_t flags, int exit_code) {
    rl_facts facts = {
        .compiled = true,
        .ran = true,
        .compile = {.flags = RL_AGENT_SKIPPED},
        .run = {.flags = flags, .exit_code = exit_code, .term_signal = exit_code < 0 ? 9 : 0},
    };
    return rl_judge(&facts);
}

static void expect(rl_judgement judgement, rl_verdict verdict, rl_limit limit) {
    ck_assert_str_eq(rl_verdict_name(judgement.verdict), rl_verdict_name(verdict));
    ck_assert_str_eq(rl_limit_name(judgement.limit_hit), rl_limit_name(limit));
}

START_TEST(exit_zero_is_ok_and_another_code_or_a_signal_is_not) {
    expect(judge(0, 0), RL_VERDICT_OK, RL_LIMIT_NONE);
    expect(judge(0, 1), RL_VERDICT_RUNTIME_ERROR, RL_LIMIT_NONE);
    expect(judge(0, -1), RL_VERDICT_RUNTIME_ERROR, RL_LIMIT_NONE);
}
END_TEST

START_TEST(each_limit_beats_a_runtime_error) {
    expect(judge(RL_AGENT_HIT_PROCESSES, 1), RL_VERDICT_PROCESS_LIMIT, RL_LIMIT_PROCESSES);
    expect(judge(RL_AGENT_HIT_MEMORY, -1), RL_VERDICT_MEMORY_LIMIT, RL_LIMIT_MEMORY);
    expect(judge(RL_AGENT_HIT_STDERR, 1), RL_VERDICT_OUTPUT_LIMIT, RL_LIMIT_OUTPUT);
    expect(judge(RL_AGENT_HIT_CPU, -1), RL_VERDICT_TIME_LIMIT, RL_LIMIT_CPU_TIME);
    expect(judge(RL_AGENT_HIT_WALL, -1), RL_VERDICT_TIME_LIMIT, RL_LIMIT_WALL_TIME);
}
END_TEST

START_TEST(of_several_limits_the_first_in_the_order_is_named) {
    uint32_t flags = RL_AGENT_HIT_WALL;
    expect(judge(flags |= RL_AGENT_HIT_CPU, -1), RL_VERDICT_TIME_LIMIT, RL_LIMIT_CPU_TIME);
    expect(judge(flags |= RL_AGENT_HIT_STDOUT, -1), RL_VERDICT_OUTPUT_LIMIT, RL_LIMIT_OUTPUT);
    expect(judge(flags |= RL_AGENT_HIT_MEMORY, -1), RL_VERDICT_MEMORY_LIMIT, RL_LIMIT_MEMORY);
    expect(judge(flags |= RL_AGENT_HIT_PROCESSES, -1), RL_VERDICT_PROCESS_LIMIT, RL_LIMIT_PROCESSES);
}
END_TEST

START_TEST(a_limit_that_was_survived_stands_beside_ok) {
    expect(judge(RL_AGENT_HIT_PROCESSES, 0), RL_VERDICT_OK, RL_LIMIT_PROCESSES);
    expect(judge(RL_AGENT_HIT_MEMORY, 0), RL_VERDICT_OK, RL_LIMIT_MEMORY);
    expect(judge(RL_AGENT_HIT_CPU, 0), RL_VERDICT_OK, RL_LIMIT_CPU_TIME);
}
END_TEST

START_TEST(output_past_the_cap_is_never_ok) {
    expect(judge(RL_AGENT_HIT_STDOUT, 0), RL_VERDICT_OUTPUT_LIMIT, RL_LIMIT_OUTPUT);
    expect(judge(RL_AGENT_HIT_STDOUT | RL_AGENT_HIT_PROCESSES, 0), RL_VERDICT_OUTPUT_LIMIT, RL_LIMIT_OUTPUT);
}
END_TEST

START_TEST(a_compile_step_that_fails_is_a_compile_error_with_its_limit) {
    static const struct {
        uint32_t flags;
        rl_limit limit;
        const char *text;
    } cases[] = {
        {0, RL_LIMIT_NONE, NULL},
        {RL_AGENT_HIT_CPU, RL_LIMIT_CPU_TIME, "compile time limit exceeded\n"},
        {RL_AGENT_HIT_WALL, RL_LIMIT_WALL_TIME, "compile time limit exceeded\n"},
        {RL_AGENT_HIT_MEMORY, RL_LIMIT_MEMORY, "compile memory limit exceeded\n"},
        {RL_AGENT_HIT_STDERR, RL_LIMIT_NONE, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rl_facts facts = {
            .had_compile_step = true, .compiled = true, .compile = {.flags = cases[i].flags, .exit_code = 1}};
        rl_judgement judgement = rl_judge(&facts);
        expect(judgement, RL_VERDICT_COMPILE_ERROR, cases[i].limit);
        ck_assert_pstr_eq(rl_compile_limit_text(judgement.limit_hit), cases[i].text);
    }
}
END_TEST

START_TEST(a_limit_of_a_compile_step_that_succeeded_says_nothing_about_the_run) {
    rl_facts facts = {.had_compile_step = true,
                      .compiled = true,
                      .ran = true,
                      .compile = {.flags = RL_AGENT_HIT_PROCESSES},
                      .run = {.exit_code = 0}};
    expect(rl_judge(&facts), RL_VERDICT_OK, RL_LIMIT_NONE);
}
END_TEST

START_TEST(an_agent_killed_for_memory_is_the_phases_limit) {
    rl_facts facts = {.had_compile_step = true, .killed_for_memory = true};
    expect(rl_judge(&facts), RL_VERDICT_COMPILE_ERROR, RL_LIMIT_MEMORY);
    facts.compiled = true;
    expect(rl_judge(&facts), RL_VERDICT_MEMORY_LIMIT, RL_LIMIT_MEMORY);
    facts = (rl_facts){.had_compile_step = false, .killed_for_memory = true};
    expect(rl_judge(&facts), RL_VERDICT_MEMORY_LIMIT, RL_LIMIT_MEMORY);
}
END_TEST

START_TEST(what_could_not_be_started_is_our_failure_unless_the_user_made_it) {
    rl_facts facts = {.compiled = true,
                      .ran = true,
                      .compile = {.flags = RL_AGENT_SKIPPED},
                      .run = {.flags = RL_AGENT_NOT_STARTED, .exit_code = -1, .start_errno = 2}};
    expect(rl_judge(&facts), RL_VERDICT_SYSTEM_ERROR, RL_LIMIT_NONE);
    ck_assert_str_ne(rl_judge(&facts).message, "");
    facts.program_is_users = true;
    expect(rl_judge(&facts), RL_VERDICT_RUNTIME_ERROR, RL_LIMIT_NONE);
    facts = (rl_facts){.compiled = true, .compile = {.flags = RL_AGENT_NOT_STARTED, .exit_code = -1}};
    expect(rl_judge(&facts), RL_VERDICT_SYSTEM_ERROR, RL_LIMIT_NONE);
}
END_TEST

START_TEST(nothing_known_is_our_failure) {
    rl_facts facts = {.compiled = false};
    expect(rl_judge(&facts), RL_VERDICT_SYSTEM_ERROR, RL_LIMIT_NONE);
}
END_TEST

RL_SUITE("runner/verdict", exit_zero_is_ok_and_another_code_or_a_signal_is_not,
         each_limit_beats_a_runtime_error, of_several_limits_the_first_in_the_order_is_named,
         a_limit_that_was_survived_stands_beside_ok, output_past_the_cap_is_never_ok,
         a_compile_step_that_fails_is_a_compile_error_with_its_limit,
         a_limit_of_a_compile_step_that_succeeded_says_nothing_about_the_run,
         an_agent_killed_for_memory_is_the_phases_limit,
         what_could_not_be_started_is_our_failure_unless_the_user_made_it, nothing_known_is_our_failure)
