/* Creating the topics on a real broker. */
#include <sched.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/producer.h"
#include "lib/stream/topics.h"
#include "tests/support/kafka.h"
#include "tests/support/suite.h"

#define PATIENCE_US (30 * RL_US_PER_S)

/* How many partitions the topic has. The broker is asked again while the topic that it has just made has no leader. */
static int32_t partitions_of(rl_producer *producer, const char *topic) {
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    int32_t partitions = 0;
    rl_error err = RL_ERROR_INIT;
    while (!rl_producer_prime(producer, topic, PATIENCE_US, &partitions, &err)) {
        ck_assert_msg(err.error_class == RL_TRANSIENT && rl_clock_us() < deadline_us, "%s", err.message);
        sched_yield();
    }
    return partitions;
}

START_TEST(creating_again_changes_nothing) {
    const rl_stream_config stream = rl_test_stream();
    const rl_topics_options options = {.replication = 1};
    size_t created = 0;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_topics_create(&stream, &options, PATIENCE_US, &created, &err), "%s", err.message);
    RL_AUTO_PRODUCER rl_producer *producer = rl_producer_new(&stream, PATIENCE_US, &err);
    ck_assert_msg(producer != NULL, "%s", err.message);
    int32_t before = partitions_of(producer, RL_TOPIC_SUBMISSIONS);
    const rl_topics_options more = {.partitions = before + 1, .replication = 1};
    ck_assert_msg(rl_topics_create(&stream, &more, PATIENCE_US, &created, &err), "%s", err.message);
    ck_assert_uint_eq(created, 0);
    ck_assert_int_eq(partitions_of(producer, RL_TOPIC_SUBMISSIONS), before);
}
END_TEST

START_TEST(more_replicas_than_brokers_is_an_error_that_names_a_topic) {
    const rl_stream_config stream = rl_test_stream();
    const rl_topics_options options = {.replication = 15};
    size_t created = 0;
    rl_error err = RL_ERROR_INIT;
    /* Where all topics are there already the broker has nothing to refuse. */
    if (!rl_topics_create(&stream, &options, RL_US_PER_S, &created, &err)) {
        ck_assert_msg(strstr(err.message, "topic ") != NULL, "%s", err.message);
    }
    ck_assert_uint_eq(created, 0);
}
END_TEST

START_TEST(a_broker_that_is_away_is_transient) {
    const rl_stream_config nowhere = {"127.0.0.1:1", "test", NULL, NULL};
    const rl_topics_options options = {.replication = 1};
    size_t created = 0;
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_topics_create(&nowhere, &options, 500 * RL_US_PER_MS, &created, &err));
    ck_assert_msg(err.error_class == RL_TRANSIENT, "%s", err.message);
}
END_TEST

RL_SUITE("lib/stream/topics_create", creating_again_changes_nothing,
         more_replicas_than_brokers_is_an_error_that_names_a_topic, a_broker_that_is_away_is_transient)
