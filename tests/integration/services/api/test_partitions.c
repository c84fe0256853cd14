/* Where submissions go while the runners are behind in one partition. */
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/stream/producer.h"
#include "lib/stream/topics.h"
#include "suite.h"

#define PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\"}"
#define PARTITIONS 12
#define BUSY 5
#define BACKLOG 500
/* By chance, so many submissions in a row miss one partition of 12 once in 10^7 times. */
#define ENOUGH 200

static api_process api;

static void must(bool ok, const rl_error *err) {
    ck_assert_msg(ok, "%s", err->message);
}

static rd_kafka_t *member_of_runners(void) {
    rl_error err = RL_ERROR_INIT;
    char reason[128];
    const rl_stream_config config = {neighbour("RUNLOG_TEST_KAFKA_BROKERS"), "api-test", NULL};
    rd_kafka_conf_t *conf = rl_stream_conf(&config, &err);
    must(conf && rl_stream_set(conf, "group.id", RL_GROUP_RUNNERS, &err), &err);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason));
    ck_assert_msg(client != NULL, "%s", reason);
    return client;
}

/* As if the runners had finished everything, but for `left` records of one partition. */
static void commit_all_but(int32_t partition, int64_t left) {
    rd_kafka_t *client = member_of_runners();
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        int64_t low;
        int64_t high;
        ck_assert_int_eq(
            rd_kafka_query_watermark_offsets(client, RL_TOPIC_SUBMISSIONS, i, &low, &high, 10000),
            RD_KAFKA_RESP_ERR_NO_ERROR);
        rd_kafka_topic_partition_list_add(list, RL_TOPIC_SUBMISSIONS, i)->offset =
            i == partition ? high - left : high;
    }
    ck_assert_int_eq(rd_kafka_commit(client, list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
}

static void fill(int32_t partition) {
    rl_error err = RL_ERROR_INIT;
    const rl_stream_config config = {neighbour("RUNLOG_TEST_KAFKA_BROKERS"), "api-test", NULL};
    RL_AUTO_PRODUCER rl_producer *producer = rl_producer_new(&config, PATIENCE_US, &err);
    must(producer != NULL, &err);
    const rl_record record = {.topic = RL_TOPIC_SUBMISSIONS,
                              .partition = partition,
                              .key = rl_bytes_of("api-test"),
                              .value = rl_bytes_of("a backlog")};
    for (int i = 0; i < BACKLOG; i++) {
        must(rl_producer_send(producer, &record, NULL, NULL, &err), &err);
    }
    ck_assert(rl_producer_flush(producer, PATIENCE_US));
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
    fill(BUSY);
    commit_all_but(BUSY, BACKLOG);
    api_start_ready(&api, NULL);
    rl_id_keys *keys = rl_id_keys_load(api.secret, &err);
    must(keys != NULL, &err);
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    for (int elsewhere = 0; elsewhere < ENOUGH;) { /* the first ones may come before the measurement */
        ck_assert_msg(rl_clock_us() < deadline_us, "partition %d still gets submissions", BUSY);
        elsewhere = partition_of_next(keys) == BUSY ? 0 : elsewhere + 1;
    }
    commit_all_but(BUSY, 0);
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
