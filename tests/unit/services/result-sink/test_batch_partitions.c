/* What becomes of a batch when a partition leaves. Messages can only be made by librdkafka: they come from the mock
 * broker that it brings along. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "lib/base/clock.h"
#include "services/result-sink/batch.h"
#include "tests/support/suite.h"

#define TOPIC "results"

static rd_kafka_t *open_client(rd_kafka_type_t type, const char *name, const char *value) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char reason[160];
    ck_assert_int_eq(rd_kafka_conf_set(conf, name, value, reason, sizeof reason), RD_KAFKA_CONF_OK);
    ck_assert_int_eq(rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", NULL, 0), RD_KAFKA_CONF_OK);
    ck_assert_int_eq(rd_kafka_conf_set(conf, "group.id", "g", NULL, 0), RD_KAFKA_CONF_OK);
    rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof reason);
    ck_assert_msg(client != NULL, "%s", reason);
    return client;
}

static void produce(rd_kafka_t *producer, int32_t partition) {
    rd_kafka_resp_err_t code = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(TOPIC), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE("0123456789", 10), RD_KAFKA_V_END);
    ck_assert_int_eq(code, RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* Adds the `count` records of one partition. */
static void add_partition(rl_batch *batch, rd_kafka_t *consumer, int32_t partition, size_t count) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, TOPIC, partition)->offset = 0;
    ck_assert_int_eq(rd_kafka_assign(consumer, list), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    int64_t end_us = rl_clock_us() + 60 * RL_US_PER_S;
    while (count > 0) {
        ck_assert_msg(rl_clock_us() < end_us, "the mock broker still owes %zu records", count);
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
        if (message && !message->err) {
            ck_assert(rl_batch_add(batch, message));
            count--;
        } else if (message) {
            rd_kafka_message_destroy(message);
        }
    }
}

static void describe(rl_sink_record *record, const char *id, int64_t generation) {
    record->fate = RL_FATE_TO_WRITE;
    record->id = strdup(id);
    record->item = (rl_apply_item){.id = record->id, .generation = generation};
}

START_TEST(what_a_leaving_record_superseded_elsewhere_is_written_unless_that_one_was) {
    rd_kafka_t *producer = open_client(RD_KAFKA_PRODUCER, "test.mock.num.brokers", "1");
    const char *brokers = rd_kafka_mock_cluster_bootstraps(rd_kafka_handle_mock_cluster(producer));
    rd_kafka_t *consumer = open_client(RD_KAFKA_CONSUMER, "bootstrap.servers", brokers);
    for (int i = 0; i < 2; i++) {
        produce(producer, 1);
        produce(producer, 2);
    }
    ck_assert_int_eq(rd_kafka_flush(producer, 60000), RD_KAFKA_RESP_ERR_NO_ERROR);
    rl_batch batch = {0};
    add_partition(&batch, consumer, 1, 2);
    add_partition(&batch, consumer, 2, 2);
    for (size_t i = 0; i < 2; i++) {
        describe(&batch.records[i], i ? "written" : "unwritten", 2);
        describe(&batch.records[2 + i], i ? "written" : "unwritten", 1);
    }
    ck_assert(rl_batch_coalesce(&batch, NULL));
    ck_assert_uint_eq(rl_batch_superseded(&batch), 2);
    batch.records[1].fate = RL_FATE_SETTLED;
    ck_assert_uint_eq(rl_batch_drop_partition(&batch, 1), 2);
    ck_assert_uint_eq(batch.count, 2);
    ck_assert_int_eq(batch.records[0].fate, RL_FATE_TO_WRITE);
    ck_assert_int_eq(batch.records[1].fate, RL_FATE_SUPERSEDED);
    rl_batch_free(&batch);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    rd_kafka_destroy(producer);
}
END_TEST

START_TEST(a_partition_that_leaves_takes_its_settled_records_along) {
    rd_kafka_t *producer = open_client(RD_KAFKA_PRODUCER, "test.mock.num.brokers", "1");
    const char *brokers = rd_kafka_mock_cluster_bootstraps(rd_kafka_handle_mock_cluster(producer));
    rd_kafka_t *consumer = open_client(RD_KAFKA_CONSUMER, "bootstrap.servers", brokers);
    for (int i = 0; i < 2; i++) {
        produce(producer, 1);
        produce(producer, 2);
    }
    ck_assert_int_eq(rd_kafka_flush(producer, 60000), RD_KAFKA_RESP_ERR_NO_ERROR);
    rl_batch batch = {0};
    add_partition(&batch, consumer, 1, 2);
    add_partition(&batch, consumer, 2, 2);
    /* The later one of partition 1 is settled, the earlier one is not: were the later one kept and the partition to
     * come back, its position would move past both. */
    batch.records[1].fate = RL_FATE_SETTLED;
    batch.records[3].fate = RL_FATE_SETTLED;
    ck_assert_uint_eq(rl_batch_drop_partition(&batch, 1), 2);
    ck_assert_uint_eq(batch.count, 2);
    ck_assert_uint_eq(batch.bytes, 20);
    for (size_t i = 0; i < batch.count; i++) {
        ck_assert_int_eq(batch.records[i].message->partition, 2);
        ck_assert_int_eq(batch.records[i].message->offset, (int64_t)i);
    }
    ck_assert_int_eq(batch.records[1].fate, RL_FATE_SETTLED);
    ck_assert_uint_eq(rl_batch_drop_partition(&batch, 1), 0);
    rl_batch_free(&batch);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    rd_kafka_destroy(producer);
}
END_TEST

RL_SUITE("sink/batch_partitions", a_partition_that_leaves_takes_its_settled_records_along,
         what_a_leaving_record_superseded_elsewhere_is_written_unless_that_one_was)
