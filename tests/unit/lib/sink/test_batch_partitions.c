/* What becomes of a batch when a partition leaves. Messages can only be made by librdkafka: they come from the mock
 * broker that it brings along. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "lib/base/clock.h"
#include "lib/sink/batch.h"
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
    record->item = (rl_apply_item){.generation = generation};
}

/* A batch of the records of partitions 1 and 2, and the clients that they come from. */
typedef struct {
    rd_kafka_t *producer, *consumer;
    rl_batch batch;
} fixture;

static void open_fixture(fixture *f, size_t of_first, size_t of_second) {
    *f = (fixture){.producer = open_client(RD_KAFKA_PRODUCER, "test.mock.num.brokers", "1")};
    const char *brokers = rd_kafka_mock_cluster_bootstraps(rd_kafka_handle_mock_cluster(f->producer));
    f->consumer = open_client(RD_KAFKA_CONSUMER, "bootstrap.servers", brokers);
    for (size_t i = 0; i < of_first + of_second; i++) {
        produce(f->producer, i < of_first ? 1 : 2);
    }
    ck_assert_int_eq(rd_kafka_flush(f->producer, 60000), RD_KAFKA_RESP_ERR_NO_ERROR);
    add_partition(&f->batch, f->consumer, 1, of_first);
    add_partition(&f->batch, f->consumer, 2, of_second);
}

static void close_fixture(fixture *f) {
    rl_batch_free(&f->batch);
    rd_kafka_consumer_close(f->consumer);
    rd_kafka_destroy(f->consumer);
    rd_kafka_destroy(f->producer);
}

START_TEST(what_a_leaving_record_superseded_elsewhere_is_written_unless_that_one_was) {
    fixture f;
    open_fixture(&f, 2, 2);
    for (size_t i = 0; i < 2; i++) {
        describe(&f.batch.records[i], i ? "written" : "unwritten", 2);
        describe(&f.batch.records[2 + i], i ? "written" : "unwritten", 1);
    }
    ck_assert(rl_batch_coalesce(&f.batch, NULL));
    ck_assert_uint_eq(rl_batch_superseded(&f.batch), 2);
    f.batch.records[1].fate = RL_FATE_SETTLED;
    ck_assert_uint_eq(rl_batch_drop_partition(&f.batch, 1), 2);
    ck_assert_uint_eq(f.batch.count, 2);
    ck_assert_int_eq(f.batch.records[0].fate, RL_FATE_TO_WRITE);
    ck_assert_int_eq(f.batch.records[1].fate, RL_FATE_SUPERSEDED);
    close_fixture(&f);
}
END_TEST

START_TEST(a_partition_that_leaves_takes_its_settled_records_along) {
    fixture f;
    open_fixture(&f, 2, 2);
    /* The later one of partition 1 is settled, the earlier one is not: were the later one kept and the partition to
     * come back, its position would move past both. */
    f.batch.records[1].fate = RL_FATE_SETTLED;
    f.batch.records[3].fate = RL_FATE_SETTLED;
    ck_assert_uint_eq(rl_batch_drop_partition(&f.batch, 1), 2);
    ck_assert_uint_eq(f.batch.count, 2);
    ck_assert_uint_eq(f.batch.bytes, 20);
    for (size_t i = 0; i < f.batch.count; i++) {
        ck_assert_int_eq(f.batch.records[i].message->partition, 2);
        ck_assert_int_eq(f.batch.records[i].message->offset, (int64_t)i);
    }
    ck_assert_int_eq(f.batch.records[1].fate, RL_FATE_SETTLED);
    ck_assert_uint_eq(rl_batch_drop_partition(&f.batch, 1), 0);
    close_fixture(&f);
}
END_TEST

/* ---- reporting ----------------------------------------------------------------------------------------- */

/* How far each partition may be committed. */
static void note_report(void *context, const rl_sink_record *record, int64_t through) {
    int64_t *reached = context;
    const int32_t partition = record->message->partition;
    reached[partition] = through > reached[partition] ? through : reached[partition];
}

static void assert_reached(rl_batch *batch, int64_t first, int64_t second, size_t left) {
    int64_t reached[3] = {-1, -1, -1};
    rl_batch_report_done(batch, note_report, reached);
    ck_assert_int_eq(reached[1], first);
    ck_assert_int_eq(reached[2], second);
    ck_assert_uint_eq(batch->count, left);
    ck_assert_uint_eq(batch->bytes, left * 10);
}

static void set_fates(rl_batch *batch, rl_record_fate fate) {
    for (size_t i = 0; i < batch->count; i++) {
        batch->records[i].fate = fate;
    }
}

START_TEST(a_batch_that_is_dealt_with_is_reported_to_its_end) {
    fixture f;
    open_fixture(&f, 3, 2);
    set_fates(&f.batch, RL_FATE_SETTLED);
    f.batch.records[1].fate = RL_FATE_SUPERSEDED;
    f.batch.records[2].fate = RL_FATE_EXPIRED;
    f.batch.records[4].fate = RL_FATE_UNEXECUTED;
    assert_reached(&f.batch, 2, 1, 0);
    close_fixture(&f);
}
END_TEST

START_TEST(behind_a_decision_being_carried_out_its_partition_is_not_committed_and_others_are) {
    fixture f;
    open_fixture(&f, 5, 2);
    set_fates(&f.batch, RL_FATE_SETTLED);
    f.batch.records[1].fate = RL_FATE_WRITTEN;
    assert_reached(&f.batch, 0, 1, 1);
    ck_assert_int_eq(f.batch.records[0].message->offset, 1);
    assert_reached(&f.batch, -1, -1, 1); /* nothing has come, nothing is done */
    f.batch.records[0].fate = RL_FATE_SETTLED;
    assert_reached(&f.batch, 4, -1, 0); /* what followed it counts now */
    close_fixture(&f);
}
END_TEST

START_TEST(of_two_decisions_the_later_one_holds_back_only_what_follows_it) {
    fixture f;
    open_fixture(&f, 6, 1);
    set_fates(&f.batch, RL_FATE_SETTLED);
    f.batch.records[1].fate = f.batch.records[3].fate = RL_FATE_WRITTEN;
    assert_reached(&f.batch, 0, 0, 2);
    f.batch.records[0].fate = RL_FATE_SETTLED;
    assert_reached(&f.batch, 2, -1, 1);
    f.batch.records[0].fate = RL_FATE_SETTLED;
    assert_reached(&f.batch, 5, -1, 0);
    close_fixture(&f);
}
END_TEST

START_TEST(a_decision_that_is_done_before_an_earlier_one_hands_on_what_follows_it) {
    fixture f;
    open_fixture(&f, 6, 1);
    set_fates(&f.batch, RL_FATE_SETTLED);
    f.batch.records[1].fate = f.batch.records[3].fate = RL_FATE_WRITTEN;
    assert_reached(&f.batch, 0, 0, 2);
    f.batch.records[1].fate = RL_FATE_SETTLED;
    assert_reached(&f.batch, -1, -1, 1);
    f.batch.records[0].fate = RL_FATE_SETTLED;
    assert_reached(&f.batch, 5, -1, 0);
    close_fixture(&f);
}
END_TEST

RL_SUITE("sink/batch_partitions", a_partition_that_leaves_takes_its_settled_records_along,
         what_a_leaving_record_superseded_elsewhere_is_written_unless_that_one_was,
         a_batch_that_is_dealt_with_is_reported_to_its_end,
         behind_a_decision_being_carried_out_its_partition_is_not_committed_and_others_are,
         of_two_decisions_the_later_one_holds_back_only_what_follows_it,
         a_decision_that_is_done_before_an_earlier_one_hands_on_what_follows_it)
