/* The producer against a real broker. */
#include <stdatomic.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/message.h"
#include "lib/stream/producer.h"
#include "lib/stream/schema_topic.h"
#include "lib/stream/topics.h"
#include "tests/support/kafka.h"
#include "tests/support/suite.h"

#define PATIENCE_US (20 * RL_US_PER_S)

static rl_producer *open_producer(int64_t delivery_timeout_us) {
    const rl_stream_config stream = rl_test_stream();
    rl_error err = RL_ERROR_INIT;
    rl_producer *producer = rl_producer_new(&stream, delivery_timeout_us, &err);
    ck_assert_msg(producer != NULL, "%s", err.message);
    return producer;
}

static rl_record record(const char *topic, const char *key, const char *value) {
    return (rl_record){.topic = topic,
                       .partition = RD_KAFKA_PARTITION_UA,
                       .key = rl_bytes_of(key),
                       .value = rl_bytes_of(value)};
}

typedef struct {
    atomic_int delivered;
    atomic_int failed;
} tally;

static void count(void *context, int32_t partition, int64_t offset, const rl_error *err) {
    (void)partition;
    (void)offset;
    tally *t = context;
    atomic_fetch_add(err ? &t->failed : &t->delivered, 1);
}

static bool is_complete(void *context, const rd_kafka_message_t *message) {
    rl_bytes trace = {0};
    return rl_bytes_equal(rl_message_key(message), rl_bytes_of("the key")) &&
           rl_bytes_equal(rl_message_value(message), rl_bytes_of("the value")) &&
           rl_message_header(message, RL_HEADER_TRACEPARENT, &trace) &&
           rl_bytes_equal(trace, rl_bytes_of(context)) &&
           strcmp(rl_message_trace(message).trace, "4bf92f3577b34da6a3ce929d0e0e4736") == 0 &&
           rl_message_age_us(message) < PATIENCE_US;
}

START_TEST(a_record_arrives_with_key_value_and_headers) {
    char topic[RL_TEST_NAME_SIZE];
    rl_test_name(topic, "producer");
    rl_test_create_topic(topic, 3);
    RL_AUTO_PRODUCER rl_producer *producer = open_producer(PATIENCE_US);
    char traceparent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const rl_header header = {RL_HEADER_TRACEPARENT, rl_bytes_of(traceparent)};
    rl_record r = record(topic, "the key", "the value");
    r.headers = &header;
    r.header_count = 1;
    rl_delivery at = {-1, -1};
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_producer_send_wait(producer, &r, &at, &err), "%s", err.message);
    ck_assert_int_eq(at.offset, 0);
    ck_assert_int_ge(at.partition, 0);
    ck_assert(rl_test_read(topic, PATIENCE_US, is_complete, traceparent));
}
END_TEST

START_TEST(priming_tells_the_number_of_partitions) {
    char topic[RL_TEST_NAME_SIZE];
    rl_test_name(topic, "prime");
    rl_test_create_topic(topic, 5);
    RL_AUTO_PRODUCER rl_producer *producer = open_producer(PATIENCE_US);
    int32_t partitions = 0;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_producer_prime(producer, topic, PATIENCE_US, &partitions, &err), "%s", err.message);
    ck_assert_int_eq(partitions, 5);
}
END_TEST

START_TEST(priming_a_topic_that_is_not_there_is_transient) {
    char topic[RL_TEST_NAME_SIZE];
    rl_test_name(topic, "missing");
    RL_AUTO_PRODUCER rl_producer *producer = open_producer(PATIENCE_US);
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_producer_prime(producer, topic, PATIENCE_US, NULL, &err));
    ck_assert_int_eq(err.error_class, RL_TRANSIENT);
    ck_assert_msg(strstr(err.message, topic) != NULL, "%s", err.message);
}
END_TEST

START_TEST(every_record_gets_exactly_one_report) {
    char topic[RL_TEST_NAME_SIZE];
    rl_test_name(topic, "reports");
    rl_test_create_topic(topic, 3);
    RL_AUTO_PRODUCER rl_producer *producer = open_producer(PATIENCE_US);
    tally t = {0};
    for (int i = 0; i < 2000; i++) {
        const rl_record r = record(topic, "k", "v");
        ck_assert(rl_producer_send(producer, &r, count, &t, NULL));
    }
    ck_assert(rl_producer_flush(producer, PATIENCE_US));
    ck_assert_int_eq(atomic_load(&t.delivered), 2000);
    ck_assert_int_eq(atomic_load(&t.failed), 0);
    ck_assert_int_eq(rl_producer_pending(producer), 0);
}
END_TEST

START_TEST(a_record_past_the_bound_is_invalid_and_gets_no_report) {
    char topic[RL_TEST_NAME_SIZE];
    rl_test_name(topic, "large");
    rl_test_create_topic(topic, 1);
    RL_AUTO_PRODUCER rl_producer *producer = open_producer(PATIENCE_US);
    size_t size = 11 * 1024 * 1024;
    RL_AUTO_FREE char *bytes = calloc(1, size);
    rl_record r = record(topic, "k", "");
    r.value = rl_bytes_make(bytes, size);
    tally t = {0};
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_producer_send(producer, &r, count, &t, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
    ck_assert(rl_producer_flush(producer, PATIENCE_US));
    ck_assert_int_eq(atomic_load(&t.delivered) + atomic_load(&t.failed), 0);
}
END_TEST

START_TEST(a_record_of_9_mib_is_delivered) {
    char topic[RL_TEST_NAME_SIZE];
    rl_test_name(topic, "nine");
    rl_test_create_topic(topic, 1);
    RL_AUTO_PRODUCER rl_producer *producer = open_producer(PATIENCE_US);
    size_t size = 9 * 1024 * 1024;
    RL_AUTO_FREE char *bytes = malloc(size);
    ck_assert_ptr_nonnull(bytes);
    uint32_t noise = 1;
    for (size_t i = 0; i < size; i++) { /* nothing that lz4 could make smaller */
        noise = noise * 1664525u + 1013904223u;
        bytes[i] = (char)(noise >> 24);
    }
    rl_record r = record(topic, "k", "");
    r.value = rl_bytes_make(bytes, size);
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_producer_send_wait(producer, &r, NULL, &err), "%s", err.message);
}
END_TEST

START_TEST(freeing_a_producer_without_a_broker_fails_what_is_pending) {
    const rl_stream_config nowhere = {"127.0.0.1:1", "test", NULL, NULL};
    rl_error err = RL_ERROR_INIT;
    rl_producer *producer = rl_producer_new(&nowhere, 0, &err);
    ck_assert_msg(producer != NULL, "%s", err.message);
    tally t = {0};
    const rl_record r = record("any", "k", "v");
    for (int i = 0; i < 10; i++) {
        ck_assert(rl_producer_send(producer, &r, count, &t, NULL));
    }
    ck_assert_int_eq(rl_producer_pending(producer), 10);
    rl_producer_free(producer);
    ck_assert_int_eq(atomic_load(&t.failed), 10);
}
END_TEST

START_TEST(a_record_that_cannot_be_delivered_in_time_fails_as_transient) {
    const rl_stream_config nowhere = {"127.0.0.1:1", "test", NULL, NULL};
    RL_AUTO_PRODUCER rl_producer *producer = rl_producer_new(&nowhere, 300 * RL_US_PER_MS, NULL);
    ck_assert_ptr_nonnull(producer);
    const rl_record r = record("any", "k", "v");
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_producer_send_wait(producer, &r, NULL, &err));
    ck_assert_msg(err.error_class == RL_TRANSIENT, "%s", err.message);
}
END_TEST

/* The same error that a broker raises which has lost the end of a partition; librdkafka offers it for tests. */
static void break_for_good(rl_producer *producer) {
    ck_assert_int_eq(rd_kafka_test_fatal_error(rl_producer_client(producer),
                                               RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "lost tail"),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
}

START_TEST(a_producer_that_failed_for_good_says_so_and_refuses_every_record) {
    char topic[RL_TEST_NAME_SIZE];
    rl_test_name(topic, "fatal");
    rl_test_create_topic(topic, 1);
    RL_AUTO_PRODUCER rl_producer *producer = open_producer(PATIENCE_US);
    const rl_record r = record(topic, "k", "v");
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_producer_send_wait(producer, &r, NULL, &err), "%s", err.message);
    ck_assert(!rl_producer_has_failed(producer, &err));
    ck_assert_int_eq(err.error_class, RL_OK);
    break_for_good(producer);
    ck_assert(rl_producer_has_failed(producer, NULL));
    ck_assert(rl_producer_has_failed(producer, &err));
    ck_assert_int_eq(err.error_class, RL_FATAL);
    ck_assert_int_eq(err.code, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    ck_assert_msg(strstr(err.message, "lost tail") != NULL, "%s", err.message);
    for (int i = 0; i < 2; i++) {
        tally t = {0};
        rl_error refused = RL_ERROR_INIT;
        ck_assert(!rl_producer_send(producer, &r, count, &t, &refused));
        ck_assert_msg(refused.error_class == RL_FATAL, "%s", refused.message);
        ck_assert_int_eq(atomic_load(&t.delivered) + atomic_load(&t.failed), 0);
    }
}
END_TEST

static void keep_error(void *context, int32_t partition, int64_t offset, const rl_error *err) {
    (void)partition;
    (void)offset;
    rl_error *kept = context;
    *kept = err ? *err : (rl_error)RL_ERROR_INIT;
}

START_TEST(what_is_queued_when_a_producer_fails_for_good_is_reported_as_fatal) {
    const rl_stream_config nowhere = {"127.0.0.1:1", "test", NULL, NULL};
    rl_producer *producer = rl_producer_new(&nowhere, 0, NULL);
    ck_assert_ptr_nonnull(producer);
    rl_error seen = RL_ERROR_INIT;
    const rl_record r = record("any", "k", "v");
    ck_assert(rl_producer_send(producer, &r, keep_error, &seen, NULL));
    break_for_good(producer);
    rl_producer_free(producer); /* reports what is left */
    ck_assert_msg(seen.error_class == RL_FATAL, "%s: %s", rl_error_class_name(seen.error_class),
                  seen.message);
}
END_TEST

typedef struct {
    char key[17];
    rl_bytes schema;
} announced;

static bool is_announced(void *context, const rd_kafka_message_t *message) {
    const announced *wanted = context;
    return rl_bytes_equal(rl_message_key(message), rl_bytes_of(wanted->key)) &&
           rl_bytes_equal(rl_message_value(message), wanted->schema);
}

START_TEST(schemas_are_published_under_their_fingerprint) {
    const rl_stream_config stream = rl_test_stream();
    const rl_topics_options options = {.replication = 1};
    size_t created = 0;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_topics_create(&stream, &options, PATIENCE_US, &created, &err), "%s", err.message);
    RL_AUTO_CODEC rl_codec *codec = rl_codec_new(&err);
    ck_assert_msg(codec != NULL, "%s", err.message);
    RL_AUTO_PRODUCER rl_producer *producer = open_producer(PATIENCE_US);
    static const rl_record_kind kinds[] = {RL_RECORD_FINISHED, RL_RECORD_STARTED};
    ck_assert_msg(rl_schema_topic_publish(producer, codec, kinds, 2, &err), "%s", err.message);
    announced wanted;
    uint64_t fingerprint = 0;
    wanted.schema = rl_codec_schema(codec, RL_RECORD_STARTED, &fingerprint);
    (void)snprintf(wanted.key, sizeof wanted.key, "%016llx", (unsigned long long)fingerprint);
    ck_assert(rl_test_read(RL_TOPIC_SCHEMAS, PATIENCE_US, is_announced, &wanted));
}
END_TEST

RL_SUITE("lib/stream/producer", a_record_arrives_with_key_value_and_headers,
         priming_tells_the_number_of_partitions, priming_a_topic_that_is_not_there_is_transient,
         every_record_gets_exactly_one_report, a_record_past_the_bound_is_invalid_and_gets_no_report,
         a_record_of_9_mib_is_delivered, freeing_a_producer_without_a_broker_fails_what_is_pending,
         a_record_that_cannot_be_delivered_in_time_fails_as_transient,
         a_producer_that_failed_for_good_says_so_and_refuses_every_record,
         what_is_queued_when_a_producer_fails_for_good_is_reported_as_fatal,
         schemas_are_published_under_their_fingerprint)
