/* The internal port, asked over a real socket. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "lib/base/cleanup.h"
#include "lib/ops/ops_server.h"

/* What the checks of a test answer. */
static bool kafka_well;
static bool mongo_well;

static bool check_kafka(void *context, char reason[128]) {
    (void)context;
    if (!kafka_well) {
        (void)snprintf(reason, 128, "no \"broker\"\nanswers \xc3\xa9\xc3");
    }
    return kafka_well;
}

static bool check_mongo(void *context, char reason[128]) {
    (void)context;
    if (!mongo_well) {
        (void)snprintf(reason, 128, "away");
    }
    return mongo_well;
}

static const rl_ops_readiness checks[] = {
    {"kafka", check_kafka, NULL, true},
    {"mongo", check_mongo, NULL, false},
};

static rl_metrics *metrics;
static rl_ops_server *server;
static char answer[256 * 1024];

static void start_server(void) {
    rl_error err = RL_ERROR_INIT;
    kafka_well = mongo_well = true;
    metrics = rl_metrics_new();
    ck_assert_ptr_nonnull(metrics);
    server = rl_ops_server_new("127.0.0.1:0", metrics, checks, 2, &err);
    ck_assert_msg(server != NULL, "%s", err.message);
    ck_assert_int_gt(rl_ops_server_port(server), 0);
}

static int connect_to_server(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)rl_ops_server_port(server)),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    struct timeval patience = {.tv_sec = 20};
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends `request` and returns all that comes until the server closes. */
static const char *ask(const char *request) {
    RL_AUTO_CLOSE int fd = connect_to_server();
    ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    size_t size = 0;
    ssize_t got;
    while ((got = recv(fd, answer + size, sizeof answer - 1 - size, 0)) > 0) {
        size += (size_t)got;
    }
    ck_assert_msg(got == 0, "the connection did not end: %s", strerror(errno));
    answer[size] = '\0';
    return answer;
}

static const char *get(const char *path) {
    char request[128];
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    return ask(request);
}

static void assert_answers(const char *text, const char *start, const char *body) {
    ck_assert_msg(strncmp(text, start, strlen(start)) == 0, "wanted %s, saw:\n%s", start, text);
    const char *blank = strstr(text, "\r\n\r\n");
    ck_assert_ptr_nonnull(blank);
    ck_assert_str_eq(blank + 4, body);
}

START_TEST(healthz_says_that_the_process_answers) {
    assert_answers(get("/healthz"), "HTTP/1.1 200 OK\r\n", "{\"status\":\"ok\"}");
    ck_assert_ptr_nonnull(strstr(answer, "Content-Type: application/json\r\n"));
}
END_TEST

START_TEST(healthz_does_not_ask_the_checks) {
    kafka_well = false;
    assert_answers(get("/healthz"), "HTTP/1.1 200 OK\r\n", "{\"status\":\"ok\"}");
}
END_TEST

START_TEST(readyz_is_ready_when_all_is_well) {
    assert_answers(get("/readyz"), "HTTP/1.1 200 OK\r\n",
                   "{\"status\":\"ready\",\"checks\":{\"kafka\":{\"ok\":true},\"mongo\":{\"ok\":true}}}");
}
END_TEST

START_TEST(readyz_is_degraded_but_200_without_an_optional_neighbour) {
    mongo_well = false;
    assert_answers(get("/readyz"), "HTTP/1.1 200 OK\r\n",
                   "{\"status\":\"degraded\",\"checks\":{\"kafka\":{\"ok\":true},"
                   "\"mongo\":{\"ok\":false,\"required\":false,\"reason\":\"away\"}}}");
}
END_TEST

START_TEST(readyz_is_503_without_a_required_neighbour_and_escapes_the_reason) {
    kafka_well = false;
    assert_answers(get("/readyz"), "HTTP/1.1 503 Service Unavailable\r\n",
                   "{\"status\":\"not ready\",\"checks\":{\"kafka\":{\"ok\":false,\"required\":true,"
                   "\"reason\":\"no \\\"broker\\\"\\nanswers \\u00e9\\ufffd\"},\"mongo\":{\"ok\":true}}}");
}
END_TEST

START_TEST(readyz_without_checks_is_ready) {
    rl_buffer body RL_AUTO_BUFFER;
    rl_buffer_init(&body, 1024);
    ck_assert_int_eq(rl_ops_ready_body(NULL, 0, &body), 200);
    ck_assert_str_eq(body.data, "{\"status\":\"ready\",\"checks\":{}}");
}
END_TEST

START_TEST(metrics_tell_the_outcome_of_each_check) {
    mongo_well = false;
    const char *text = get("/metrics");
    ck_assert_msg(strstr(text, "runlog_check_ok{check=\"kafka\"} 1\nrunlog_check_ok{check=\"mongo\"} 0\n") !=
                      NULL,
                  "%s", text);
    mongo_well = true;
    ck_assert_ptr_nonnull(strstr(get("/metrics"), "runlog_check_ok{check=\"mongo\"} 1\n"));
}
END_TEST

START_TEST(metrics_are_prometheus_text) {
    rl_metric_add(rl_metrics_counter(metrics, "runlog_test_total", NULL, "Things."), 3);
    const char *text = get("/metrics");
    ck_assert_msg(strncmp(text, "HTTP/1.1 200 OK\r\n", 17) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nrunlog_test_total 3\n"));
}
END_TEST

START_TEST(head_has_the_headers_of_get_and_no_body) {
    const char *text = ask("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_answers(text, "HTTP/1.1 200 OK\r\n", "");
    ck_assert_ptr_nonnull(strstr(text, "Content-Length: 15\r\n"));
}
END_TEST

START_TEST(another_method_is_405_with_allow) {
    const char *text = ask("POST /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert_answers(text, "HTTP/1.1 405 Method Not Allowed\r\n", "{\"error\":\"Method not allowed\"}");
    ck_assert_ptr_nonnull(strstr(text, "Allow: GET, HEAD\r\n"));
}
END_TEST

START_TEST(another_path_is_404_as_json) {
    assert_answers(get("/"), "HTTP/1.1 404 Not Found\r\n", "{\"error\":\"Not found\"}");
    assert_answers(get("/metrics/"), "HTTP/1.1 404 Not Found\r\n", "{\"error\":\"Not found\"}");
}
END_TEST

START_TEST(a_malformed_request_is_refused_as_json) {
    const char *text = ask("NONSENSE\r\n\r\n");
    assert_answers(text, "HTTP/1.1 400 Bad Request\r\n", "{\"error\":\"Bad Request\"}");
}
END_TEST

START_TEST(an_address_in_use_is_a_fatal_error_that_names_it) {
    char listen[64];
    rl_error err = RL_ERROR_INIT;
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%d", rl_ops_server_port(server));
    ck_assert_ptr_null(rl_ops_server_new(listen, metrics, checks, 2, &err));
    ck_assert_int_eq(err.error_class, RL_FATAL);
    ck_assert_msg(strstr(err.message, listen) != NULL, "%s", err.message);
}
END_TEST

START_TEST(nonsense_as_address_is_a_fatal_error) {
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(rl_ops_server_new("nowhere", metrics, checks, 2, &err));
    ck_assert_int_eq(err.error_class, RL_FATAL);
    ck_assert_msg(strstr(err.message, "nowhere") != NULL, "%s", err.message);
}
END_TEST

START_TEST(a_stopped_server_no_longer_listens) {
    char listen[64];
    rl_error err = RL_ERROR_INIT;
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%d", rl_ops_server_port(server));
    rl_ops_server_free(server);
    server = rl_ops_server_new(listen, metrics, checks, 2, &err);
    ck_assert_msg(server != NULL, "%s", err.message);
    assert_answers(get("/healthz"), "HTTP/1.1 200 OK\r\n", "{\"status\":\"ok\"}");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("ops_server");
    TCase *tests = tcase_create("over a socket");
    tcase_set_timeout(tests, 60);
    /* Each test is a process of its own that ends with its server: stopping one takes civetweb two seconds. */
    tcase_add_checked_fixture(tests, start_server, NULL);
    tcase_add_test(tests, healthz_says_that_the_process_answers);
    tcase_add_test(tests, healthz_does_not_ask_the_checks);
    tcase_add_test(tests, readyz_is_ready_when_all_is_well);
    tcase_add_test(tests, readyz_is_degraded_but_200_without_an_optional_neighbour);
    tcase_add_test(tests, readyz_is_503_without_a_required_neighbour_and_escapes_the_reason);
    tcase_add_test(tests, readyz_without_checks_is_ready);
    tcase_add_test(tests, metrics_tell_the_outcome_of_each_check);
    tcase_add_test(tests, metrics_are_prometheus_text);
    tcase_add_test(tests, head_has_the_headers_of_get_and_no_body);
    tcase_add_test(tests, another_method_is_405_with_allow);
    tcase_add_test(tests, another_path_is_404_as_json);
    tcase_add_test(tests, a_malformed_request_is_refused_as_json);
    tcase_add_test(tests, an_address_in_use_is_a_fatal_error_that_names_it);
    tcase_add_test(tests, nonsense_as_address_is_a_fatal_error);
    tcase_add_test(tests, a_stopped_server_no_longer_listens);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
