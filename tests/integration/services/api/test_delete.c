/* DELETE /api/submissions/:id, and what the API answers about what was deleted. */
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "suite.h"

#define NOT_FOUND "{\"error\":\"Code submission not found\"}"
#define PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\",\"stdInput\":\"in\"}"
#define NOBODY_MONGO "RUNLOG_MONGO_URI=mongodb://127.0.0.1:9/none"

static api_process api;

static void set_up(void) {
    topics_ready();
    api_start_ready(&api, NULL);
}

static void tear_down(void) {
    api_stop(&api);
}

static void ask_to_delete(const char *id, answer *ret) {
    char target[256];
    (void)snprintf(target, sizeof(target), "/api/submissions/%s", id);
    ask(&api, "DELETE", target, rl_bytes_make(NULL, 0), ret);
}

static void delete(const char *id) {
    answer a;
    ask_to_delete(id, &a);
    expect_status(&a, 204);
    ck_assert_uint_eq(a.body.size, 0);
    answer_free(&a);
}

static void look(const char *id, answer *ret) {
    char target[256];
    (void)snprintf(target, sizeof(target), "/api/result/%s", id);
    get(&api, target, ret);
}

static void expect_gone(const char *id) {
    answer a;
    look(id, &a);
    expect_body(&a, 404, NOT_FOUND);
    answer_free(&a);
}

static void await_text(const char *id, const char *part) {
    answer a;
    char target[256];
    (void)snprintf(target, sizeof(target), "/api/result/%s?wait=20", id);
    get(&api, target, &a);
    expect_status(&a, 200);
    expect_in_body(&a, part);
    answer_free(&a);
}

/* Every record written so far has been read: one written after them has. */
static void await_read(const char *id_of_partition) {
    const int64_t before = metric(&api, "\nrunlog_api_tail_records_total ");
    const rl_finished finished = make_finished(id_of_partition, 0, "marker");
    publish_finished(&finished);
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    while (metric(&api, "\nrunlog_api_tail_records_total ") <= before) {
        ck_assert_int_lt(rl_clock_us(), deadline_us);
        rest_a_beat();
    }
}

static void restart(const char *const *settings) {
    api_signal(&api, 9);
    ck_assert_int_eq(api_await_end(&api), -1);
    api_restart(&api, settings);
    api_await_ready(&api);
}

START_TEST(what_was_deleted_is_404_at_once) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    const rl_finished finished = make_finished(id, 0, "result");
    publish_finished(&finished);
    await_text(id, "\"stdOutput\":\"result\"");
    delete (id);
    expect_gone(id);
    delete (id);
    ck_assert_int_eq(metric(&api, "\nrunlog_api_tail_deleted_total "), 1);
}
END_TEST

START_TEST(what_has_finished_is_not_cancelled_as_well) {
    char finished_id[RL_ID_SIZE];
    char pending_id[RL_ID_SIZE];
    submit(&api, PROGRAM, finished_id);
    submit(&api, PROGRAM, pending_id);
    const rl_finished finished = make_finished(finished_id, 0, "result");
    publish_finished(&finished);
    await_text(finished_id, "\"stdOutput\":\"result\"");
    const int64_t before = controls_written();
    delete (finished_id);
    ck_assert_int_eq(controls_written(), before);
    delete (pending_id);
    ck_assert_int_eq(controls_written(), before + 1);
}
END_TEST

START_TEST(a_late_result_does_not_bring_it_back) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    delete (id);
    const rl_finished replayed = make_finished(id, 12, "replayed");
    publish_finished(&replayed);
    await_read(id);
    expect_gone(id);
}
END_TEST

START_TEST(who_waits_is_told_404) {
    char id[RL_ID_SIZE];
    char request[256];
    answer a;
    submit(&api, PROGRAM, id);
    const int fd = api_connect(&api);
    (void)snprintf(request, sizeof(request), "GET /api/result/%s?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n", id);
    send_text(fd, request);
    await_waiters(&api, 1);
    publish_deleted(id);
    read_answer(fd, &a, false);
    expect_body(&a, 404, NOT_FOUND);
    answer_free(&a);
    close(fd);
}
END_TEST

/* Eight threads: six may wait, the others are parked. */
START_TEST(who_waits_without_a_thread_is_told_404_too) {
    enum { CLIENTS = 12 };
    static const char *const settings[] = {"RUNLOG_API_THREADS=8", NULL};
    char id[RL_ID_SIZE];
    char request[256];
    int fds[CLIENTS];
    restart(settings);
    submit(&api, PROGRAM, id);
    (void)snprintf(request, sizeof(request), "GET /api/result/%s?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n", id);
    for (size_t i = 0; i < CLIENTS; i++) {
        fds[i] = api_connect(&api);
        send_text(fds[i], request);
    }
    await_waiters(&api, CLIENTS);
    delete (id);
    for (size_t i = 0; i < CLIENTS; i++) {
        answer a;
        read_answer(fds[i], &a, false);
        expect_body(&a, 404, NOT_FOUND);
        answer_free(&a);
        close(fds[i]);
    }
}
END_TEST

START_TEST(a_restart_does_not_bring_it_back) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    const rl_finished finished = make_finished(id, 0, "result");
    publish_finished(&finished);
    await_text(id, "\"stdOutput\":\"result\"");
    delete (id);
    restart(NULL);
    expect_gone(id);
}
END_TEST

/* The new instance begins behind the deletion, and reads the result that comes after it. */
START_TEST(a_late_result_that_a_new_instance_reads_is_held_against_mongodb) {
    char id[RL_ID_SIZE];
    char other[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    submit(&api, PROGRAM, other);
    delete (id);
    store_deleted(id);
    commit_results();
    restart(NULL);
    const rl_finished late = make_finished(id, 0, "late");
    publish_finished(&late);
    await_read(id);
    expect_gone(id);
    const rl_finished fine = make_finished(other, 0, "fine");
    publish_finished(&fine);
    await_text(other, "\"stdOutput\":\"fine\"");
}
END_TEST

START_TEST(without_mongodb_such_a_result_is_not_shown) {
    static const char *const settings[] = {NOBODY_MONGO, NULL};
    char id[RL_ID_SIZE];
    answer a;
    submit(&api, PROGRAM, id);
    delete (id);
    store_deleted(id);
    commit_results();
    restart(settings);
    const rl_finished late = make_finished(id, 0, "late");
    publish_finished(&late);
    await_read(id);
    look(id, &a);
    expect_status(&a, 503);
    expect_in_head(&a, "\r\nRetry-After: ");
    answer_free(&a);
}
END_TEST

START_TEST(it_is_deleted_without_mongodb) {
    static const char *const settings[] = {NOBODY_MONGO, NULL};
    char id[RL_ID_SIZE];
    restart(settings);
    submit(&api, PROGRAM, id);
    delete (id);
    expect_gone(id);
}
END_TEST

START_TEST(without_kafka_it_is_503) {
    static const char *const settings[] = {"RUNLOG_API_PUBLISH_TIMEOUT=1s",
                                           "RUNLOG_KAFKA_BROKERS=127.0.0.1:9", NULL};
    char id[RL_ID_SIZE];
    answer a;
    submit(&api, PROGRAM, id);
    api_signal(&api, 9);
    ck_assert_int_eq(api_await_end(&api), -1);
    api_restart(&api, settings);
    ask_to_delete(id, &a);
    expect_status(&a, 503);
    expect_in_head(&a, "\r\nRetry-After: ");
    answer_free(&a);
}
END_TEST

START_TEST(what_was_never_issued_is_404) {
    static const char *const ids[] = {"x", "%00", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    char old[RL_ID_SIZE];
    answer a;
    for (size_t i = 0; i < 3; i++) {
        ask_to_delete(ids[i], &a);
        expect_body(&a, 404, NOT_FOUND);
        answer_free(&a);
    }
    issue_id(api.secret, INT64_C(40) * 86400 * RL_US_PER_S, old);
    ask_to_delete(old, &a);
    expect_body(&a, 404, NOT_FOUND);
    answer_free(&a);
}
END_TEST

START_TEST(other_methods_are_405) {
    answer a;
    get(&api, "/api/submissions/x", &a);
    expect_status(&a, 405);
    expect_in_head(&a, "\r\nAllow: DELETE, OPTIONS\r\n");
    answer_free(&a);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: delete");
    TCase *tests = tcase_create("deletions");
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, what_was_never_issued_is_404);
    tcase_add_test(tests, other_methods_are_405);
    tcase_add_test(tests, what_was_deleted_is_404_at_once);
    tcase_add_test(tests, what_has_finished_is_not_cancelled_as_well);
    tcase_add_test(tests, a_late_result_does_not_bring_it_back);
    tcase_add_test(tests, who_waits_is_told_404);
    tcase_add_test(tests, a_restart_does_not_bring_it_back);
    tcase_add_test(tests, a_late_result_that_a_new_instance_reads_is_held_against_mongodb);
    tcase_add_test(tests, who_waits_without_a_thread_is_told_404_too);
    tcase_add_test(tests, it_is_deleted_without_mongodb);
    tcase_add_test(tests, without_mongodb_such_a_result_is_not_shown);
    tcase_add_test(tests, without_kafka_it_is_503);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
