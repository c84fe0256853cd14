#include "lib/store/replay_document.h"

#include "tests/support/sample_result.h"
#include "tests/support/suite.h"

#define EXPIRES_US INT64_C(1767225600123456)

START_TEST(a_held_result_holds_the_very_document_that_would_be_visible) {
    rl_sample sample;
    rl_finished *finished = rl_sample_finished(&sample, "an-id", 12);
    bson_t visible = BSON_INITIALIZER, held = BSON_INITIALIZER, inside;
    const char *key;
    int64_t generation;
    ck_assert(rl_result_document_write(finished, EXPIRES_US, &visible, NULL));
    ck_assert(rl_held_document_write(finished, EXPIRES_US, &held, NULL));
    ck_assert(rl_held_document_read(&held, &key, &generation, &inside));
    ck_assert_str_eq(key, "an-id/12");
    ck_assert_int_eq(generation, 12);
    ck_assert(bson_equal(&visible, &inside));
    bson_destroy(&held);
    bson_destroy(&visible);
}
END_TEST

START_TEST(an_id_that_no_result_may_have_is_refused) {
    static char longest[RL_STORE_ID_MAX_BYTES + 2];
    memset(longest, 'x', sizeof longest - 1);
    const char *const ids[] = {"", "\xff", "!sentinel", longest};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        bson_t held = BSON_INITIALIZER;
        rl_error err = RL_ERROR_INIT;
        ck_assert(!rl_held_document_write(&(rl_finished){.id = ids[i], .generation = 1}, 1, &held, &err));
        ck_assert_int_eq(err.error_class, RL_INVALID);
        bson_destroy(&held);
    }
}
END_TEST

START_TEST(a_document_of_another_form_is_no_held_result) {
    bson_t document = BSON_INITIALIZER, inside;
    const char *key;
    int64_t generation;
    BSON_APPEND_UTF8(&document, "_id", "a/1");
    BSON_APPEND_INT64(&document, "generation", 1);
    ck_assert(!rl_held_document_read(&document, &key, &generation, &inside));
    BSON_APPEND_UTF8(&document, "result", "none");
    ck_assert(!rl_held_document_read(&document, &key, &generation, &inside));
    bson_destroy(&document);
}
END_TEST

START_TEST(a_decision_comes_back) {
    const rl_decision decisions[] = {RL_DECISION_APPLIED, RL_DECISION_DISCARDED};
    for (size_t i = 0; i < 2; i++) {
        bson_t document = BSON_INITIALIZER;
        int64_t generation = 0;
        const rl_replay_decision what = {.replay = "r-1", .generation = INT64_MAX, .decided_us = EXPIRES_US};
        ck_assert(rl_decision_document_write(&what, decisions[i], EXPIRES_US, &document, NULL));
        ck_assert_int_eq(rl_decision_document_read(&document, &generation), decisions[i]);
        ck_assert_int_eq(generation, INT64_MAX);
        bson_destroy(&document);
    }
}
END_TEST

START_TEST(a_decision_about_no_replay_is_refused) {
    const rl_replay_decision wrong[] = {{.replay = "", .generation = 1},
                                        {.replay = "\xc3", .generation = 1},
                                        {.replay = "r", .generation = 0},
                                        {.replay = "r", .generation = -4}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bson_t document = BSON_INITIALIZER;
        rl_error err = RL_ERROR_INIT;
        ck_assert(!rl_decision_document_write(&wrong[i], RL_DECISION_APPLIED, 1, &document, &err));
        ck_assert_int_eq(err.error_class, RL_INVALID);
        bson_destroy(&document);
    }
}
END_TEST

RL_SUITE("store/replay_document", a_held_result_holds_the_very_document_that_would_be_visible,
         an_id_that_no_result_may_have_is_refused, a_document_of_another_form_is_no_held_result,
         a_decision_comes_back, a_decision_about_no_replay_is_refused)
