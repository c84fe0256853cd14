#include "services/runner/outcome.h"

#include <errno.h>

#include "tests/support/suite.h"

static const rl_submission nothing_asked = {.id = "x"};

typedef struct {
    rl_transcript transcript;
    rl_arena *arena;
    rl_finished finished;
} fixture;

static void open_fixture(fixture *f) {
    rl_transcript_init(&f->transcript, 1000);
    f->arena = rl_arena_new(100000);
    f->finished = (rl_finished){.id = "x"};
    f->transcript.facts.compiled = true;
    f->transcript.facts.compile.flags = RL_AGENT_SKIPPED;
}

static void close_fixture(fixture *f) {
    rl_transcript_free(&f->transcript);
    rl_arena_free(f->arena);
}

START_TEST(outputs_are_copied_with_what_was_cut_off) {
    fixture f;
    open_fixture(&f);
    f.transcript.facts.ran = true;
    f.transcript.facts.run =
        (rl_agent_result){.exit_code = 0, .cpu_us = 1, .wall_us = 2, .memory_peak_bytes = 3};
    rl_buffer_append_text(&f.transcript.out.bytes, "out");
    f.transcript.err.truncated = true;
    ck_assert(rl_outcome_of_transcript(&f.transcript, &nothing_asked, f.arena, &f.finished, NULL));
    rl_transcript_free(&f.transcript);
    ck_assert(rl_bytes_equal(f.finished.out.bytes, rl_bytes_of("out")));
    ck_assert(!f.finished.out.truncated);
    ck_assert(f.finished.err.truncated);
    ck_assert(f.finished.has_exit_code && !f.finished.has_signal);
    ck_assert_int_eq(f.finished.cpu_us, 1);
    ck_assert_int_eq(f.finished.wall_us, 2);
    ck_assert_int_eq(f.finished.memory_bytes, 3);
    close_fixture(&f);
}
END_TEST

START_TEST(a_signal_takes_the_place_of_the_exit_code) {
    fixture f;
    open_fixture(&f);
    f.transcript.facts.ran = true;
    f.transcript.facts.run = (rl_agent_result){.exit_code = -1, .term_signal = 11};
    ck_assert(rl_outcome_of_transcript(&f.transcript, &nothing_asked, f.arena, &f.finished, NULL));
    ck_assert(!f.finished.has_exit_code);
    ck_assert(f.finished.has_signal);
    ck_assert_int_eq(f.finished.signal, 11);
    close_fixture(&f);
}
END_TEST

START_TEST(a_compiler_stopped_by_a_limit_ends_with_a_line_about_it) {
    static const char *const outputs[][2] = {
        {"", "compile time limit exceeded\n"},
        {"warning", "warning\ncompile time limit exceeded\n"},
        {"warning\n", "warning\ncompile time limit exceeded\n"},
    };
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        open_fixture(&f);
        f.transcript.facts.compile =
            (rl_agent_result){.flags = RL_AGENT_HIT_CPU, .exit_code = -1, .term_signal = 9};
        rl_buffer_append_text(&f.transcript.compile.bytes, outputs[i][0]);
        ck_assert(rl_outcome_of_transcript(&f.transcript, &nothing_asked, f.arena, &f.finished, NULL));
        ck_assert_int_eq(f.finished.verdict, RL_VERDICT_COMPILE_ERROR);
        ck_assert_int_eq(f.finished.limit_hit, RL_LIMIT_CPU_TIME);
        ck_assert(rl_bytes_equal(f.finished.compile.bytes, rl_bytes_of(outputs[i][1])));
        ck_assert(!f.finished.has_exit_code && !f.finished.has_signal);
        close_fixture(&f);
    }
}
END_TEST

START_TEST(a_full_arena_is_transient_and_no_verdict) {
    fixture f;
    open_fixture(&f);
    f.transcript.facts.ran = true;
    rl_buffer_append_text(&f.transcript.out.bytes, "more than one byte");
    rl_arena_free(f.arena);
    f.arena = rl_arena_new(1);
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_outcome_of_transcript(&f.transcript, &nothing_asked, f.arena, &f.finished, &err));
    ck_assert_int_eq(err.error_class, RL_TRANSIENT);
    close_fixture(&f);
}
END_TEST

START_TEST(our_failure_carries_its_message) {
    fixture f;
    open_fixture(&f);
    ck_assert(rl_outcome_of_failure("the agent ended too early", f.arena, &f.finished, NULL));
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_SYSTEM_ERROR);
    ck_assert_str_eq(f.finished.message, "the agent ended too early");
    close_fixture(&f);
}
END_TEST

START_TEST(files_that_do_not_fit_are_the_submitters) {
    fixture f;
    open_fixture(&f);
    f.transcript.facts.compiled = false;
    f.transcript.failed = RL_AGENT_FAILURE_FILES;
    f.transcript.failed_errno = EIO;
    ck_assert(!rl_transcript_files_do_not_fit(&f.transcript));
    f.transcript.failed_errno = ENOSPC;
    ck_assert(rl_transcript_files_do_not_fit(&f.transcript));
    rl_buffer_append_text(&f.transcript.compile.bytes, "too much");
    ck_assert(rl_outcome_of_transcript(&f.transcript, &nothing_asked, f.arena, &f.finished, NULL));
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_COMPILE_ERROR);
    ck_assert(rl_bytes_equal(f.finished.compile.bytes, rl_bytes_of("too much")));
    close_fixture(&f);
}
END_TEST

START_TEST(what_cannot_be_kept_for_all_tests_is_the_submitters) {
    const rl_phase_limits run = {.cpu_us = 1000000, .wall_us = 4000000};
    const rl_test tests[2] = {{.has_expected = false}};
    const rl_submission submission = {.id = "x", .tests = tests, .test_count = 2};
    fixture f;
    open_fixture(&f);
    f.transcript.judging = rl_judging_new(&submission, &run, 1000, NULL);
    f.transcript.failed = RL_AGENT_FAILURE_FILES;
    f.transcript.failed_errno = ENAMETOOLONG;
    ck_assert_ptr_nonnull(rl_transcript_cannot_keep(&f.transcript));
    f.transcript.failed_errno = EACCES;
    ck_assert_ptr_nonnull(rl_transcript_cannot_keep(&f.transcript));
    f.transcript.failed_errno = ENAMETOOLONG;
    ck_assert(!rl_transcript_cannot_restore(&f.transcript));
    rl_buffer_append_text(&f.transcript.compile.bytes, "too long");
    ck_assert(rl_outcome_of_transcript(&f.transcript, &submission, f.arena, &f.finished, NULL));
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_COMPILE_ERROR);
    ck_assert_int_eq(f.finished.limit_hit, RL_LIMIT_NONE);
    ck_assert(rl_bytes_equal(f.finished.compile.bytes, rl_bytes_of("too long")));
    f.transcript.facts.compiled = false; /* a file of the submission's: not the compile step's doing */
    ck_assert_ptr_null(rl_transcript_cannot_keep(&f.transcript));
    close_fixture(&f);
}
END_TEST

START_TEST(without_memory_to_clean_up_after_the_compile_step_its_limit_was_met) {
    fixture f;
    open_fixture(&f);
    f.transcript.failed = RL_AGENT_FAILURE_FILES;
    f.transcript.failed_errno = ENOMEM;
    ck_assert(rl_transcript_cannot_restore(&f.transcript));
    f.transcript.failed_errno = 0;
    ck_assert(!rl_transcript_cannot_restore(&f.transcript));
    f.transcript.failed_errno = ENOMEM;
    f.transcript.facts.compiled = false;
    ck_assert(!rl_transcript_cannot_restore(&f.transcript));
    close_fixture(&f);
}
END_TEST

START_TEST(a_work_folder_that_does_not_come_back_costs_its_test_and_no_other) {
    const rl_phase_limits run = {.cpu_us = 1000000, .wall_us = 4000000};
    const rl_test tests[3] = {{.has_expected = false}};
    const rl_submission submission = {.id = "x", .tests = tests, .test_count = 3};
    fixture f;
    open_fixture(&f);
    f.transcript.failed = RL_AGENT_FAILURE_FILES;
    f.transcript.failed_errno = EFBIG;
    ck_assert(!rl_transcript_cannot_restore(&f.transcript)); /* no tests */
    f.transcript.judging = rl_judging_new(&submission, &run, 1000, NULL);
    f.transcript.failed_errno = 0;
    ck_assert(!rl_transcript_cannot_restore(&f.transcript)); /* the first one's: who knows */
    rl_test_start start;
    ck_assert(rl_judging_start(f.transcript.judging, &start));
    f.transcript.facts.ran = true;
    ck_assert(rl_judging_note(f.transcript.judging, &f.transcript.facts, &f.transcript.out, &f.transcript.err,
                              NULL));
    ck_assert(rl_judging_start(f.transcript.judging, &start));
    f.transcript.facts.ran = false;
    ck_assert(rl_transcript_cannot_restore(&f.transcript));
    ck_assert(rl_transcript_killed_for_memory(&f.transcript, NULL));
    ck_assert(rl_outcome_of_transcript(&f.transcript, &submission, f.arena, &f.finished, NULL));
    ck_assert_int_eq(f.finished.verdict, RL_VERDICT_MEMORY_LIMIT);
    ck_assert_int_eq(f.finished.tests[0].verdict, RL_VERDICT_OK);
    ck_assert_int_eq(f.finished.tests[1].verdict, RL_VERDICT_MEMORY_LIMIT);
    ck_assert_int_eq(f.finished.tests[1].skipped, RL_TEST_SKIP_NO);
    ck_assert_int_eq(f.finished.tests[2].skipped, RL_TEST_SKIP_FIRST_FAILURE);
    close_fixture(&f);
}
END_TEST

RL_SUITE("runner/outcome", outputs_are_copied_with_what_was_cut_off,
         a_signal_takes_the_place_of_the_exit_code, a_compiler_stopped_by_a_limit_ends_with_a_line_about_it,
         a_full_arena_is_transient_and_no_verdict, our_failure_carries_its_message,
         files_that_do_not_fit_are_the_submitters, what_cannot_be_kept_for_all_tests_is_the_submitters,
         without_memory_to_clean_up_after_the_compile_step_its_limit_was_met,
         a_work_folder_that_does_not_come_back_costs_its_test_and_no_other)
