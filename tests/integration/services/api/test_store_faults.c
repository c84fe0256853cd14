/* MongoDB that hangs: it takes connections and answers nobody, as a machine does whose disk has stalled. */
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "suite.h"
#include "tests/integration/services/result-sink/relay.h"

#define PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\"}"
/* More lookups than connections (4 and one) and threads (24). */
#define LOOKUPS 40

static api_process api;
static relay *mongo;

/* "mongodb://host:port/database", through the relay. */
static void set_up(void) {
    char host[128];
    char port[16];
    char rest[256];
    char uri[512];
    ck_assert_int_eq(
        sscanf(neighbour("RUNLOG_TEST_MONGO_URI"), "mongodb://%127[^:/]:%15[0-9]%255s", host, port, rest), 3);
    mongo = relay_open(host, port);
    (void)snprintf(uri, sizeof(uri), "RUNLOG_MONGO_URI=mongodb://127.0.0.1:%d%s", relay_port(mongo), rest);
    const char *const settings[] = {uri, "RUNLOG_API_MONGO_POOL=4", NULL};
    topics_ready();
    api_start_ready(&api, settings);
}

static void tear_down(void) {
    relay_mend(mongo);
    api_stop(&api);
    relay_close(mongo);
}

static void await_store(const char *expected) {
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    for (bool found = false; !found;) {
        answer a;
        get(&api, "/readyz", &a);
        ck_assert_msg(rl_clock_us() < deadline_us, "expected %s: %s", expected, a.body.data);
        expect_status(&a, 200);
        found = strstr(a.body.data, expected) != NULL;
        answer_free(&a);
    }
}

/* A lookup that only MongoDB can answer. */
static int begin_lookup(void) {
    char id[RL_ID_SIZE];
    char request[256];
    const int fd = api_connect(&api);
    issue_id(api.secret, 600 * RL_US_PER_S, id);
    (void)snprintf(request, sizeof(request),
                   "GET /api/result/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", id);
    send_text(fd, request);
    return fd;
}

START_TEST(submissions_and_health_go_on_while_mongodb_hangs) {
    int fds[LOOKUPS];
    char id[RL_ID_SIZE];
    answer a;
    await_store("\"status\":\"ready\"");
    relay_hold(mongo);
    for (size_t i = 0; i < LOOKUPS; i++) {
        fds[i] = begin_lookup();
    }
    submit(&api, PROGRAM, id);
    get(&api, "/healthz", &a);
    expect_status(&a, 200);
    answer_free(&a);
    await_store("\"status\":\"degraded\"");
    /* All that before the first of those lookups was given up, which hold what the others need. */
    api_take_log(&api);
    ck_assert_msg(!strstr(api.logged.data, "cannot look up a result"), "a lookup was given up first");
    for (size_t i = 0; i < LOOKUPS; i++) {
        read_answer(fds[i], &a, false);
        expect_status(&a, 503);
        expect_in_head(&a, "\r\nRetry-After: ");
        answer_free(&a);
        close(fds[i]);
    }
}
END_TEST

START_TEST(after_a_hang_lookups_are_answered_again) {
    answer a;
    await_store("\"status\":\"ready\"");
    relay_hold(mongo);
    const int fd = begin_lookup();
    await_store("\"status\":\"degraded\"");
    relay_mend(mongo);
    await_store("\"status\":\"ready\"");
    read_answer(fd, &a, false);
    expect_status(&a, 200);
    answer_free(&a);
    close(fd);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: store faults");
    TCase *tests = tcase_create("a database that hangs");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, submissions_and_health_go_on_while_mongodb_hangs);
    tcase_add_test(tests, after_a_hang_lookups_are_answered_again);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
