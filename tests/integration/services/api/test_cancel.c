/* POST /api/submissions/:id/cancel: what it says, and what it puts on the log. */
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/codec/cancel.h"
#include "lib/stream/message.h"
#include "lib/stream/topics.h"
#include "suite.h"
#include "tests/support/kafka.h"

#define PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\"}"
#define NOT_FOUND "{\"error\":\"Code submission not found\"}"

static api_process api;

static void set_up(void) {
    topics_ready();
    api_start_ready(&api, NULL);
}

static void tear_down(void) {
    api_stop(&api);
}

static void cancel(const char *method, const char *id, answer *ret) {
    char target[256];
    (void)snprintf(target, sizeof(target), "/api/submissions/%s/cancel", id);
    ask(&api, method, target, rl_bytes_of(""), ret);
}

static void expect_cancel(const char *id, int status, const char *part) {
    answer a;
    cancel("POST", id, &a);
    expect_status(&a, status);
    expect_in_body(&a, part);
    answer_free(&a);
}

/* Waits until the API has read a result of this verdict. */
static void finish(const char *id, rl_verdict verdict) {
    char target[128];
    answer a;
    rl_finished finished = make_finished(id, 0, "1\n");
    finished.verdict = verdict;
    publish_finished(&finished);
    (void)snprintf(target, sizeof(target), "/api/result/%s?wait=20", id);
    get(&api, target, &a);
    expect_in_body(&a, rl_verdict_name(verdict));
    answer_free(&a);
}

typedef struct {
    const char *id;
    rl_codec *codec;
    int found, wanted;
} search;

static bool is_found(void *context, const rd_kafka_message_t *message) {
    search *s = context;
    if (rl_bytes_equal(rl_message_key(message), rl_bytes_of(s->id))) {
        RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 16);
        rl_cancel record;
        rl_error err = RL_ERROR_INIT;
        ck_assert_msg(rl_cancel_decode(s->codec, rl_message_value(message), arena, &record, &err), "%s",
                      err.message);
        ck_assert_str_eq(record.id, s->id);
        ck_assert_int_gt(record.requested_us, 0);
        ck_assert_str_ne(rl_message_trace(message).trace, "");
        s->found++;
    }
    return s->found == s->wanted;
}

START_TEST(what_is_pending_is_requested_to_be_cancelled_as_often_as_one_asks) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    expect_cancel(id, 202, "{\"message\":\"Cancellation requested\",\"codeSubmissionId\":\"");
    expect_cancel(id, 202, id);
    search s = {.id = id, .codec = rl_codec_new(NULL), .wanted = 2};
    ck_assert(rl_test_read(RL_TOPIC_CONTROLS, PATIENCE_US, is_found, &s));
    rl_codec_free(s.codec);
}
END_TEST

START_TEST(what_is_completed_is_a_conflict) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    finish(id, RL_VERDICT_OK);
    expect_cancel(id, 409, "{\"error\":\"Code submission is completed");
}
END_TEST

START_TEST(what_is_cancelled_stays_so) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    expect_cancel(id, 202, id);
    finish(id, RL_VERDICT_CANCELLED);
    expect_cancel(id, 200, "{\"message\":\"Code submission is cancelled\"");
}
END_TEST

START_TEST(what_nobody_has_read_in_time_is_a_conflict) {
    char id[RL_ID_SIZE];
    issue_id(api.secret, (3600 + 601) * RL_US_PER_S, id);
    expect_cancel(id, 409, "{\"error\":\"Code submission has expired");
}
END_TEST

START_TEST(an_id_that_was_never_issued_is_404) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    id[20] = id[20] == 'A' ? 'B' : 'A';
    expect_cancel(id, 404, NOT_FOUND);
    expect_cancel("x", 404, NOT_FOUND);
    expect_cancel("%00", 404, NOT_FOUND);
}
END_TEST

START_TEST(a_deleted_one_is_404) {
    char id[RL_ID_SIZE];
    issue_id(api.secret, 600 * RL_US_PER_S, id);
    store_deleted(id);
    expect_cancel(id, 404, NOT_FOUND);
}
END_TEST

START_TEST(another_method_is_405) {
    char id[RL_ID_SIZE];
    answer a;
    submit(&api, PROGRAM, id);
    cancel("GET", id, &a);
    expect_status(&a, 405);
    expect_in_head(&a, "Allow: POST, OPTIONS");
    answer_free(&a);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: cancel");
    TCase *tests = tcase_create("requests");
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, what_is_pending_is_requested_to_be_cancelled_as_often_as_one_asks);
    tcase_add_test(tests, what_is_completed_is_a_conflict);
    tcase_add_test(tests, what_is_cancelled_stays_so);
    tcase_add_test(tests, what_nobody_has_read_in_time_is_a_conflict);
    tcase_add_test(tests, an_id_that_was_never_issued_is_404);
    tcase_add_test(tests, a_deleted_one_is_404);
    tcase_add_test(tests, another_method_is_405);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
