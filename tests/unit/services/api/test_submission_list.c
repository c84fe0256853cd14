/* Many submissions in one body. */
#include "submission_fixture.h"

static void refuse_list(const char *body, const char *expected) {
    rl_submission_list list;
    ck_assert_msg(!rl_submission_list_parse(rl_bytes_of(body), &list, &problem), "accepted: %s", body);
    ck_assert_msg(strstr(problem.data, expected) != NULL, "expected \"%s\" in: %s", expected, problem.data);
    rl_buffer_free(&problem);
}

START_TEST(what_is_no_batch_is_refused_as_a_whole) {
    RL_AUTO_BUFFER rl_buffer many;
    rl_buffer_init(&many, 65536);
    for (int i = 0; i <= RL_SUBMISSION_LIST_MAX; i++) {
        ck_assert(rl_buffer_append_text(&many, i ? ",{}" : "[{}"));
    }
    ck_assert(rl_buffer_append_text(&many, "]"));
    refuse_list("", "must be an array of submissions");
    refuse_list("5", "must be an array of submissions");
    refuse_list("{}", "must be an array of submissions");
    refuse_list("{\"submissions\":{}}", "must be an array of submissions");
    refuse_list("[]", "must have 1 to 1000 submissions, not 0");
    refuse_list("{\"submissions\":[]}", "must have 1 to 1000 submissions, not 0");
    refuse_list(many.data, "must have 1 to 1000 submissions, not 1001");
    refuse_list("[{}", "Malformed JSON at line 1");
}
END_TEST

START_TEST(each_element_is_judged_as_if_it_had_come_alone) {
    static const char body[] = "{\"submissions\":[{\"code\":\"a\",\"lang\":\"c\"},{\"code\":\"b\"},7,"
                               "{\"code\":\"d\",\"lang\":\"c\",\"tests\":[{\"stdin\":1}]}]}";
    static const char *const complaints[] = {NULL, RL_SUBMISSION_IN_REQUIRED,
                                             "must be a JSON object, not a number",
                                             "Field \"tests[0].stdin\" must be a string"};
    RL_AUTO_SUBMISSION_LIST rl_submission_list list;
    ck_assert(rl_submission_list_parse(rl_bytes_of(body), &list, &problem));
    ck_assert_uint_eq(list.count, 4);
    for (size_t i = 0; i < list.count; i++) {
        rl_submission_in_free(&in);
        const bool read = rl_submission_list_at(&list, i, manifests, &maxima, &in, &problem);
        ck_assert_msg(read == !complaints[i], "element %zu: %s", i, problem.data ? problem.data : "accepted");
        ck_assert(read || strstr(problem.data, complaints[i]) != NULL);
        rl_buffer_free(&problem);
    }
}
END_TEST

START_TEST(an_element_outlives_its_batch) {
    rl_submission_list list;
    ck_assert(
        rl_submission_list_parse(rl_bytes_of("[{\"code\":\"alive\",\"lang\":\"c\"}]"), &list, &problem));
    ck_assert(rl_submission_list_at(&list, 0, manifests, &maxima, &in, &problem));
    rl_submission_list_free(&list);
    ck_assert(rl_bytes_equal(in.submission.source, rl_bytes_of("alive")));
}
END_TEST

SUBMISSION_SUITE("submission_list", what_is_no_batch_is_refused_as_a_whole,
                 each_element_is_judged_as_if_it_had_come_alone, an_element_outlives_its_batch)
