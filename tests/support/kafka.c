/* kafka.c: see kafka.h. */
#include "tests/support/kafka.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/clock.h"

#define ANSWER_MS 10000

rl_stream_config rl_test_stream(void) {
    const char *brokers = getenv("RUNLOG_TEST_KAFKA_BROKERS");
    ck_assert_msg(brokers != NULL, "RUNLOG_TEST_KAFKA_BROKERS must name a broker");
    return (rl_stream_config){.brokers = brokers, .client_id = "test", .properties = NULL};
}

void rl_test_name(char out[RL_TEST_NAME_SIZE], const char *what) {
    uint64_t random = 0;
    ck_assert_int_eq(getrandom(&random, sizeof random, 0), sizeof random);
    (void)snprintf(out, RL_TEST_NAME_SIZE, "test-%016" PRIx64 "-%s", random, what);
}

static rd_kafka_t *open_client(rd_kafka_type_t type, const char *group) {
    const rl_stream_config stream = rl_test_stream();
    rl_error err = RL_ERROR_INIT;
    rd_kafka_conf_t *conf = rl_stream_conf(&stream, &err);
    ck_assert_msg(conf != NULL, "%s", err.message);
    if (group) {
        ck_assert(rl_stream_set(conf, "group.id", group, &err));
        ck_assert(rl_stream_set(conf, "fetch.wait.max.ms", "50", &err));
    }
    char reason[200];
    rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof reason);
    ck_assert_msg(client != NULL, "%s", reason);
    return client;
}

void rl_test_create_topic(const char *name, int partitions) {
    rd_kafka_t *client = open_client(RD_KAFKA_PRODUCER, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    char reason[200];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, 1, reason, sizeof reason);
    ck_assert_msg(topic != NULL, "%s", reason);
    (void)rd_kafka_NewTopic_set_config(topic, "max.message.bytes", "10485760");
    rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 3 * ANSWER_MS);
    ck_assert_msg(event && !rd_kafka_event_error(event), "the broker does not answer");
    size_t count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    ck_assert_msg(rd_kafka_topic_result_error(results[0]) == RD_KAFKA_RESP_ERR_NO_ERROR, "topic %s: %s", name,
                  rd_kafka_topic_result_error_string(results[0]));
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
}

void rl_test_delete_records(const char *topic, int32_t partition, int64_t offset) {
    rd_kafka_t *client = open_client(RD_KAFKA_PRODUCER, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_topic_partition_list_t *before = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(before, topic, partition)->offset = offset;
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(before);
    rd_kafka_DeleteRecords(client, &request, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 3 * ANSWER_MS);
    ck_assert_msg(event && !rd_kafka_event_error(event), "the broker does not answer");
    const rd_kafka_topic_partition_list_t *results =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
    ck_assert_int_eq(results->elems[0].err, RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_event_destroy(event);
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_topic_partition_list_destroy(before);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
}

static int partitions_of(rd_kafka_t *client, const char *topic) {
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    ck_assert_int_eq(rd_kafka_metadata(client, 0, handle, &metadata, ANSWER_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    int count = metadata->topics[0].partition_cnt;
    ck_assert_msg(count > 0, "there is no topic %s", topic);
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    return count;
}

static rd_kafka_t *open_reader(const char *topic) {
    rd_kafka_t *reader = open_client(RD_KAFKA_CONSUMER, "test-reader");
    rd_kafka_poll_set_consumer(reader);
    int partitions = partitions_of(reader, topic);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int32_t i = 0; i < partitions; i++) {
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    ck_assert_int_eq(rd_kafka_assign(reader, list), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    return reader;
}

bool rl_test_read(const char *topic, int64_t timeout_us, rl_test_visit visit, void *context) {
    rd_kafka_t *reader = open_reader(topic);
    int64_t deadline_us = rl_clock_us() + timeout_us;
    bool content = false;
    while (!content && rl_clock_us() < deadline_us) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 50);
        if (message) {
            content = message->err == RD_KAFKA_RESP_ERR_NO_ERROR && visit(context, message);
            rd_kafka_message_destroy(message);
        }
    }
    rd_kafka_consumer_close(reader);
    rd_kafka_destroy(reader);
    return content;
}

void rl_test_commit(const char *group, const char *topic, int32_t partition, int64_t offset,
                    const char *note) {
    rd_kafka_t *client = open_client(RD_KAFKA_CONSUMER, group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *element = rd_kafka_topic_partition_list_add(list, topic, partition);
    element->offset = offset;
    element->metadata = strdup(note); /* freed with the list */
    element->metadata_size = strlen(note);
    ck_assert_int_eq(rd_kafka_commit(client, list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
}

/* A topic that has just been made, or that the client has not heard of yet. */
static bool is_passing(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
}

void rl_test_offsets(rd_kafka_t *client, const char *topic, int32_t partition, int64_t *ret_low,
                     int64_t *ret_high) {
    int64_t deadline_us = rl_clock_us() + 3 * ANSWER_MS * RL_US_PER_MS;
    rd_kafka_resp_err_t code;
    do {
        code = rd_kafka_query_watermark_offsets(client, topic, partition, ret_low, ret_high, ANSWER_MS);
        rd_kafka_poll(client, code ? 50 : 0);
    } while (is_passing(code) && rl_clock_us() < deadline_us);
    ck_assert_msg(code == RD_KAFKA_RESP_ERR_NO_ERROR, "offsets of %s, partition %d: %s", topic,
                  (int)partition, rd_kafka_err2str(code));
}

int64_t rl_test_committed(const char *group, const char *topic, int32_t partition) {
    rd_kafka_t *client = open_client(RD_KAFKA_CONSUMER, group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    ck_assert_int_eq(rd_kafka_committed(client, list, ANSWER_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    int64_t offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
    return offset >= 0 ? offset : -1;
}
