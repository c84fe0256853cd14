/* Brokers that fail in ways no healthy one can be talked into: losing the end of a log, answering one kind
 * of request and not another, going away for a moment. This one is librdkafka's own mock cluster, told to do
 * so; the API is the real binary, MongoDB the real neighbour.
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/codec/codec.h"
#include "lib/stream/producer.h"
#include "lib/stream/topics.h"
#include "suite.h"

#define PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\"}"
/* Keys of requests in Kafka's protocol. */
#define PRODUCE 0
#define FETCH 1
#define BROKER 1

static api_process api;
static rd_kafka_t *host; /* the mock cluster lives in some client */
static rd_kafka_mock_cluster_t *cluster;

static void set_up(void) {
    static const char *const topics[] = {RL_TOPIC_SUBMISSIONS, RL_TOPIC_SUBMISSIONS_BATCH, RL_TOPIC_RESULTS,
                                         RL_TOPIC_CONTROLS, RL_TOPIC_SCHEMAS};
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

/* --- an id past its time --- */

static void ask_for(const char *id, answer *ret) {
    char target[128];
    (void)snprintf(target, sizeof(target), "/api/result/%s", id);
    get(&api, target, ret);
}

static void await_answer(const char *id, int status, const char *part) {
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    answer a = {.status = 0};
    do {
        answer_free(&a);
        ask_for(id, &a);
        ck_assert_msg(rl_clock_us() < deadline_us, "expected %d %s: %s%s", status, part, a.head, a.body.data);
    } while (a.status != status || !strstr(a.body.data, part));
    answer_free(&a);
}

static void await_not_connected(void) {
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    int status = 0;
    while (status != 503) {
        answer a;
        get(&api, "/readyz", &a);
        ck_assert_msg(rl_clock_us() < deadline_us, "still ready: %s", a.body.data);
        status = a.status;
        answer_free(&a);
    }
}

static void expect_unavailable(const char *id) {
    answer a;
    ask_for(id, &a);
    expect_status(&a, 503);
    expect_in_head(&a, "\r\nRetry-After: ");
    answer_free(&a);
}

#define EXPIRED "\"message\":\"expired in queue\""
#define PAST_ITS_TIME_US ((3600 + 601) * RL_US_PER_S)

START_TEST(without_kafka_no_submission_is_called_expired) {
    char id[RL_ID_SIZE];
    issue_id(api.secret, PAST_ITS_TIME_US, id);
    await_answer(id, 200, EXPIRED);
    ck_assert_int_eq(rd_kafka_mock_broker_set_down(cluster, BROKER), RD_KAFKA_RESP_ERR_NO_ERROR);
    await_not_connected();
    expect_unavailable(id);
    ck_assert_int_eq(rd_kafka_mock_broker_set_up(cluster, BROKER), RD_KAFKA_RESP_ERR_NO_ERROR);
    await_answer(id, 200, EXPIRED);
}
END_TEST

/* By the word for it: who has waited for Kafka says that it did not acknowledge. */
static void expect_not_tried(const char *method, const char *format, const char *id) {
    char target[128];
    answer a;
    (void)snprintf(target, sizeof(target), format, id);
    ask(&api, method, target, rl_bytes_make(NULL, 0), &a);
    expect_status(&a, 503);
    expect_in_head(&a, "\r\nRetry-After: ");
    ck_assert_msg(strstr(a.body.data, "Kafka does not answer") != NULL, "%s", a.body.data);
    answer_free(&a);
}

START_TEST(without_kafka_nobody_waits_to_cancel_or_to_delete) {
    char id[RL_ID_SIZE];
    issue_id(api.secret, 0, id);
    ck_assert_int_eq(rd_kafka_mock_broker_set_down(cluster, BROKER), RD_KAFKA_RESP_ERR_NO_ERROR);
    await_not_connected();
    expect_not_tried("POST", "/api/submissions/%s/cancel", id);
    expect_not_tried("DELETE", "/api/submissions/%s", id);
}
END_TEST

/* Into the mock cluster, where neighbours.h does not reach. */
static void publish_late_result(const char *id) {
    rl_error err = RL_ERROR_INIT;
    const rl_finished finished = make_finished(id, 0, "late");
    RL_AUTO_CODEC rl_codec *codec = rl_codec_new(&err);
    RL_AUTO_BUFFER rl_buffer record;
    rl_buffer_init(&record, 1 << 20);
    ck_assert_msg(codec && rl_finished_encode(codec, &finished, &record, &err), "%s", err.message);
    const rl_stream_config config = {rd_kafka_mock_cluster_bootstraps(cluster), "api-test", NULL, NULL};
    RL_AUTO_PRODUCER rl_producer *producer = rl_producer_new(&config, PATIENCE_US, &err);
    const rl_record late = {
        .topic = RL_TOPIC_RESULTS, .partition = 0, .key = rl_bytes_of(id), .value = rl_buffer_bytes(&record)};
    ck_assert_msg(producer && rl_producer_send_wait(producer, &late, NULL, &err), "%s", err.message);
}

START_TEST(a_result_that_was_not_read_yet_is_not_called_expired) {
    enum { REFUSALS = 1000 };
    static rd_kafka_resp_err_t refusals[REFUSALS];
    char id[RL_ID_SIZE];
    char other[RL_ID_SIZE];
    issue_id(api.secret, PAST_ITS_TIME_US, id);
    issue_id(api.secret, PAST_ITS_TIME_US, other);
    for (size_t i = 0; i < REFUSALS; i++) {
        refusals[i] = RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE;
    }
    rd_kafka_mock_push_request_errors_array(cluster, FETCH, REFUSALS, refusals);
    publish_late_result(id);
    await_answer(other, 503, "{\"error\":");
    expect_unavailable(id);
    rd_kafka_mock_clear_request_errors(cluster, FETCH);
    await_answer(id, 200, "\"stdOutput\":\"late\"");
    await_answer(other, 200, EXPIRED);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: broker faults");
    TCase *tests = tcase_create("a mock cluster");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_producer_that_failed_for_good_ends_the_api_with_an_error);
    tcase_add_test(tests, who_waits_is_answered_before_the_end);
    tcase_add_test(tests, without_kafka_no_submission_is_called_expired);
    tcase_add_test(tests, without_kafka_nobody_waits_to_cancel_or_to_delete);
    tcase_add_test(tests, a_result_that_was_not_read_yet_is_not_called_expired);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
