/* Where submissions go while the runners are behind in one partition. */
#include "lib/base/clock.h"
#include "suite.h"

#define PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\"}"
#define BUSY 5
#define BACKLOG 500
/* By chance, so many submissions in a row miss one partition of 12 once in 10^7 times. */
#define ENOUGH 200

static api_process api;

static void must(bool ok, const rl_error *err) {
    ck_assert_msg(ok, "%s", err->message);
}

static int32_t partition_of_next(rl_id_keys *keys) {
    char id[RL_ID_SIZE];
    rl_id_parts parts;
    submit(&api, PROGRAM, id);
    ck_assert(rl_id_verify(keys, id, &parts));
    return parts.partition;
}

START_TEST(a_partition_where_the_runners_are_behind_gets_nothing_until_they_have_caught_up) {
    rl_error err = RL_ERROR_INIT;
    topics_ready();
    add_submissions(BUSY, BACKLOG);
    commit_submissions_but(BUSY, BACKLOG);
    api_start_ready(&api, NULL);
    rl_id_keys *keys = rl_id_keys_load(api.secret, &err);
    must(keys != NULL, &err);
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    for (int elsewhere = 0; elsewhere < ENOUGH;) { /* the first ones may come before the measurement */
        ck_assert_msg(rl_clock_us() < deadline_us, "partition %d still gets submissions", BUSY);
        elsewhere = partition_of_next(keys) == BUSY ? 0 : elsewhere + 1;
    }
    commit_submissions_but(BUSY, 0);
    deadline_us = rl_clock_us() + PATIENCE_US;
    while (partition_of_next(keys) != BUSY) {
        ck_assert_msg(rl_clock_us() < deadline_us, "partition %d gets none though it is empty", BUSY);
    }
    rl_id_keys_free(keys);
    api_stop(&api);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: partitions");
    TCase *tests = tcase_create("backlogs");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_partition_where_the_runners_are_behind_gets_nothing_until_they_have_caught_up);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
