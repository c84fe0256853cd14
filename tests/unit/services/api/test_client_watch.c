/* The watchdog with real connections over the loopback interface. */
#include "services/api/client_watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "suite.h"

#define PATIENCE_MS 30000
#define NEVER_US (INT64_C(3600) * RL_US_PER_S)

static _Atomic int connections;
static rl_watchdog *watchdog;

typedef struct {
    int client, server;
    rl_client_watch *watch;
} pair;

static pair linked(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    const int local_port = ntohs(address.sin_port);
    pair l = {.client = socket(AF_INET, SOCK_STREAM, 0)};
    ck_assert_int_eq(connect(l.client, (struct sockaddr *)&address, size), 0);
    l.server = accept(listener, (struct sockaddr *)&address, &size);
    ck_assert_int_ge(l.server, 0);
    close(listener);
    l.watch = rl_client_watch_new(watchdog);
    ck_assert_ptr_nonnull(l.watch);
    rl_client_watch_begin(l.watch, "127.0.0.1", ntohs(address.sin_port), local_port);
    return l;
}

static void unlinked(pair *l) {
    rl_client_watch_free(l->watch);
    close(l->client);
    close(l->server);
}

static rl_watchdog_config limits(int64_t usual_us, int64_t scarce_us) {
    rl_watchdog_config config = {.connections = &connections, .crowd = 10};
    for (int i = 0; i < RL_CLIENT_PHASES; i++) {
        config.usual_us[i] = usual_us;
        config.scarce_us[i] = scarce_us;
    }
    return config;
}

static void start_with(rl_watchdog_config config) {
    rl_error err = RL_ERROR_INIT;
    atomic_store(&connections, 0);
    watchdog = rl_watchdog_new(&config, &err);
    ck_assert_msg(watchdog != NULL, "%s", err.message);
}

static void start(int64_t usual_us, int64_t scarce_us) {
    start_with(limits(usual_us, scarce_us));
}

static short await_events(int fd, short events) {
    struct pollfd waiting = {.fd = fd, .events = events};
    ck_assert_msg(poll(&waiting, 1, PATIENCE_MS) == 1, "nothing happens on the socket");
    return waiting.revents;
}

static bool at_end(int fd) {
    char byte;
    (void)await_events(fd, POLLIN);
    return recv(fd, &byte, 1, 0) == 0;
}

/* Returns after the watchdog has looked at all watches again: another connection's time was up. */
static void await_a_round(void) {
    for (int i = 0; i < 2; i++) {
        pair other = linked();
        rl_client_watch_enter(other.watch, RL_CLIENT_BODY);
        ck_assert(at_end(other.server));
        unlinked(&other);
    }
}

START_TEST(who_sends_too_slowly_is_no_longer_listened_to_and_can_be_told) {
    start(1, 1);
    pair l = linked();
    rl_client_watch_enter(l.watch, RL_CLIENT_BODY);
    ck_assert(at_end(l.server));
    ck_assert(rl_client_watch_expired(l.watch));
    rl_client_watch_enter(l.watch, RL_CLIENT_NOT_AWAITED);
    ck_assert(!rl_client_watch_expired(l.watch));
    ck_assert_int_eq(send(l.server, "x", 1, MSG_NOSIGNAL), 1);
    char byte;
    ck_assert_int_eq(await_events(l.client, POLLIN) & POLLIN, POLLIN);
    ck_assert_int_eq(recv(l.client, &byte, 1, 0), 1);
    unlinked(&l);
    rl_watchdog_free(watchdog);
}
END_TEST

START_TEST(who_goes_on_sending_is_reset) {
    static char piece[65536];
    start(1, 1);
    pair l = linked();
    rl_client_watch_enter(l.watch, RL_CLIENT_BODY);
    const int64_t deadline_us = rl_clock_us() + PATIENCE_MS * RL_US_PER_MS;
    while (rl_clock_us() < deadline_us) {
        (void)send(l.client, piece, sizeof(piece), MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)recv(l.server, piece, sizeof(piece), MSG_DONTWAIT);
        if (send(l.client, piece, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
            (errno == EPIPE || errno == ECONNRESET)) {
            break;
        }
    }
    ck_assert_msg(rl_clock_us() < deadline_us, "it is still listened to");
    unlinked(&l);
    rl_watchdog_free(watchdog);
}
END_TEST

START_TEST(who_does_not_take_the_answer_is_cut_off) {
    start(1, 1);
    pair l = linked();
    rl_client_watch_enter(l.watch, RL_CLIENT_ANSWER);
    ck_assert(at_end(l.client));
    unlinked(&l);
    rl_watchdog_free(watchdog);
}
END_TEST

START_TEST(nobody_is_cut_off_while_the_server_works) {
    start(1, 1);
    pair l = linked();
    rl_client_watch_enter(l.watch, RL_CLIENT_NOT_AWAITED);
    await_a_round();
    ck_assert(!rl_client_watch_expired(l.watch));
    unlinked(&l);
    rl_watchdog_free(watchdog);
}
END_TEST

START_TEST(a_connection_that_ended_is_not_touched) {
    start(1, 1);
    pair l = linked();
    rl_client_watch_enter(l.watch, RL_CLIENT_NOT_AWAITED);
    rl_client_watch_end(l.watch);
    rl_client_watch_enter(l.watch, RL_CLIENT_ANSWER);
    await_a_round();
    ck_assert_int_eq(send(l.client, "x", 1, MSG_NOSIGNAL), 1);
    char byte;
    ck_assert_int_eq(await_events(l.server, POLLIN) & POLLIN, POLLIN);
    ck_assert_int_eq(recv(l.server, &byte, 1, 0), 1);
    unlinked(&l);
    rl_watchdog_free(watchdog);
}
END_TEST

START_TEST(deadlines_are_short_only_while_threads_are_scarce) {
    start(NEVER_US, 1);
    pair l = linked();
    ck_assert(!rl_client_watch_expired(l.watch));
    atomic_store(&connections, 10);
    ck_assert(at_end(l.server));
    unlinked(&l);
    rl_watchdog_free(watchdog);
}
END_TEST

START_TEST(who_sends_more_than_the_meter_allows_is_cut_off) {
    start(NEVER_US, NEVER_US);
    pair l = linked();
    rl_client_watch_enter(l.watch, RL_CLIENT_BODY);
    rl_client_watch_meter(l.watch, l.server, 100);
    char bytes[101] = {0};
    ck_assert_int_eq(send(l.client, bytes, 100, MSG_NOSIGNAL), 100);
    for (size_t got = 0; got < 100; got += (size_t)recv(l.server, bytes, sizeof(bytes), 0)) {
    }
    ck_assert(!rl_client_watch_expired(l.watch));
    ck_assert_int_eq(send(l.client, bytes, 1, MSG_NOSIGNAL), 1);
    ck_assert_int_eq(recv(l.server, bytes, 1, 0), 1);
    ck_assert(at_end(l.server));
    ck_assert(rl_client_watch_expired(l.watch));
    unlinked(&l);
    rl_watchdog_free(watchdog);
}
END_TEST

START_TEST(a_request_that_arrives_just_as_idleness_ends_is_not_dropped) {
    rl_watchdog_config config = limits(1, 1);
    config.usual_us[RL_CLIENT_HEAD] = NEVER_US;
    start_with(config);
    pair l = linked();
    ck_assert_int_eq(send(l.client, "GET", 3, MSG_NOSIGNAL), 3);
    ck_assert_int_eq(await_events(l.server, POLLIN) & POLLIN, POLLIN);
    rl_client_watch_enter(l.watch, RL_CLIENT_IDLE);
    await_a_round();
    ck_assert(!rl_client_watch_expired(l.watch));
    char bytes[8];
    ck_assert_int_eq(recv(l.server, bytes, sizeof(bytes), 0), 3);
    unlinked(&l);
    rl_watchdog_free(watchdog);
}
END_TEST

START_TEST(a_request_that_begins_in_idleness_has_the_deadline_of_a_head) {
    start(1, 1);
    pair l = linked();
    ck_assert_int_eq(send(l.client, "GET", 3, MSG_NOSIGNAL), 3);
    rl_client_watch_enter(l.watch, RL_CLIENT_IDLE);
    ck_assert(at_end(l.client));
    unlinked(&l);
    rl_watchdog_free(watchdog);
}
END_TEST

START_TEST(no_watch_is_no_error) {
    rl_client_watch_begin(NULL, "127.0.0.1", 1, 2);
    rl_client_watch_enter(NULL, RL_CLIENT_BODY);
    rl_client_watch_meter(NULL, -1, 1);
    ck_assert(!rl_client_watch_expired(NULL));
    rl_client_watch_end(NULL);
    rl_client_watch_free(NULL);
    rl_watchdog_free(NULL);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("client_watch");
    TCase *tests = tcase_create("over loopback");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, who_sends_too_slowly_is_no_longer_listened_to_and_can_be_told);
    tcase_add_test(tests, who_goes_on_sending_is_reset);
    tcase_add_test(tests, who_does_not_take_the_answer_is_cut_off);
    tcase_add_test(tests, nobody_is_cut_off_while_the_server_works);
    tcase_add_test(tests, a_connection_that_ended_is_not_touched);
    tcase_add_test(tests, deadlines_are_short_only_while_threads_are_scarce);
    tcase_add_test(tests, who_sends_more_than_the_meter_allows_is_cut_off);
    tcase_add_test(tests, a_request_that_arrives_just_as_idleness_ends_is_not_dropped);
    tcase_add_test(tests, a_request_that_begins_in_idleness_has_the_deadline_of_a_head);
    tcase_add_test(tests, no_watch_is_no_error);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
