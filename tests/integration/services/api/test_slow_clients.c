/* Clients that keep the API waiting. Where nothing but the API's own deadlines can end a test, the other
 * limits are set so long that the test would fail by its time-out without them. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "suite.h"

#define BEAT_MS 50
#define CROWD 300

static api_process api;

static void set_up(void) {
    static const char *const settings[] = {"RUNLOG_API_BODY_TIMEOUT=1s", "RUNLOG_API_REQUEST_TIMEOUT=2s",
                                           NULL};
    topics_ready();
    api_start_ready(&api, settings);
}

static void tear_down(void) {
    api_stop(&api);
}

/* Sends `head`, then `piece` again and again, one each BEAT_MS, until the API has something to say or ends
 * the connection. Returns false for an end without an answer. */
static bool trickle(const char *head, const char *piece, answer *ret) {
    const int fd = api_connect(&api);
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    send_text(fd, head);
    while (poll(&waiting, 1, BEAT_MS) == 0) {
        ck_assert_msg(rl_clock_us() < deadline_us, "it still listens: %s", head);
        (void)send(fd, piece, strlen(piece), MSG_NOSIGNAL); /* an end shows in poll */
    }
    char byte;
    const bool answered = recv(fd, &byte, 1, MSG_PEEK) == 1;
    if (answered) {
        read_answer(fd, ret, false);
    }
    close(fd);
    return answered;
}

static void expect_408(const char *head, const char *piece) {
    answer a;
    ck_assert_msg(trickle(head, piece, &a), "no answer to %s", head);
    expect_status(&a, 408);
    expect_in_body(&a, "{\"error\":\"");
    expect_in_head(&a, "\r\nConnection: close\r\n");
    answer_free(&a);
}

#define SUBMIT "POST /api/submit HTTP/1.1\r\nHost: x\r\n"

START_TEST(a_trickled_body_is_408) {
    expect_408(SUBMIT "Content-Length: 1000000\r\n\r\n", "x");
}
END_TEST

START_TEST(a_trickled_chunk_is_408) {
    expect_408(SUBMIT "Transfer-Encoding: chunked\r\n\r\nf4240\r\n", "x");
}
END_TEST

START_TEST(many_small_chunks_that_trickle_are_408) {
    expect_408(SUBMIT "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n");
}
END_TEST

START_TEST(an_endless_chunk_extension_is_408) {
    expect_408(SUBMIT "Transfer-Encoding: chunked\r\n\r\n1;", "x");
}
END_TEST

START_TEST(endless_trailers_are_408) {
    expect_408(SUBMIT "Transfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n");
}
END_TEST

START_TEST(a_body_that_stops_is_408) {
    expect_408(SUBMIT "Content-Length: 100\r\n\r\n{", "");
}
END_TEST

START_TEST(a_trickled_head_is_408) {
    expect_408("GET /healthz HTTP/1.1\r\nHost: x\r\n", "X: y\r\n");
}
END_TEST

/* Whether the API ends the connection of somebody who goes on sending after the answer. */
static void expect_end_after_answer(const char *head, int status) {
    answer a;
    const int fd = api_connect(&api);
    send_text(fd, head);
    read_answer(fd, &a, false);
    expect_status(&a, status);
    answer_free(&a);
    const int64_t deadline_us = rl_clock_us() + 2 * PATIENCE_US;
    struct pollfd waiting = {.fd = fd, .events = 0};
    while (send(fd, "x", 1, MSG_NOSIGNAL) == 1) {
        ck_assert_msg(rl_clock_us() < deadline_us, "it still listens after %d", status);
        (void)poll(&waiting, 1, BEAT_MS);
    }
    close(fd);
}

START_TEST(who_goes_on_sending_what_nobody_reads_is_cut_off) {
    expect_end_after_answer("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n", 404);
}
END_TEST

/* The answer, or an end, shows that nobody reads on. What the client has sent since may lie in its kernel for
 * a while: nobody tells it, as it does not read. */
START_TEST(an_extension_without_an_end_is_not_read_for_ever) {
    static char piece[65536];
    memset(piece, 'x', sizeof(piece));
    const int fd = api_connect(&api);
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    send_text(fd, SUBMIT "Transfer-Encoding: chunked\r\n\r\n1;");
    while (poll(&waiting, 1, 1) == 0) {
        ck_assert_msg(rl_clock_us() < deadline_us, "it still listens");
        while (send(fd, piece, sizeof(piece), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
        }
    }
    close(fd);
}
END_TEST

START_TEST(who_does_not_read_answers_is_cut_off) {
    static const char request[] = "GET /api/languages HTTP/1.1\r\nHost: x\r\n\r\n";
    const int fd = api_connect(&api);
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    struct pollfd waiting = {.fd = fd, .events = POLLOUT};
    while (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0 || errno == EAGAIN) {
        ck_assert_msg(rl_clock_us() < deadline_us, "it still waits");
        (void)poll(&waiting, 1, BEAT_MS);
    }
    close(fd);
}
END_TEST

START_TEST(a_long_poll_outlives_the_deadlines) {
    char id[RL_ID_SIZE];
    char target[80];
    answer a;
    issue_id(api.secret, 0, id);
    (void)snprintf(target, sizeof(target), "/api/result/%s?wait=4", id);
    get(&api, target, &a);
    expect_body(&a, 200, "{\"message\":\"Code execution is still pending\"}");
    answer_free(&a);
}
END_TEST

/* --- scarcity --- */

static const char *const patient[] = {"RUNLOG_API_BODY_TIMEOUT=600s", "RUNLOG_API_REQUEST_TIMEOUT=600s",
                                      "RUNLOG_API_KEEP_ALIVE=600s", "RUNLOG_API_THREADS=128", NULL};

static void crowd_with(const char *begun) {
    int fds[CROWD];
    api_process mine;
    answer a;
    topics_ready();
    api_start_ready(&mine, patient);
    for (size_t i = 0; i < CROWD; i++) {
        fds[i] = api_connect(&mine);
        send_text(fds[i], begun);
    }
    get(&mine, "/healthz", &a);
    expect_status(&a, 200);
    answer_free(&a);
    get(&mine, "/readyz", &a);
    expect_status(&a, 200);
    answer_free(&a);
    for (size_t i = 0; i < CROWD; i++) {
        close(fds[i]);
    }
    api_stop(&mine);
}

START_TEST(connections_that_say_nothing_do_not_keep_others_out) {
    crowd_with("");
}
END_TEST

START_TEST(heads_that_do_not_end_do_not_keep_others_out) {
    crowd_with("GET /healthz HTTP/1.1\r\nHost: x\r\n");
}
END_TEST

START_TEST(bodies_that_do_not_come_do_not_keep_others_out) {
    crowd_with("POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
}
END_TEST

START_TEST(idle_connections_do_not_keep_others_out) {
    crowd_with("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: slow clients");
    TCase *tests = tcase_create("deadlines");
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_trickled_body_is_408);
    tcase_add_test(tests, a_trickled_chunk_is_408);
    tcase_add_test(tests, many_small_chunks_that_trickle_are_408);
    tcase_add_test(tests, an_endless_chunk_extension_is_408);
    tcase_add_test(tests, endless_trailers_are_408);
    tcase_add_test(tests, a_body_that_stops_is_408);
    tcase_add_test(tests, a_trickled_head_is_408);
    tcase_add_test(tests, who_goes_on_sending_what_nobody_reads_is_cut_off);
    tcase_add_test(tests, an_extension_without_an_end_is_not_read_for_ever);
    tcase_add_test(tests, who_does_not_read_answers_is_cut_off);
    tcase_add_test(tests, a_long_poll_outlives_the_deadlines);
    suite_add_tcase(suite, tests);
    tests = tcase_create("scarcity");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, connections_that_say_nothing_do_not_keep_others_out);
    tcase_add_test(tests, heads_that_do_not_end_do_not_keep_others_out);
    tcase_add_test(tests, bodies_that_do_not_come_do_not_keep_others_out);
    tcase_add_test(tests, idle_connections_do_not_keep_others_out);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
