#include "services/runner/judging.h"

#include "tests/support/suite.h"

#define S INT64_C(1000000)
#define ARENA_BYTES ((size_t)32 * 1024 * 1024)
#define MIB ((size_t)1024 * 1024)

typedef struct {
    rl_submission submission;
    rl_judging *judging;
    rl_captured out, err;
    rl_arena *arena;
    rl_finished finished;
} fixture;

/* `count` tests, each of which expects "right". */
static void open_fixture(fixture *f, size_t count) {
    static rl_test tests[100];
    for (size_t i = 0; i < count; i++) {
        tests[i] = (rl_test){.has_expected = true, .expected = rl_bytes_of("right")};
    }
    *f = (fixture){.submission = {.id = "x", .tests = tests, .test_count = count}};
    rl_captured_init(&f->out, 4 * (int64_t)MIB);
    rl_captured_init(&f->err, 4 * (int64_t)MIB);
    f->arena = rl_arena_new(ARENA_BYTES);
    f->finished = (rl_finished){.id = "x"};
}

static void begin(fixture *f, rl_phase_limits run) {
    rl_error err = RL_ERROR_INIT;
    f->judging = rl_judging_new(&f->submission, &run, 4 * (int64_t)MIB, &err);
    ck_assert_msg(f->judging != NULL, "%s", err.message);
}

static void close_fixture(fixture *f) {
    rl_judging_free(f->judging);
    rl_captured_free(&f->out);
    rl_captured_free(&f->err);
    rl_arena_free(f->arena);
}

static const rl_phase_limits five = {.cpu_us = 5 * S, .wall_us = 12 * S};

static rl_facts ran(rl_agent_result run) {
    return (rl_facts){.compiled = true, .compile = {.flags = RL_AGENT_SKIPPED}, .ran = true, .run = run};
}

static void note(fixture *f, const char *output, rl_agent_result run) {
    rl_facts facts = ran(run);
    ck_assert(rl_captured_add(&f->out, rl_bytes_of(output), NULL));
    ck_assert(rl_judging_note(f->judging, &facts, &f->out, &f->err, NULL));
    ck_assert_uint_eq(f->out.bytes.size, 0);
}

static void start(fixture *f, size_t index) {
    rl_test_start next;
    ck_assert_msg(rl_judging_start(f->judging, &next), "test %zu may not start", index);
    ck_assert_uint_eq(next.index, index);
}

static void start_nothing(fixture *f) {
    rl_test_start next;
    ck_assert(!rl_judging_start(f->judging, &next));
}

static void conclude(fixture *f) {
    ck_assert(rl_judging_is_over(f->judging));
    ck_assert(rl_judging_conclude(f->judging, 0, f->arena, &f->finished, NULL));
}

#define ck_assert_text(bytes_, text_)                                                                        \
    ck_assert_msg(rl_bytes_equal((bytes_), rl_bytes_of(text_)), "\"%.*s\" instead of \"%s\"",                \
                  (int)(bytes_).size, (const char *)(bytes_).data, (text_))

START_TEST(all_right_is_ok_with_the_last_ones_output_and_all_sums) {
    fixture f;
    open_fixture(&f, 3);
    begin(&f, five);
    for (size_t i = 0; i < 3; i++) {
        start(&f, i);
        ck_assert_uint_eq(rl_judging_current(f.judging), i);
        note(&f, i == 2 ? "right \n" : "right",
             (rl_agent_result){.cpu_us = 10, .wall_us = 20, .memory_peak_bytes = 100 - (int64_t)i});
    }
    conclude(&f);
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_OK);
    ck_assert_text(f.finished.out.bytes, "right \n");
    ck_assert(f.finished.has_exit_code);
    ck_assert_int_eq(f.finished.cpu_us, 30);
    ck_assert_int_eq(f.finished.wall_us, 60);
    ck_assert_int_eq(f.finished.memory_bytes, 100);
    ck_assert_uint_eq(f.finished.test_count, 3);
    ck_assert_text(f.finished.tests[0].out.bytes, "right");
    ck_assert_int_eq(f.finished.tests[1].memory_bytes, 99);
    close_fixture(&f);
}
END_TEST

START_TEST(the_first_that_is_wrong_decides_and_the_others_run_on) {
    fixture f;
    open_fixture(&f, 3);
    begin(&f, five);
    start(&f, 0);
    note(&f, "right", (rl_agent_result){.exit_code = 0});
    start(&f, 1);
    note(&f, "wrong", (rl_agent_result){.exit_code = 0});
    start(&f, 2);
    note(&f, "", (rl_agent_result){.exit_code = 7});
    conclude(&f);
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_WRONG_ANSWER);
    ck_assert_text(f.finished.out.bytes, "wrong");
    ck_assert_int_eq(f.finished.exit_code, 0);
    ck_assert_int_eq(f.finished.tests[0].verdict, RL_VERDICT_OK);
    ck_assert_int_eq(f.finished.tests[1].verdict, RL_VERDICT_WRONG_ANSWER);
    ck_assert_int_eq(f.finished.tests[2].verdict, RL_VERDICT_RUNTIME_ERROR);
    ck_assert_int_eq(f.finished.tests[2].exit_code, 7);
    ck_assert_int_eq(f.finished.tests[2].skipped, RL_TEST_SKIP_NO);
    close_fixture(&f);
}
END_TEST

START_TEST(a_run_that_fails_is_no_wrong_answer) {
    fixture f;
    open_fixture(&f, 1);
    begin(&f, five);
    start(&f, 0);
    note(&f, "right", (rl_agent_result){.exit_code = -1, .term_signal = 11});
    conclude(&f);
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_RUNTIME_ERROR);
    ck_assert_int_eq(f.finished.signal, 11);
    close_fixture(&f);
}
END_TEST

START_TEST(without_an_expected_output_ending_well_is_enough) {
    fixture f;
    open_fixture(&f, 1);
    ((rl_test *)f.submission.tests)[0].has_expected = false;
    begin(&f, five);
    start(&f, 0);
    note(&f, "anything", (rl_agent_result){.exit_code = 0});
    conclude(&f);
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_OK);
    close_fixture(&f);
}
END_TEST

START_TEST(an_expected_output_that_is_empty_is_one) {
    fixture f;
    open_fixture(&f, 1);
    ((rl_test *)f.submission.tests)[0].expected = rl_bytes_of("");
    begin(&f, five);
    start(&f, 0);
    note(&f, "anything", (rl_agent_result){.exit_code = 0});
    conclude(&f);
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_WRONG_ANSWER);
    close_fixture(&f);
}
END_TEST

START_TEST(stopping_at_the_first_failure_starts_nothing_ahead_and_skips_the_rest) {
    fixture f;
    open_fixture(&f, 4);
    f.submission.stop_at_first_failure = true;
    begin(&f, five);
    rl_test_start next;
    ck_assert(rl_judging_start(f.judging, &next));
    ck_assert(next.may_be_last && !next.is_last);
    start_nothing(&f);
    note(&f, "right", (rl_agent_result){.exit_code = 0});
    start(&f, 1);
    note(&f, "wrong", (rl_agent_result){.exit_code = 0});
    start_nothing(&f);
    conclude(&f);
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_WRONG_ANSWER);
    ck_assert_int_eq(f.finished.tests[1].skipped, RL_TEST_SKIP_NO);
    ck_assert_int_eq(f.finished.tests[2].skipped, RL_TEST_SKIP_FIRST_FAILURE);
    ck_assert_int_eq(f.finished.tests[3].skipped, RL_TEST_SKIP_FIRST_FAILURE);
    close_fixture(&f);
}
END_TEST

START_TEST(otherwise_one_test_is_under_way_ahead_of_the_one_that_runs) {
    fixture f;
    open_fixture(&f, 4);
    begin(&f, five);
    start(&f, 0);
    start(&f, 1);
    start_nothing(&f);
    ck_assert_uint_eq(rl_judging_current(f.judging), 0);
    note(&f, "right", (rl_agent_result){.exit_code = 0});
    rl_test_start next;
    ck_assert(rl_judging_start(f.judging, &next));
    ck_assert(!next.is_last && !next.may_be_last);
    note(&f, "right", (rl_agent_result){.exit_code = 0});
    ck_assert(rl_judging_start(f.judging, &next));
    ck_assert(next.is_last && next.may_be_last);
    close_fixture(&f);
}
END_TEST

START_TEST(the_budget_bounds_all_tests_together) {
    fixture f;
    const rl_phase_limits twenty = {.cpu_us = 20 * S, .wall_us = 42 * S};
    open_fixture(&f, 5);
    begin(&f, twenty);
    start(&f, 0);
    start(&f, 1); /* 60 s are enough for two of 20 */
    note(&f, "right", (rl_agent_result){.cpu_us = 19 * S});
    start(&f, 2); /* and 41 for two more */
    note(&f, "right", (rl_agent_result){.cpu_us = 19 * S});
    start_nothing(&f); /* 22 are not enough for one that runs and another one */
    note(&f, "right", (rl_agent_result){.cpu_us = 19 * S});
    rl_test_start next;
    ck_assert(rl_judging_start(f.judging, &next));
    ck_assert_int_eq(next.limits.cpu_us, 3 * S);
    ck_assert_int_eq(next.limits.wall_us, 42 * S);
    ck_assert(next.may_be_last && !next.is_last);
    note(&f, "half",
         (rl_agent_result){.exit_code = -1, .term_signal = 9, .flags = RL_AGENT_HIT_CPU, .cpu_us = 3 * S});
    start_nothing(&f);
    conclude(&f);
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_TIME_LIMIT);
    ck_assert_int_eq(f.finished.limit_hit, RL_LIMIT_CPU_TIME);
    ck_assert_int_eq(f.finished.cpu_us, 60 * S);
    ck_assert_int_eq(f.finished.tests[2].skipped, RL_TEST_SKIP_NO);
    ck_assert_int_eq(f.finished.tests[3].skipped, RL_TEST_SKIP_TIME_BUDGET);
    ck_assert_uint_eq(f.finished.tests[3].out.bytes.size, 0);
    ck_assert_int_eq(f.finished.tests[4].skipped, RL_TEST_SKIP_TIME_BUDGET);
    close_fixture(&f);
}
END_TEST

START_TEST(a_test_that_meets_its_own_limit_is_over_time_and_the_next_one_runs) {
    fixture f;
    open_fixture(&f, 2);
    begin(&f, five);
    start(&f, 0);
    note(&f, "",
         (rl_agent_result){.exit_code = -1, .term_signal = 9, .flags = RL_AGENT_HIT_CPU, .cpu_us = 5 * S});
    start(&f, 1);
    note(&f, "right", (rl_agent_result){.exit_code = 0});
    conclude(&f);
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_TIME_LIMIT);
    ck_assert_int_eq(f.finished.tests[0].verdict, RL_VERDICT_TIME_LIMIT);
    ck_assert_int_eq(f.finished.tests[1].verdict, RL_VERDICT_OK);
    close_fixture(&f);
}
END_TEST

START_TEST(a_test_that_does_well_with_what_the_budget_has_left_counts) {
    fixture f;
    const rl_phase_limits forty = {.cpu_us = 40 * S, .wall_us = 82 * S};
    open_fixture(&f, 3);
    begin(&f, forty);
    start(&f, 0);
    note(&f, "right", (rl_agent_result){.cpu_us = 35 * S});
    start(&f, 1); /* 25 s */
    note(&f, "right", (rl_agent_result){.cpu_us = 25 * S});
    start_nothing(&f); /* nothing is left for the third */
    conclude(&f);
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_TIME_LIMIT);
    ck_assert_int_eq(f.finished.tests[1].verdict, RL_VERDICT_OK);
    ck_assert_int_eq(f.finished.tests[2].skipped, RL_TEST_SKIP_TIME_BUDGET);
    close_fixture(&f);
}
END_TEST

START_TEST(sleepers_use_up_the_elapsed_time_of_all) {
    fixture f;
    const rl_phase_limits lazy = {.cpu_us = 5 * S, .wall_us = 100 * S};
    open_fixture(&f, 3);
    begin(&f, lazy);
    start(&f, 0);
    note(&f, "right", (rl_agent_result){.wall_us = 4 * 90 * S});
    start(&f, 1);
    start_nothing(&f); /* 128 s are enough for one that has to wait for processors, not for another one */
    note(&f, "right", (rl_agent_result){.wall_us = 96 * S});
    rl_test_start next;
    ck_assert(rl_judging_start(f.judging, &next));
    ck_assert_int_eq(next.limits.wall_us, 32 * S);
    ck_assert(next.may_be_last);
    note(&f, "right",
         (rl_agent_result){.exit_code = -1, .term_signal = 9, .flags = RL_AGENT_HIT_WALL, .wall_us = 32 * S});
    conclude(&f);
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_TIME_LIMIT);
    ck_assert_int_eq(f.finished.limit_hit, RL_LIMIT_WALL_TIME);
    ck_assert_int_eq(f.finished.tests[1].skipped, RL_TEST_SKIP_NO);
    ck_assert_int_eq(f.finished.tests[2].skipped, RL_TEST_SKIP_TIME_BUDGET);
    close_fixture(&f);
}
END_TEST

/* Each is well within its limits, but gets a third of a processor. */
START_TEST(a_host_that_is_busy_changes_no_verdict) {
    fixture f;
    const rl_phase_limits two = {.cpu_us = 2 * S, .wall_us = 6 * S};
    open_fixture(&f, 40);
    begin(&f, two);
    for (size_t i = 0; i < 40; i++) {
        if (i == rl_judging_current(f.judging)) {
            rl_test_start next;
            while (rl_judging_start(f.judging, &next)) {
                ck_assert_int_eq(next.limits.cpu_us, two.cpu_us);
                ck_assert_int_eq(next.limits.wall_us, two.wall_us);
            }
        }
        note(&f, "right", (rl_agent_result){.cpu_us = 12 * S / 10, .wall_us = 36 * S / 10});
    }
    conclude(&f);
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_OK);
    ck_assert_int_eq(f.finished.tests[39].skipped, RL_TEST_SKIP_NO);
    close_fixture(&f);
}
END_TEST

START_TEST(a_test_after_which_the_budget_may_be_used_up_may_be_the_last) {
    fixture f;
    const rl_phase_limits thirty = {.cpu_us = 30 * S, .wall_us = 30 * S};
    open_fixture(&f, 3);
    begin(&f, thirty);
    rl_test_start next;
    ck_assert(rl_judging_start(f.judging, &next));
    ck_assert(
        next.may_be_last); /* if both it and the next one exceed 30 s by a little, or only one of them */
    ck_assert(rl_judging_start(f.judging, &next));
    note(&f, "right", (rl_agent_result){.cpu_us = 31 * S});
    note(&f, "right", (rl_agent_result){.cpu_us = 31 * S});
    conclude(&f);
    ck_assert_int_eq(f.finished.tests[2].skipped, RL_TEST_SKIP_TIME_BUDGET);
    close_fixture(&f);
}
END_TEST

START_TEST(a_failure_before_the_budgets_end_decides) {
    fixture f;
    const rl_phase_limits sixty = {.cpu_us = 60 * S, .wall_us = 122 * S};
    open_fixture(&f, 2);
    begin(&f, sixty);
    start(&f, 0);
    note(&f, "wrong", (rl_agent_result){.cpu_us = 60 * S});
    conclude(&f);
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_WRONG_ANSWER);
    ck_assert_int_eq(f.finished.tests[1].skipped, RL_TEST_SKIP_TIME_BUDGET);
    close_fixture(&f);
}
END_TEST

START_TEST(a_sandbox_that_ends_with_a_test_leaves_the_others_out) {
    fixture f;
    open_fixture(&f, 3);
    begin(&f, five);
    start(&f, 0);
    start(&f, 1);
    note(&f, "right", (rl_agent_result){.exit_code = 0});
    start(&f, 2);
    rl_facts killed = {.compiled = true, .compile = {.flags = RL_AGENT_SKIPPED}, .killed_for_memory = true};
    ck_assert(rl_judging_note(f.judging, &killed, &f.out, &f.err, NULL));
    conclude(&f);
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_MEMORY_LIMIT);
    ck_assert(!f.finished.has_exit_code);
    ck_assert_int_eq(f.finished.tests[1].verdict, RL_VERDICT_MEMORY_LIMIT);
    ck_assert_int_eq(f.finished.tests[2].skipped, RL_TEST_SKIP_FIRST_FAILURE);
    close_fixture(&f);
}
END_TEST

START_TEST(outputs_beyond_the_budget_are_compared_whole_and_then_cut) {
    fixture f;
    open_fixture(&f, 6);
    RL_AUTO_FREE char *text = malloc(MIB + 1);
    memset(text, 'x', MIB);
    text[MIB] = '\0';
    for (size_t i = 0; i < 6; i++) {
        ((rl_test *)f.submission.tests)[i].expected = rl_bytes_make(text, MIB);
    }
    begin(&f, five);
    for (size_t i = 0; i < 6; i++) {
        start(&f, i);
        note(&f, text, (rl_agent_result){.exit_code = 0});
    }
    ck_assert(rl_judging_conclude(f.judging, 1000, f.arena, &f.finished, NULL));
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_OK);
    size_t all = f.finished.out.bytes.size;
    ck_assert_uint_eq(all, MIB); /* the one that is shown by itself is whole */
    for (size_t i = 0; i < 6; i++) {
        all += f.finished.tests[i].out.bytes.size;
        ck_assert_int_eq(f.finished.tests[i].verdict, RL_VERDICT_OK);
        ck_assert_int_eq(f.finished.tests[i].out.truncated, i > 1);
    }
    ck_assert_uint_eq(all, RL_RESULT_OUTPUT_BYTES - 1000);
    close_fixture(&f);
}
END_TEST

RL_SUITE("runner/judging", all_right_is_ok_with_the_last_ones_output_and_all_sums,
         the_first_that_is_wrong_decides_and_the_others_run_on, a_run_that_fails_is_no_wrong_answer,
         without_an_expected_output_ending_well_is_enough, an_expected_output_that_is_empty_is_one,
         stopping_at_the_first_failure_starts_nothing_ahead_and_skips_the_rest,
         otherwise_one_test_is_under_way_ahead_of_the_one_that_runs, the_budget_bounds_all_tests_together,
         a_test_that_meets_its_own_limit_is_over_time_and_the_next_one_runs,
         a_test_that_does_well_with_what_the_budget_has_left_counts, sleepers_use_up_the_elapsed_time_of_all,
         a_host_that_is_busy_changes_no_verdict, a_test_after_which_the_budget_may_be_used_up_may_be_the_last,
         a_failure_before_the_budgets_end_decides, a_sandbox_that_ends_with_a_test_leaves_the_others_out,
         outputs_beyond_the_budget_are_compared_whole_and_then_cut)
