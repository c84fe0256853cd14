#include "lib/codec/verdict.h"

#include "lib/codec/submission_symbols.h"
#include "tests/support/suite.h"

START_TEST(every_verdict_has_a_name_that_parses_back) {
    for (int i = 0; i < RL_VERDICT_COUNT; i++) {
        rl_verdict back = RL_VERDICT_COUNT;
        ck_assert(rl_verdict_parse(rl_verdict_name((rl_verdict)i), &back));
        ck_assert_int_eq(back, i);
    }
}
END_TEST

START_TEST(every_limit_has_a_name_that_parses_back) {
    for (int i = 0; i < RL_LIMIT_COUNT; i++) {
        rl_limit back = RL_LIMIT_COUNT;
        ck_assert(rl_limit_parse(rl_limit_name((rl_limit)i), &back));
        ck_assert_int_eq(back, i);
    }
}
END_TEST

START_TEST(every_reason_to_skip_a_test_has_a_name_that_parses_back) {
    for (int i = 0; i < RL_TEST_SKIP_COUNT; i++) {
        rl_test_skip back = RL_TEST_SKIP_COUNT;
        ck_assert(rl_test_skip_parse(rl_test_skip_name((rl_test_skip)i), &back));
        ck_assert_int_eq(back, i);
    }
}
END_TEST

START_TEST(the_symbols_of_a_submission_parse_back_and_unknown_ones_are_the_first) {
    for (int i = 0; i < RL_FILE_FORMAT_COUNT; i++) {
        ck_assert_int_eq(rl_file_format_parse(rl_file_format_name((rl_file_format)i)), i);
    }
    for (int i = 0; i < RL_COMPARE_COUNT; i++) {
        ck_assert_int_eq(rl_comparison_mode_parse(rl_comparison_mode_name((rl_comparison_mode)i)), i);
    }
    ck_assert_int_eq(rl_file_format_parse("RAR"), RL_FILE_PLAIN);
    ck_assert_int_eq(rl_comparison_mode_parse(""), RL_COMPARE_TRIMMED);
}
END_TEST

START_TEST(an_unknown_name_changes_nothing) {
    rl_verdict verdict = RL_VERDICT_OK;
    rl_limit limit = RL_LIMIT_MEMORY;
    ck_assert(!rl_verdict_parse("EXCELLENT", &verdict));
    ck_assert(!rl_limit_parse("", &limit));
    ck_assert_int_eq(verdict, RL_VERDICT_OK);
    ck_assert_int_eq(limit, RL_LIMIT_MEMORY);
    rl_test_skip skip = RL_TEST_SKIP_TIME_BUDGET;
    ck_assert(!rl_test_skip_parse("TIRED", &skip));
    ck_assert_int_eq(skip, RL_TEST_SKIP_TIME_BUDGET);
}
END_TEST

RL_SUITE("codec/verdict", every_verdict_has_a_name_that_parses_back, every_limit_has_a_name_that_parses_back,
         every_reason_to_skip_a_test_has_a_name_that_parses_back,
         the_symbols_of_a_submission_parse_back_and_unknown_ones_are_the_first,
         an_unknown_name_changes_nothing)
