/* tests, stopAtFirstFailure and comparison of a submission. */
#include "submission_fixture.h"

START_TEST(tests_arrive_exactly_and_in_order) {
    accept_with("'tests':[{'stdin':'1\\u0000\\r\\n','expectedOutput':'2'},{'expectedOutput':''},{}]");
    const rl_submission *s = &in.submission;
    ck_assert_uint_eq(s->test_count, 3);
    expect_bytes(s->tests[0].input, "1\0\r\n", 4);
    ck_assert(s->tests[0].has_expected);
    expect_text(s->tests[0].expected, "2");
    ck_assert(s->tests[1].has_expected);
    ck_assert_uint_eq(s->tests[1].expected.size, 0);
    ck_assert_uint_eq(s->tests[2].input.size, 0);
    ck_assert(!s->tests[2].has_expected);
}
END_TEST

START_TEST(null_is_no_test_no_input_and_no_expectation) {
    accept_with("'tests':null,'stopAtFirstFailure':null,'comparison':null");
    ck_assert_uint_eq(in.submission.test_count, 0);
    ck_assert(!in.submission.stop_at_first_failure);
    ck_assert_int_eq(in.submission.comparison.mode, RL_COMPARE_TRIMMED);
    accept_with("'tests':[{'stdin':null,'expectedOutput':null}]");
    ck_assert(!in.submission.tests[0].has_expected);
}
END_TEST

START_TEST(a_wrong_type_is_named_with_its_place) {
    refuse_with("'tests':{}", "Field \"tests\" must be an array, not an object");
    refuse_with("'tests':['x']", "Field \"tests[0]\" must be an object, not a string");
    refuse_with("'tests':[{},null]", "Field \"tests[1]\" must be an object, not null");
    refuse_with("'tests':[{},{},{},{'stdin':5}]", "Field \"tests[3].stdin\" must be a string, not a number");
    refuse_with("'tests':[{'expectedOutput':[]}]",
                "Field \"tests[0].expectedOutput\" must be a string, not an array");
    refuse_with("'stopAtFirstFailure':1", "Field \"stopAtFirstFailure\" must be a boolean, not a number");
}
END_TEST

START_TEST(a_hundred_tests_are_the_most) {
    char fields[4096] = "'tests':[{}";
    for (int i = 1; i < 100; i++) {
        strcat(fields, ",{}");
    }
    strcat(fields, "]");
    accept_with(fields);
    ck_assert_uint_eq(in.submission.test_count, 100);
    strcpy(fields + strlen(fields) - 1, ",{}]");
    refuse_with(fields, "Field \"tests\" must have at most 100 elements, not 101");
}
END_TEST

START_TEST(input_beside_tests_is_refused_unless_it_is_empty) {
    refuse_with("'stdInput':'1','tests':[{}]", "Field \"stdInput\" cannot stand beside \"tests\"");
    accept_with("'stdInput':'','tests':[{}]");
    accept_with("'stdInput':'1','tests':[]");
    expect_text(in.submission.input, "1");
}
END_TEST

START_TEST(to_stop_at_the_first_failure_is_a_boolean) {
    accept_with("'stopAtFirstFailure':true");
    ck_assert(in.submission.stop_at_first_failure);
    accept_with("'stopAtFirstFailure':false");
    ck_assert(!in.submission.stop_at_first_failure);
}
END_TEST

START_TEST(a_comparison_is_a_word) {
    accept_with("'comparison':'exact'");
    ck_assert_int_eq(in.submission.comparison.mode, RL_COMPARE_EXACT);
    accept_with("'comparison':'trimmed'");
    ck_assert_int_eq(in.submission.comparison.mode, RL_COMPARE_TRIMMED);
    ck_assert_double_eq(in.submission.comparison.absolute, 0);
    accept_with("'comparison':'numeric'");
    ck_assert_int_eq(in.submission.comparison.mode, RL_COMPARE_NUMERIC);
    ck_assert_double_eq(in.submission.comparison.absolute, 1e-6);
    ck_assert_double_eq(in.submission.comparison.relative, 1e-6);
}
END_TEST

START_TEST(a_comparison_is_an_object_with_tolerances) {
    accept_with("'comparison':{'mode':'numeric','absolute':1e-9,'relative':0}");
    ck_assert_double_eq(in.submission.comparison.absolute, 1e-9);
    ck_assert_double_eq(in.submission.comparison.relative, 0);
    accept_with("'comparison':{'mode':'numeric','absolute':2}");
    ck_assert_double_eq(in.submission.comparison.absolute, 2);
    ck_assert_double_eq(in.submission.comparison.relative, 1e-6);
    accept_with("'comparison':{'mode':'exact'}");
    ck_assert_int_eq(in.submission.comparison.mode, RL_COMPARE_EXACT);
    accept_with("'comparison':{}");
    ck_assert_int_eq(in.submission.comparison.mode, RL_COMPARE_TRIMMED);
}
END_TEST

START_TEST(a_comparison_of_another_kind_is_told_the_known_ones) {
    refuse_with("'comparison':'fuzzy'",
                "Field \"comparison\" must be \"trimmed\", \"exact\" or \"numeric\", not \"fuzzy\"");
    refuse_with("'comparison':{'mode':'x'}",
                "Field \"comparison.mode\" must be \"trimmed\", \"exact\" or \"numeric\", not \"x\"");
    refuse_with("'comparison':5", "Field \"comparison\" must be a string or an object, not a number");
    refuse_with("'comparison':{'mode':7}", "Field \"comparison.mode\" must be a string, not a number");
}
END_TEST

START_TEST(a_tolerance_is_a_number_from_0_up_and_goes_with_numbers) {
    refuse_with("'comparison':{'mode':'numeric','absolute':-1e-9}",
                "Field \"comparison.absolute\" must be 0 or above, not -1e-09");
    refuse_with("'comparison':{'mode':'numeric','relative':'1'}",
                "Field \"comparison.relative\" must be a number, not a string");
    refuse_with("'comparison':{'mode':'exact','relative':0.1}",
                "Field \"comparison.relative\" goes with the mode \"numeric\" only");
}
END_TEST

SUBMISSION_SUITE("submission_in_tests", tests_arrive_exactly_and_in_order,
                 null_is_no_test_no_input_and_no_expectation, a_wrong_type_is_named_with_its_place,
                 a_hundred_tests_are_the_most, input_beside_tests_is_refused_unless_it_is_empty,
                 to_stop_at_the_first_failure_is_a_boolean, a_comparison_is_a_word,
                 a_comparison_is_an_object_with_tolerances,
                 a_comparison_of_another_kind_is_told_the_known_ones,
                 a_tolerance_is_a_number_from_0_up_and_goes_with_numbers)
