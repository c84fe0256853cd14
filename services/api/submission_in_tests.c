/* submission_in_tests.c: tests, and how their outputs are judged. */
#include "services/api/submission_in_parts.h"

#define TESTS_MAX 100

/* Where a request asks for numbers without saying how close they must be. */
#define TOLERANCE 1e-6

static bool read_test(const rl_json_in *element, rl_test *test, rl_buffer *problem) {
    if (!json_is_object(element->value)) {
        return rl_json_in_refuse(element, problem, "must be an object, not %s",
                                 rl_json_in_type(element->value));
    }
    const rl_json_in input = rl_json_in_member(element, "stdin");
    const rl_json_in expected = rl_json_in_member(element, "expectedOutput");
    test->has_expected = !rl_json_in_is_absent(&expected);
    return rl_json_in_string(&input, &test->input, problem) &&
           rl_json_in_string(&expected, &test->expected, problem);
}

static bool read_tests(const rl_json_in *root, rl_arena *arena, rl_submission *submission,
                       rl_buffer *problem) {
    size_t count = 0;
    const rl_json_in field = rl_json_in_member(root, "tests");
    if (!rl_json_in_array(&field, TESTS_MAX, &count, problem)) {
        return false;
    }
    if (count == 0) {
        return true;
    }
    rl_test *tests = rl_arena_array(arena, count, sizeof(*tests));
    if (!tests) {
        return rl_submission_in_no_memory(problem);
    }
    for (size_t i = 0; i < count; i++) {
        const rl_json_in element = rl_json_in_element(&field, i);
        if (!read_test(&element, &tests[i], problem)) {
            return false;
        }
    }
    submission->tests = tests;
    submission->test_count = count;
    if (submission->input.size > 0) {
        const rl_json_in input = rl_json_in_member(root, "stdInput");
        return rl_json_in_refuse(&input, problem,
                                 "cannot stand beside \"tests\", each of which has a \"stdin\" of its own");
    }
    return true;
}

static bool read_mode(const rl_json_in *field, rl_comparison *comparison, rl_buffer *problem) {
    static const char *const words[] = {"trimmed", "exact", "numeric"};
    static const rl_comparison_mode modes[] = {RL_COMPARE_TRIMMED, RL_COMPARE_EXACT, RL_COMPARE_NUMERIC};
    size_t index = 0;
    if (!rl_json_in_word(field, words, sizeof(words) / sizeof(words[0]), &index, problem)) {
        return false;
    }
    comparison->mode = modes[index];
    if (comparison->mode == RL_COMPARE_NUMERIC) {
        comparison->absolute = TOLERANCE;
        comparison->relative = TOLERANCE;
    }
    return true;
}

static bool read_tolerance(const rl_json_in *object, const char *key, rl_comparison_mode mode, double *ret,
                           rl_buffer *problem) {
    const rl_json_in field = rl_json_in_member(object, key);
    if (mode != RL_COMPARE_NUMERIC && !rl_json_in_is_absent(&field)) {
        return rl_json_in_refuse(&field, problem, "goes with the mode \"numeric\" only");
    }
    return rl_json_in_magnitude(&field, ret, problem);
}

static bool read_comparison(const rl_json_in *root, rl_comparison *comparison, rl_buffer *problem) {
    const rl_json_in field = rl_json_in_member(root, "comparison");
    if (!json_is_object(field.value)) {
        return rl_json_in_is_absent(&field) || json_is_string(field.value)
                   ? read_mode(&field, comparison, problem)
                   : rl_json_in_refuse(&field, problem, "must be a string or an object, not %s",
                                       rl_json_in_type(field.value));
    }
    const rl_json_in mode = rl_json_in_member(&field, "mode");
    return read_mode(&mode, comparison, problem) &&
           read_tolerance(&field, "absolute", comparison->mode, &comparison->absolute, problem) &&
           read_tolerance(&field, "relative", comparison->mode, &comparison->relative, problem);
}

bool rl_submission_in_tests(const rl_json_in *root, rl_arena *arena, rl_submission *submission,
                            rl_buffer *problem) {
    const rl_json_in stop = rl_json_in_member(root, "stopAtFirstFailure");
    return read_tests(root, arena, submission, problem) &&
           rl_json_in_bool(&stop, &submission->stop_at_first_failure, problem) &&
           read_comparison(root, &submission->comparison, problem);
}
