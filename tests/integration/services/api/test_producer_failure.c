/* A broker that has lost the end of its log refuses what follows, and librdkafka's producer is finished.
 *
 * No healthy broker can be talked into that, so this one is librdkafka's own mock cluster, told to give the
 * answer that such a broker gives; the API is the real binary.
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/stream/topics.h"
#include "suite.h"

#define PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\"}"
#define PRODUCE 0 /* the protocol's key of a request to append */

static api_process api;
static rd_kafka_t *host; /* the mock cluster lives in some client */
static rd_kafka_mock_cluster_t *cluster;

static void set_up(void) {
    static const char *const topics[] = {RL_TOPIC_SUBMISSIONS, RL_TOPIC_RESULTS, RL_TOPIC_SCHEMAS};
    char reason[128];
    char brokers[256];
    host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), reason, sizeof(reason));
    ck_assert_msg(host != NULL, "%s", reason);
    cluster = rd_kafka_mock_cluster_new(host, 1);
    ck_assert_ptr_nonnull(cluster);
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        ck_assert_int_eq(rd_kafka_mock_topic_create(cluster, topics[i], 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    (void)snprintf(brokers, sizeof(brokers), "RUNLOG_KAFKA_BROKERS=%s",
                   rd_kafka_mock_cluster_bootstraps(cluster));
    const char *const settings[] = {brokers, NULL};
    api_start_ready(&api, settings);
}

static void tear_down(void) {
    api_stop(&api);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
}

static void expect_end_with_failure(void) {
    const int status = api_await_end(&api);
    ck_assert_msg(status > 0, "it ended with %d: %s", status, api.logged.data);
    ck_assert_msg(strstr(api.logged.data, "\"event\":\"api.failed\"") != NULL, "%s", api.logged.data);
}

START_TEST(a_producer_that_failed_for_good_ends_the_api_with_an_error) {
    char id[RL_ID_SIZE];
    answer a;
    submit(&api, PROGRAM, id);
    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    ask(&api, "POST", "/api/submit", rl_bytes_of(PROGRAM), &a);
    expect_status(&a, 503);
    expect_in_head(&a, "\r\nRetry-After: ");
    answer_free(&a);
    expect_end_with_failure();
}
END_TEST

START_TEST(who_waits_is_answered_before_the_end) {
    char id[RL_ID_SIZE];
    char request[256];
    answer a;
    submit(&api, PROGRAM, id);
    const int fd = api_connect(&api);
    (void)snprintf(request, sizeof(request), "GET /api/result/%s?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n", id);
    send_text(fd, request);
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    for (bool waiting = false; !waiting;) {
        ck_assert_int_lt(rl_clock_us(), deadline_us);
        get(&api, "/metrics", &a);
        waiting = strstr(a.body.data, "\nrunlog_api_waiters 1\n") != NULL;
        answer_free(&a);
    }
    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    ask(&api, "POST", "/api/submit", rl_bytes_of(PROGRAM), &a);
    expect_status(&a, 503);
    answer_free(&a);
    read_answer(fd, &a, false);
    expect_body(&a, 200, "{\"message\":\"Code execution is still pending\"}");
    answer_free(&a);
    close(fd);
    expect_end_with_failure();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: producer failure");
    TCase *tests = tcase_create("for good");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_producer_that_failed_for_good_ends_the_api_with_an_error);
    tcase_add_test(tests, who_waits_is_answered_before_the_end);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
