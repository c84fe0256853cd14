/* What a runner learns of its partitions while one of several brokers is away, against librdkafka's own test brokers. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "services/runner/claim.h"
#include "tests/support/suite.h"

#define PARTITIONS 3
#define PATIENCE_US (30 * RL_US_PER_S)

typedef struct {
    rd_kafka_t *consumer;
    rd_kafka_mock_cluster_t *cluster;
    rl_claims *claims;
    int wake_fd;
    bool told[PARTITIONS];
} world;

static void on_claim(void *context, const rl_claim *claim) {
    world *w = context;
    w->told[claim->number] = true;
}

/* A topic of three partitions, each led by a broker of its own; the first one knows the group. */
static void world_open(world *w) {
    static const char *const settings[][2] = {
        {"test.mock.num.brokers", "3"}, {"group.id", "group"}, {"log_level", "0"}};
    char text[256];
    *w = (world){.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        ck_assert_int_eq(rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof text),
                         RD_KAFKA_CONF_OK);
    }
    w->consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    ck_assert_msg(w->consumer != NULL, "%s", text);
    w->cluster = rd_kafka_handle_mock_cluster(w->consumer);
    rd_kafka_mock_topic_create(w->cluster, "records", PARTITIONS, 1);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        rd_kafka_mock_partition_set_leader(w->cluster, "records", i, i + 1);
    }
    rd_kafka_mock_coordinator_set(w->cluster, "group", "group", 1);
    rl_error err = RL_ERROR_INIT;
    w->claims = rl_claims_new(w->consumer, w->wake_fd, on_claim, w, &err);
    ck_assert_msg(w->claims != NULL, "%s", err.message);
}

static void world_close(world *w) {
    rl_claims_free(w->claims);
    rd_kafka_destroy(w->consumer);
    close(w->wake_fd);
}

/* Asks for what has not been told, once; what the answer came to. */
static bool ask(world *w) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        if (!w->told[i]) {
            rd_kafka_topic_partition_list_add(list, "records", i);
        }
    }
    rl_claims_ask(w->claims, list);
    rd_kafka_topic_partition_list_destroy(list);
    int64_t until_us = rl_clock_us() + PATIENCE_US;
    bool ok = true;
    while (rl_claims_is_asking(w->claims)) {
        ck_assert_int_lt(rl_clock_us(), until_us);
        (void)poll(&(struct pollfd){.fd = w->wake_fd, .events = POLLIN}, 1, 100);
        rl_error err = RL_ERROR_INIT;
        ok = rl_claims_poll(w->claims, &err);
        ck_assert(ok || err.error_class == RL_TRANSIENT);
    }
    return ok;
}

START_TEST(a_partition_without_a_leader_holds_no_other_up) {
    world w;
    world_open(&w);
    rd_kafka_mock_partition_set_leader(w.cluster, "records", 2, -1);
    ck_assert(!ask(&w));
    ck_assert(w.told[0] && w.told[1] && !w.told[2]);
    rd_kafka_mock_partition_set_leader(w.cluster, "records", 2, 1);
    int64_t until_us = rl_clock_us() + PATIENCE_US;
    while (!w.told[2]) {
        ck_assert_int_lt(rl_clock_us(), until_us);
        (void)ask(&w);
    }
    world_close(&w);
}
END_TEST

START_TEST(a_log_whose_broker_is_down_is_not_taken_to_begin_at_nought) {
    world w;
    world_open(&w);
    rd_kafka_mock_broker_set_down(w.cluster, 3);
    ck_assert(!ask(&w));
    ck_assert(!w.told[2]);
    world_close(&w);
}
END_TEST

START_TEST(a_coordinator_that_is_back_after_the_question_was_given_up_harms_nobody) {
    world w;
    world_open(&w);
    for (int32_t broker = 1; broker <= PARTITIONS; broker++) {
        rd_kafka_mock_broker_set_down(w.cluster, broker);
    }
    ck_assert(!ask(&w));
    ck_assert(!w.told[0] && !w.told[1] && !w.told[2]);
    for (int32_t broker = 1; broker <= PARTITIONS; broker++) {
        rd_kafka_mock_broker_set_up(w.cluster, broker);
    }
    int64_t until_us = rl_clock_us() + PATIENCE_US;
    while (!w.told[0] || !w.told[1] || !w.told[2]) {
        ck_assert_int_lt(rl_clock_us(), until_us);
        (void)ask(&w);
    }
    world_close(&w);
}
END_TEST

RL_SUITE("runner/claim", a_partition_without_a_leader_holds_no_other_up,
         a_log_whose_broker_is_down_is_not_taken_to_begin_at_nought,
         a_coordinator_that_is_back_after_the_question_was_given_up_harms_nobody)
