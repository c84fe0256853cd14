/* HTTP as clients speak it, against the real server over raw sockets. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "suite.h"

#define PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\"}"
#define PROGRAM_SIZE "35"

static api_process api;

static void set_up(void) {
    topics_ready();
    api_start_ready(&api, NULL);
}

static void tear_down(void) {
    api_stop(&api);
}

/* Sends `request` on a new connection and reads one answer. */
static int exchange(const char *request, answer *ret) {
    const int fd = api_connect(&api);
    send_text(fd, request);
    read_answer(fd, ret, false);
    return fd;
}

static void expect_exchange(const char *request, int status) {
    answer a;
    const int fd = exchange(request, &a);
    expect_status(&a, status);
    if (status >= 400) {
        expect_in_body(&a, "{\"error\":\"");
        expect_in_head(&a, "Content-Type: application/json; charset=utf-8");
    }
    answer_free(&a);
    close(fd);
}

START_TEST(an_unknown_route_is_404_as_json) {
    answer a;
    get(&api, "/nowhere", &a);
    expect_body(&a, 404, "{\"error\":\"No such route: GET /nowhere\"}");
    answer_free(&a);
}
END_TEST

START_TEST(a_wrong_method_is_405_with_allow) {
    answer a;
    get(&api, "/api/submit", &a);
    expect_status(&a, 405);
    expect_in_head(&a, "\r\nAllow: POST, OPTIONS\r\n");
    answer_free(&a);
    ask(&api, "POST", "/api/result/x", rl_bytes_of("{}"), &a);
    expect_status(&a, 405);
    expect_in_head(&a, "\r\nAllow: GET, HEAD, OPTIONS\r\n");
    answer_free(&a);
    ask(&api, "BREW", "/api/languages", rl_bytes_make(NULL, 0), &a);
    expect_status(&a, 405);
    answer_free(&a);
}
END_TEST

START_TEST(head_is_get_without_its_body) {
    answer a;
    answer b;
    ask(&api, "HEAD", "/api/languages", rl_bytes_make(NULL, 0), &a);
    get(&api, "/api/languages", &b);
    expect_status(&a, 200);
    char length[64];
    (void)snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", b.body.size);
    expect_in_head(&a, length);
    answer_free(&a);
    answer_free(&b);
}
END_TEST

START_TEST(options_names_the_methods) {
    answer a;
    ask(&api, "OPTIONS", "/api/submit", rl_bytes_make(NULL, 0), &a);
    expect_status(&a, 204);
    expect_in_head(&a, "\r\nAllow: POST, OPTIONS\r\n");
    answer_free(&a);
    ask(&api, "OPTIONS", "*", rl_bytes_make(NULL, 0), &a);
    expect_status(&a, 204);
    answer_free(&a);
}
END_TEST

START_TEST(a_full_url_as_target_is_answered) {
    answer a;
    get(&api, "http://elsewhere.example:81/healthz", &a);
    expect_body(&a, 200, "{\"status\":\"ok\"}");
    answer_free(&a);
    ask(&api, "POST", "http://elsewhere.example:81/api/submit?x", rl_bytes_of(PROGRAM), &a);
    expect_status(&a, 201);
    answer_free(&a);
}
END_TEST

START_TEST(a_url_without_a_path_asks_for_the_root) {
    answer a;
    get(&api, "http://elsewhere.example", &a);
    expect_body(&a, 404, "{\"error\":\"No such route: GET /\"}");
    answer_free(&a);
    get(&api, "http://elsewhere.example:81?a=/b", &a);
    expect_body(&a, 404, "{\"error\":\"No such route: GET /\"}");
    answer_free(&a);
}
END_TEST

START_TEST(http_1_0_is_answered_and_closed) {
    answer a;
    const int fd =
        exchange("POST /api/submit HTTP/1.0\r\nContent-Length: " PROGRAM_SIZE "\r\n\r\n" PROGRAM, &a);
    expect_status(&a, 201);
    expect_in_head(&a, "\r\nConnection: close\r\n");
    ck_assert(at_end(fd));
    answer_free(&a);
    close(fd);
}
END_TEST

START_TEST(http_1_0_with_keep_alive_is_kept) {
    answer a;
    const int fd = exchange("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &a);
    expect_in_head(&a, "\r\nConnection: keep-alive\r\n");
    answer_free(&a);
    send_text(fd, "GET /healthz HTTP/1.0\r\n\r\n");
    read_answer(fd, &a, false);
    expect_status(&a, 200);
    ck_assert(at_end(fd));
    answer_free(&a);
    close(fd);
}
END_TEST

START_TEST(close_wins_over_keep_alive) {
    answer a;
    const int fd = exchange("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close, keep-alive\r\n\r\n", &a);
    expect_status(&a, 200);
    expect_in_head(&a, "\r\nConnection: close\r\n");
    ck_assert(at_end(fd));
    answer_free(&a);
    close(fd);
}
END_TEST

START_TEST(a_connection_is_kept_over_good_and_bad_requests) {
    static const struct {
        const char *request;
        int status;
    } requests[] = {
        {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 400},
        {"POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{", 400},
        {"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404},
        {"GET /api/submit HTTP/1.1\r\nHost: x\r\n\r\n", 405},
        {"POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: " PROGRAM_SIZE "\r\n\r\n" PROGRAM, 201},
        {"POST /api/submit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n23\r\n" PROGRAM
         "\r\n0\r\n\r\n",
         201},
        {"GET /api/result/x HTTP/1.1\r\nHost: x\r\n\r\n", 404},
    };
    const int fd = api_connect(&api);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        answer a;
        send_text(fd, requests[i].request);
        read_answer(fd, &a, false);
        expect_status(&a, requests[i].status);
        expect_in_head(&a, "\r\nConnection: keep-alive\r\n");
        answer_free(&a);
    }
    close(fd);
}
END_TEST

START_TEST(a_body_that_nobody_reads_ends_the_connection) {
    static const char *const requests[] = {
        "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789",
        "PUT /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        answer a;
        const int fd = exchange(requests[i], &a);
        expect_in_head(&a, "\r\nConnection: close\r\n");
        ck_assert(at_end(fd));
        answer_free(&a);
        close(fd);
    }
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order) {
    static const int expected[] = {200, 201, 404, 201, 400, 200};
    const int fd = api_connect(&api);
    send_text(fd,
              "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
              "POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: " PROGRAM_SIZE "\r\n\r\n" PROGRAM
              "GET /api/result/unknown HTTP/1.1\r\nHost: x\r\n\r\n"
              "POST /api/submit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
              "2\r\n{\"\r\n21;ext=1\r\ncode\":\"print(1)\",\"lang\":\"python\"}\r\n0\r\nTrailer: x\r\n\r\n"
              "POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]"
              "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        answer a;
        read_answer(fd, &a, false);
        expect_status(&a, expected[i]);
        answer_free(&a);
    }
    ck_assert(at_end(fd));
    close(fd);
}
END_TEST

START_TEST(a_body_byte_by_byte_is_accepted) {
    static const char request[] =
        "POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: " PROGRAM_SIZE "\r\n\r\n" PROGRAM;
    const int fd = api_connect(&api);
    answer a;
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        send_bytes(fd, request + i, 1);
    }
    read_answer(fd, &a, false);
    expect_status(&a, 201);
    answer_free(&a);
    close(fd);
}
END_TEST

START_TEST(expect_100_continue_is_answered_before_the_body) {
    answer a;
    const int fd = exchange(
        "POST /api/submit HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " PROGRAM_SIZE
        "\r\n\r\n",
        &a);
    expect_status(&a, 100);
    send_text(fd, PROGRAM);
    read_answer(fd, &a, false);
    expect_status(&a, 201);
    answer_free(&a);
    send_text(fd, "POST /api/submit HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue \r\nTransfer-Encoding: "
                  "chunked\r\n\r\n");
    read_answer(fd, &a, false);
    expect_status(&a, 100);
    send_text(fd, "23\r\n" PROGRAM "\r\n0\r\n\r\n");
    read_answer(fd, &a, false);
    expect_status(&a, 201);
    answer_free(&a);
    close(fd);
}
END_TEST

START_TEST(expect_with_too_large_a_length_is_413_at_once) {
    answer a;
    const int fd = exchange(
        "POST /api/submit HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 104857600\r\n\r\n",
        &a);
    expect_status(&a, 413);
    expect_in_head(&a, "\r\nConnection: close\r\n");
    ck_assert(at_end(fd));
    answer_free(&a);
    close(fd);
}
END_TEST

START_TEST(another_expectation_is_417) {
    expect_exchange("POST /api/submit HTTP/1.1\r\nHost: x\r\nExpect: coffee\r\nContent-Length: 2\r\n\r\n{}",
                    417);
}
END_TEST

START_TEST(what_is_no_request_is_refused_as_json) {
    expect_exchange("NONSENSE\r\n\r\n", 400);
    expect_exchange("GET\r\n\r\n", 400);
    expect_exchange("GET /healthz HTTP/1.1\r\nno colon\r\n\r\n", 400);
    expect_exchange("GET healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    expect_exchange("GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n", 505);
    expect_exchange("\x16\x03\x01\x02\r\n\r\n", 400);
}
END_TEST

START_TEST(ambiguous_framing_is_refused_and_ends_the_connection) {
    static const char *const requests[] = {
        "POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        "POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: nonsense\r\n\r\n",
        "POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 2x\r\n\r\n{}",
        "POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "POST /api/submit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        /* What civetweb skips in silence, with a request for those who do not see the length. */
        "POST /api/submit HTTP/1.1\r\nHost: x\r\nX-A: a\r\n b\r\nContent-Length: 37\r\n\r\n"
        "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n ",
        "POST /api/submit HTTP/1.1\r\nHost: x\n\rContent-Length: 5\r\n\r\n     ",
        "POST /api/submit HTTP/1.1\r\nHost: x\r\n\rContent-Length: 5\r\n\r\n     ",
        "POST /api/submit HTTP/1.1\r\n Host: x\r\nContent-Length: 2\r\n\r\n{}",
        "POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\n{}",
        "POST /api/submit HTTP/1.1\r\nHost: x\nContent-Length: 2\r\n\r\n{}",
        "POST /api/submit HTTP/1.0\r\n\x80\r\nContent-Length: 2\r\n\r\n{}",
        "POST /api/submit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: "
        "chunked\r\n\r\n"
        "24\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n\r\n0\r\n\r\n",
        "POST /api/submit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
        "chunked\r\n\r\n"
        "0\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET /healthz HTTP/1.0\r\nHost: x\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        answer a;
        const int fd = exchange(requests[i], &a);
        expect_status(&a, 400);
        expect_in_head(&a, "\r\nConnection: close\r\n");
        ck_assert(at_end(fd));
        answer_free(&a);
        close(fd);
    }
}
END_TEST

START_TEST(another_transfer_coding_is_501_and_ends_the_connection) {
    static const char *const codings[] = {"gzip", "gzip, chunked", "identity"};
    for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++) {
        char request[256];
        answer a;
        (void)snprintf(request, sizeof(request),
                       "POST /api/submit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: %s\r\n\r\n0\r\n\r\n",
                       codings[i]);
        const int fd = exchange(request, &a);
        expect_status(&a, 501);
        expect_in_head(&a, "\r\nConnection: close\r\n");
        ck_assert(at_end(fd));
        answer_free(&a);
        close(fd);
    }
}
END_TEST

START_TEST(a_head_that_is_too_large_is_refused_and_that_can_be_read) {
    char *request = malloc(100000);
    const int start = snprintf(request, 100000, "GET /healthz HTTP/1.1\r\nX: ");
    memset(request + start, 'a', (size_t)(100000 - start));
    const int fd = api_connect(&api);
    answer a;
    send_bytes(fd, request, 100000);
    read_answer(fd, &a, false);
    expect_status(&a, 400);
    expect_in_body(&a, "(at most 16384 bytes)");
    answer_free(&a);
    close(fd);
    free(request);
}
END_TEST

START_TEST(more_fields_than_are_kept_is_431) {
    char request[4096] = "GET /healthz HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < 70; i++) {
        strcat(request, "X: y\r\n");
    }
    strcat(request, "\r\n");
    expect_exchange(request, 431);
}
END_TEST

/* Sends up to 100 MB, piece by piece, until the server has had enough or all is sent; then reads. */
static void refuse_100_mb(const char *head, const char *piece, size_t piece_size) {
    const int fd = api_connect(&api);
    answer a;
    send_text(fd, head);
    for (size_t sent = 0; sent < (size_t)100 << 20; sent += piece_size) {
        if (send(fd, piece, piece_size, MSG_NOSIGNAL) < 0) {
            ck_abort_msg("sending was cut off: %s", strerror(errno));
        }
    }
    read_answer(fd, &a, false);
    expect_status(&a, 413);
    expect_in_body(&a, "{\"error\":\"Request body too large: at most 8388608 bytes\"}");
    answer_free(&a);
    close(fd);
}

static long resident_pages(void) {
    char path[64];
    long size;
    long resident = -1;
    (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)api.pid);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%ld %ld", &size, &resident), 2);
    (void)fclose(file);
    return resident;
}

START_TEST(a_client_that_sends_100_mb_first_can_read_the_413_afterwards) {
    static char piece[65536];
    memset(piece, 'x', sizeof(piece));
    const long before = resident_pages();
    refuse_100_mb("POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n", piece,
                  sizeof(piece));
    ck_assert_int_lt(resident_pages() - before, 4096); /* 16 MiB */
}
END_TEST

START_TEST(a_client_that_sends_100_mb_in_chunks_can_read_the_413_afterwards) {
    static char piece[65536 + 9];
    memset(piece, 'x', sizeof(piece));
    memcpy(piece, "10000\r\n", 7);
    memcpy(piece + 7 + 65536, "\r\n", 2);
    refuse_100_mb("POST /api/submit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", piece,
                  sizeof(piece));
}
END_TEST

START_TEST(an_upgrade_is_declined_with_an_ordinary_answer) {
    answer a;
    const int fd =
        exchange("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                 &a);
    expect_status(&a, 200);
    expect_in_head(&a, "\r\nConnection: close\r\n");
    ck_assert(at_end(fd));
    answer_free(&a);
    close(fd);
}
END_TEST

START_TEST(more_connections_than_threads_are_all_answered) {
    int fds[60];
    for (size_t i = 0; i < 60; i++) {
        fds[i] = api_connect(&api);
        send_text(fds[i], "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (size_t i = 0; i < 60; i++) {
        answer a;
        read_answer(fds[i], &a, false);
        expect_status(&a, 200);
        answer_free(&a);
        close(fds[i]);
    }
}
END_TEST

START_TEST(metrics_count_requests_by_route_and_status) {
    answer a;
    get(&api, "/nowhere", &a);
    answer_free(&a);
    get(&api, "/metrics", &a);
    expect_status(&a, 200);
    expect_in_body(&a, "runlog_api_requests_total{route=\"none\",status=\"404\"}");
    expect_in_body(&a, "runlog_api_submit_duration_seconds_count");
    answer_free(&a);
}
END_TEST

START_TEST(a_slash_at_the_end_changes_nothing) {
    answer a;
    get(&api, "/api/languages/", &a);
    expect_status(&a, 200);
    expect_in_body(&a, "{\"name\":\"bash\",\"version\":\"");
    answer_free(&a);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: HTTP");
    TCase *tests = tcase_create("over sockets");
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, an_unknown_route_is_404_as_json);
    tcase_add_test(tests, a_wrong_method_is_405_with_allow);
    tcase_add_test(tests, head_is_get_without_its_body);
    tcase_add_test(tests, options_names_the_methods);
    tcase_add_test(tests, a_full_url_as_target_is_answered);
    tcase_add_test(tests, a_url_without_a_path_asks_for_the_root);
    tcase_add_test(tests, http_1_0_is_answered_and_closed);
    tcase_add_test(tests, http_1_0_with_keep_alive_is_kept);
    tcase_add_test(tests, close_wins_over_keep_alive);
    tcase_add_test(tests, a_connection_is_kept_over_good_and_bad_requests);
    tcase_add_test(tests, a_body_that_nobody_reads_ends_the_connection);
    tcase_add_test(tests, pipelined_requests_are_answered_in_order);
    tcase_add_test(tests, a_body_byte_by_byte_is_accepted);
    tcase_add_test(tests, expect_100_continue_is_answered_before_the_body);
    tcase_add_test(tests, expect_with_too_large_a_length_is_413_at_once);
    tcase_add_test(tests, another_expectation_is_417);
    tcase_add_test(tests, what_is_no_request_is_refused_as_json);
    tcase_add_test(tests, ambiguous_framing_is_refused_and_ends_the_connection);
    tcase_add_test(tests, another_transfer_coding_is_501_and_ends_the_connection);
    tcase_add_test(tests, a_head_that_is_too_large_is_refused_and_that_can_be_read);
    tcase_add_test(tests, more_fields_than_are_kept_is_431);
    tcase_add_test(tests, a_client_that_sends_100_mb_first_can_read_the_413_afterwards);
    tcase_add_test(tests, a_client_that_sends_100_mb_in_chunks_can_read_the_413_afterwards);
    tcase_add_test(tests, an_upgrade_is_declined_with_an_ordinary_answer);
    tcase_add_test(tests, more_connections_than_threads_are_all_answered);
    tcase_add_test(tests, metrics_count_requests_by_route_and_status);
    tcase_add_test(tests, a_slash_at_the_end_changes_nothing);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
