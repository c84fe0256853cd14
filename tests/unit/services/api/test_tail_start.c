/* What the tail makes of a log before it reads it. The broker is librdkafka's mock, which answers for topics of
 * any size; reading is tested with a real one. */
#include <librdkafka/rdkafka.h>
/* After it, for want of includes of its own. */
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/stream/topics.h"
#include "services/api/tail.h"
#include "suite.h"

#define PATIENCE_US (30 * RL_US_PER_S)

typedef struct {
    rd_kafka_t *owner; /* of the mock */
    rd_kafka_mock_cluster_t *brokers;
    char secret[64];
    rl_codec *codec;
    rl_ident *ident;
    rl_waiters *waiters;
    rl_log *log;
    rl_tail *tail;
} world;

static void open_world(world *w, int partitions) {
    rl_error err = RL_ERROR_INIT;
    char reason[128];
    w->owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), reason, sizeof reason);
    w->brokers = rd_kafka_mock_cluster_new(w->owner, 1);
    ck_assert_int_eq(rd_kafka_mock_topic_create(w->brokers, RL_TOPIC_RESULTS, partitions, 1), 0);
    (void)snprintf(w->secret, sizeof w->secret, "/tmp/test_tail_start.%d.key", (int)getpid());
    w->codec = rl_codec_new(&err);
    w->ident = rl_ident_new(w->secret, 30 * 86400 * RL_US_PER_S, &err);
    w->waiters = rl_waiters_new(1, &err);
    w->log = rl_log_new("test", RL_LOG_ERROR, 2);
    ck_assert_msg(w->codec && w->ident && w->waiters, "%s", err.message);
    const rl_tail_config config = {
        .stream = {rd_kafka_mock_cluster_bootstraps(w->brokers), "test", NULL},
        .codec = w->codec,
        .ident = w->ident,
        .waiters = w->waiters,
        .log = w->log,
        .cache_bytes = 1 << 20,
    };
    w->tail = rl_tail_new(&config, &err);
    ck_assert_msg(w->tail != NULL, "%s", err.message);
}

static void close_world(world *w) {
    rl_tail_free(w->tail);
    rl_log_free(w->log);
    rl_waiters_free(w->waiters);
    rl_ident_free(w->ident);
    rl_codec_free(w->codec);
    unlink(w->secret);
    rd_kafka_mock_cluster_destroy(w->brokers);
    rd_kafka_destroy(w->owner);
}

START_TEST(more_partitions_than_are_served_end_the_start_with_a_reason) {
    world w;
    rl_error err = RL_ERROR_INIT;
    char reason[128];
    open_world(&w, RL_TOPIC_MAX_PARTITIONS + 1);
    const int64_t end_us = rl_clock_us() + PATIENCE_US;
    while (!rl_tail_has_failed(w.tail, &err)) {
        const struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};
        (void)rl_tail_ready(w.tail, reason);
        ck_assert_msg(rl_clock_us() < end_us, "it goes on: %s", reason);
        nanosleep(&moment, NULL);
    }
    ck_assert_int_eq(err.error_class, RL_FATAL);
    ck_assert_str_eq(err.message, "topic results has 1025 partitions, at most 1024 are supported");
    ck_assert(!rl_tail_ready(w.tail, reason));
    ck_assert_str_eq(reason, err.message);
    close_world(&w);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: the tail's start");
    TCase *tests = tcase_create("log");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, more_partitions_than_are_served_end_the_start_with_a_reason);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
