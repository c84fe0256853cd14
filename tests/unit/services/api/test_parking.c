/* Clients parked on one end of a pair of sockets; the other end is theirs. */
#include "services/api/parking.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "suite.h"

#define ID "0123456789abcdef0123456789abcdef01234567"
#define PATIENCE_MS 20000
/* More than a socket holds for somebody who does not read. */
#define LARGE ((size_t)4 * 1024 * 1024)
#define PENDING "Code execution is still pending"

static rl_waiters *waiters;
static rl_parking *parking;
static int client;
static int served; /* the number that the server knows */
/* What `look` does; set before the client is parked. */
static size_t found_bytes; /* 0: nothing is found */
static bool wakes_itself;

static bool look(void *context, const rl_parked_question *question, rl_http_response *response) {
    (void)context;
    if (wakes_itself) { /* the result comes at this very moment: a second call is on its way */
        rl_waiters_wake(waiters, question->id);
    }
    if (found_bytes == 0) {
        return false;
    }
    response->status = 200;
    char *body = rl_buffer_reserve(&response->body, found_bytes);
    ck_assert_ptr_nonnull(body);
    memset(body, 'x', found_bytes);
    rl_buffer_advance(&response->body, found_bytes);
    return true;
}

static void pending(void *context, const rl_parked_question *question, int retry_after_s,
                    rl_http_response *response) {
    (void)context;
    (void)question;
    rl_http_pending(response, retry_after_s);
}

static void answered(void *context, const rl_parked_question *question, int status) {
    (void)context;
    (void)question;
    ck_assert_int_eq(status, 200);
}

static void set_up(void) {
    const rl_parking_config config = {
        .capacity = 4, .answer_us = 60 * RL_US_PER_S, .look = look, .pending = pending, .answered = answered};
    rl_parking_config made = config;
    int pair[2];
    waiters = rl_waiters_new(1, NULL);
    ck_assert_ptr_nonnull(waiters);
    made.waiters = waiters;
    parking = rl_parking_new(&made, NULL);
    ck_assert_ptr_nonnull(parking);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    client = pair[0];
    served = pair[1];
    found_bytes = 0;
    wakes_itself = false;
}

static void tear_down(void) {
    close(client);
    rl_waiters_close(waiters);
    rl_parking_free(parking);
    rl_waiters_free(waiters);
    close(served);
}

static void park(void) {
    rl_parked_question question = {.deadline_us = rl_clock_us() + 60 * RL_US_PER_S};
    (void)snprintf(question.id, sizeof(question.id), "%s", ID);
    ck_assert(rl_parking_take(parking, served, &question));
}

/* Reads to the end of the connection; `text` gets the beginning. Returns how much it was. */
static size_t read_all(char *text, size_t size) {
    static char scrap[65536];
    size_t total = 0;
    for (;;) {
        struct pollfd readable = {.fd = client, .events = POLLIN};
        ck_assert_int_eq(poll(&readable, 1, PATIENCE_MS), 1);
        const ssize_t got = recv(client, scrap, sizeof(scrap), 0);
        ck_assert_int_ge(got, 0);
        if (got == 0) {
            return total;
        }
        for (size_t i = 0; i < (size_t)got && total + i + 1 < size; i++) {
            text[total + i] = scrap[i];
            text[total + i + 1] = '\0';
        }
        total += (size_t)got;
    }
}

static void expect_answer(const char *part, size_t least) {
    char text[1024] = "";
    const size_t got = read_all(text, sizeof(text));
    ck_assert_uint_ge(got, least);
    ck_assert_msg(strncmp(text, "HTTP/1.1 200 ", 13) == 0 && strstr(text, part) != NULL, "%s", text);
}

START_TEST(a_call_while_a_large_answer_is_under_way_changes_nothing) {
    found_bytes = LARGE;
    wakes_itself = true;
    park();
    expect_answer("xxx", LARGE);
}
END_TEST

START_TEST(who_is_woken_and_finds_nothing_is_told_to_ask_again) {
    wakes_itself = true;
    park();
    expect_answer("Retry-After: 1\r\n", 1);
}
END_TEST

START_TEST(a_client_that_closed_its_sending_half_is_answered) {
    park();
    ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
    expect_answer(PENDING, 1);
}
END_TEST

/* To close with unread bytes would reset the connection, and the rest of the answer be lost. */
START_TEST(bytes_behind_the_request_do_not_cost_the_answer) {
    static const char next[50000];
    ck_assert_int_eq(send(client, next, sizeof(next), 0), (ssize_t)sizeof(next));
    found_bytes = LARGE;
    park();
    expect_answer("xxx", LARGE);
}
END_TEST

START_TEST(a_client_that_does_not_close_is_not_kept) {
    struct pollfd hung_up = {.fd = client};
    found_bytes = 1;
    park();
    expect_answer("x", 1);
    ck_assert_int_eq(poll(&hung_up, 1, PATIENCE_MS), 1);
    ck_assert((hung_up.revents & POLLHUP) != 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: parking");
    TCase *tests = tcase_create("parking");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_call_while_a_large_answer_is_under_way_changes_nothing);
    tcase_add_test(tests, who_is_woken_and_finds_nothing_is_told_to_ask_again);
    tcase_add_test(tests, a_client_that_closed_its_sending_half_is_answered);
    tcase_add_test(tests, bytes_behind_the_request_do_not_cost_the_answer);
    tcase_add_test(tests, a_client_that_does_not_close_is_not_kept);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
