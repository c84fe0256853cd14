#include "neighbours.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/store/mongo.h"
#include "lib/store/result_document.h"
#include "lib/stream/message.h"
#include "lib/stream/producer.h"
#include "lib/stream/topics.h"
#include "tests/support/kafka.h"

static rl_stream_config stream(void) {
    return (rl_stream_config){neighbour("RUNLOG_TEST_KAFKA_BROKERS"), "api-test", NULL, NULL};
}

static void must(bool ok, const rl_error *err) {
    ck_assert_msg(ok, "%s", err->message);
}

void topics_ready(void) {
    rl_error err = RL_ERROR_INIT;
    const rl_stream_config config = stream();
    const rl_topics_options options = {.partitions = 12, .replication = 1, .results_retention_us = -1};
    size_t created;
    must(rl_topics_create(&config, &options, PATIENCE_US, &created, &err), &err);
}

/* --- the runners --- */

#define PARTITIONS 12

static rd_kafka_t *client_of_runners(void) {
    /* With the cooperative assignor librdkafka 2.8 may close without telling the group. */
    static const char *const settings[][2] = {{"group.id", RL_GROUP_RUNNERS},
                                              {"enable.auto.commit", "false"},
                                              {"partition.assignment.strategy", "range"},
                                              {"session.timeout.ms", "6000"}};
    rl_error err = RL_ERROR_INIT;
    char reason[128];
    const rl_stream_config config = stream();
    rd_kafka_conf_t *conf = rl_stream_conf(&config, &err);
    must(conf != NULL, &err);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        must(rl_stream_set(conf, settings[i][0], settings[i][1], &err), &err);
    }
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason));
    ck_assert_msg(client != NULL, "%s", reason);
    rd_kafka_poll_set_consumer(client);
    return client;
}

void add_submissions(int32_t partition, int count) {
    rl_error err = RL_ERROR_INIT;
    const rl_stream_config config = stream();
    RL_AUTO_PRODUCER rl_producer *producer = rl_producer_new(&config, PATIENCE_US, &err);
    must(producer != NULL, &err);
    const rl_record record = {.topic = RL_TOPIC_SUBMISSIONS,
                              .partition = partition,
                              .key = rl_bytes_of("api-test"),
                              .value = rl_bytes_of("a backlog")};
    for (int i = 0; i < count; i++) {
        must(rl_producer_send(producer, &record, NULL, NULL, &err), &err);
    }
    ck_assert(rl_producer_flush(producer, PATIENCE_US));
}

int64_t controls_written(void) {
    rd_kafka_t *client = client_of_runners();
    int64_t sum = 0;
    for (int32_t i = 0; i < 3; i++) {
        int64_t low;
        int64_t high;
        rl_test_offsets(client, RL_TOPIC_CONTROLS, i, &low, &high);
        sum += high;
    }
    leave_runners(client);
    return sum;
}

static void commit_but(const char *topic, int32_t partition, int64_t left) {
    rd_kafka_t *client = client_of_runners();
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        int64_t low;
        int64_t high;
        rl_test_offsets(client, topic, i, &low, &high);
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = i == partition ? high - left : high;
    }
    ck_assert_int_eq(rd_kafka_commit(client, list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    leave_runners(client);
}

void commit_submissions_but(int32_t partition, int64_t left) {
    commit_but(RL_TOPIC_SUBMISSIONS, partition, left);
}

void commit_batch(void) {
    commit_but(RL_TOPIC_SUBMISSIONS_BATCH, 0, 0);
}

rd_kafka_t *join_runners(void) {
    rd_kafka_t *member = client_of_runners();
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, RL_TOPIC_SUBMISSIONS_REPLAY, RD_KAFKA_PARTITION_UA);
    ck_assert_int_eq(rd_kafka_subscribe(member, topics), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(topics);
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    int count = 0;
    while (count == 0) {
        ck_assert_msg(rl_clock_us() < deadline_us, "never a member of " RL_GROUP_RUNNERS);
        rd_kafka_message_t *message = rd_kafka_consumer_poll(member, 100);
        if (message) {
            rd_kafka_message_destroy(message);
        }
        rd_kafka_topic_partition_list_t *given = NULL;
        ck_assert_int_eq(rd_kafka_assignment(member, &given), RD_KAFKA_RESP_ERR_NO_ERROR);
        count = given->cnt;
        rd_kafka_topic_partition_list_destroy(given);
    }
    return member;
}

void leave_runners(rd_kafka_t *member) {
    rd_kafka_consumer_close(member);
    rd_kafka_destroy(member);
}

/* --- reading submissions --- */

static rd_kafka_t *consumer_at(const char *topic, int32_t partition, int64_t offset) {
    rl_error err = RL_ERROR_INIT;
    const rl_stream_config config = stream();
    rd_kafka_conf_t *conf = rl_stream_conf(&config, &err);
    must(conf && rl_stream_set(conf, "group.id", "api-test", &err) &&
             rl_stream_set(conf, "enable.auto.commit", "false", &err) &&
             rl_stream_set(conf, "auto.offset.reset", "earliest", &err),
         &err);
    char reason[128];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason));
    ck_assert_msg(client != NULL, "%s", reason);
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    ck_assert_int_eq(rd_kafka_assign(client, list), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    return client;
}

/* The newest records are near the end: a thousand back is far enough for what a test has just sent. */
static int64_t near_end(const char *topic, int32_t partition) {
    rl_error err = RL_ERROR_INIT;
    const rl_stream_config config = stream();
    rd_kafka_conf_t *conf = rl_stream_conf(&config, &err);
    must(conf != NULL, &err);
    char reason[128];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    ck_assert_msg(client != NULL, "%s", reason);
    int64_t low;
    int64_t high;
    rl_test_offsets(client, topic, partition, &low, &high);
    rd_kafka_destroy(client);
    return high - 1000 > low ? high - 1000 : low;
}

static rl_id_parts parts_of(const char *secret, const char *id) {
    rl_error err = RL_ERROR_INIT;
    rl_id_parts parts;
    rl_id_keys *keys = rl_id_keys_load(secret, &err);
    must(keys != NULL, &err);
    ck_assert_msg(rl_id_verify(keys, id, &parts), "%s is no id", id);
    rl_id_keys_free(keys);
    return parts;
}

void read_submission(const char *secret, const char *id, rl_arena *arena, rl_submission *ret,
                     char ret_trace[64]) {
    rl_error err = RL_ERROR_INIT;
    rl_codec *codec = rl_codec_new(&err);
    must(codec != NULL, &err);
    const rl_id_parts parts = parts_of(secret, id);
    const int32_t partition = parts.partition;
    const char *topic = parts.lane == RL_LANE_BATCH ? RL_TOPIC_SUBMISSIONS_BATCH : RL_TOPIC_SUBMISSIONS;
    rd_kafka_t *client = consumer_at(topic, partition, near_end(topic, partition));
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    bool found = false;
    while (!found) {
        ck_assert_msg(rl_clock_us() < deadline_us, "no record of %s in partition %d", id, partition);
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 500);
        if (message && !message->err && rl_bytes_equal(rl_message_key(message), rl_bytes_of(id))) {
            rl_bytes trace = rl_bytes_of("");
            found = true;
            (void)rl_message_header(message, RL_HEADER_TRACEPARENT, &trace);
            (void)snprintf(ret_trace, 64, "%.*s", (int)trace.size,
                           trace.size ? (const char *)trace.data : "");
            must(rl_submission_decode(codec, rl_message_value(message), arena, ret, &err), &err);
        }
        if (message) {
            rd_kafka_message_destroy(message);
        }
    }
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    rl_codec_free(codec);
}

/* --- results --- */

rl_finished make_finished(const char *id, int64_t generation, const char *output) {
    static rl_submission submission;
    submission = (rl_submission){.id = id,
                                 .tenant = "",
                                 .lang = "python",
                                 .source = rl_bytes_of("print(1)"),
                                 .input = rl_bytes_of("in"),
                                 .entry_point = "",
                                 .limits = {.run = {.cpu_us = 5000000}},
                                 .created_us = rl_wall_clock_us(),
                                 .deadline_us = rl_wall_clock_us() + RL_US_PER_S};
    return (rl_finished){.id = id,
                         .generation = generation,
                         .attempt = 1,
                         .runner = "api-test",
                         .verdict = RL_VERDICT_OK,
                         .message = "",
                         .has_exit_code = true,
                         .out = {rl_bytes_of(output), false},
                         .submission = &submission,
                         .image_digest = "",
                         .queued_us = rl_wall_clock_us(),
                         .started_us = rl_wall_clock_us(),
                         .finished_us = rl_wall_clock_us()};
}

static void on_delivered(void *context, int32_t partition, int64_t offset, const rl_error *err) {
    log_position *position = context;
    position->partition = err ? -2 : partition;
    position->offset = offset;
}

log_position publish_result_copies(rl_bytes key, rl_bytes value, size_t copies) {
    rl_error err = RL_ERROR_INIT;
    const rl_stream_config config = stream();
    log_position position = {-1, -1};
    rl_producer *producer = rl_producer_new(&config, PATIENCE_US, &err);
    must(producer != NULL, &err);
    const rl_record record = {
        .topic = RL_TOPIC_RESULTS, .partition = RD_KAFKA_PARTITION_UA, .key = key, .value = value};
    for (size_t i = 0; i < copies; i++) {
        must(rl_producer_send(producer, &record, on_delivered, &position, &err), &err);
    }
    ck_assert(rl_producer_flush(producer, PATIENCE_US));
    rl_producer_free(producer);
    ck_assert_int_ge(position.partition, 0);
    return position;
}

log_position publish_result_bytes(rl_bytes key, rl_bytes value) {
    return publish_result_copies(key, value, 1);
}

log_position publish_finished(const rl_finished *finished) {
    rl_error err = RL_ERROR_INIT;
    rl_codec *codec = rl_codec_new(&err);
    must(codec != NULL, &err);
    rl_buffer record;
    rl_buffer_init(&record, SIZE_MAX / 4);
    must(rl_finished_encode(codec, finished, &record, &err), &err);
    const log_position position = publish_result_bytes(rl_bytes_of(finished->id), rl_buffer_bytes(&record));
    rl_buffer_free(&record);
    rl_codec_free(codec);
    return position;
}

log_position publish_deleted(const char *id) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_CODEC rl_codec *codec = rl_codec_new(&err);
    must(codec != NULL, &err);
    RL_AUTO_BUFFER rl_buffer record;
    rl_buffer_init(&record, RL_DELETED_MAX_BYTES);
    const rl_deleted deleted = {.id = id, .deleted_us = rl_wall_clock_us()};
    must(rl_deleted_encode(codec, &deleted, &record, &err), &err);
    return publish_result_bytes(rl_bytes_of(id), rl_buffer_bytes(&record));
}

log_position publish_decision(rl_record_kind kind, const char *replay, int64_t generation) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_CODEC rl_codec *codec = rl_codec_new(&err);
    must(codec != NULL, &err);
    RL_AUTO_BUFFER rl_buffer record;
    rl_buffer_init(&record, RL_REPLAY_MAX_BYTES);
    const rl_replay_decision decision = {replay, generation, rl_wall_clock_us()};
    must(rl_replay_decision_encode(codec, kind, &decision, &record, &err), &err);
    return publish_result_bytes(rl_bytes_of(replay), rl_buffer_bytes(&record));
}

/* --- the sink's part --- */

static void store(const bson_t *document, const char *id) {
    rl_error err = RL_ERROR_INIT;
    const rl_mongo_config config = {.uri = neighbour("RUNLOG_TEST_MONGO_URI"),
                                    .select_timeout_us = PATIENCE_US};
    rl_mongo *mongo = rl_mongo_new(&config, &err);
    must(mongo != NULL, &err);
    mongoc_client_t *client = rl_mongo_take(mongo);
    mongoc_collection_t *collection =
        mongoc_client_get_collection(client, rl_mongo_database(mongo), RL_STORE_COLLECTION);
    bson_t filter = BSON_INITIALIZER;
    bson_t options = BSON_INITIALIZER;
    bson_error_t cause;
    bson_append_utf8(&filter, "_id", -1, id, -1);
    bson_append_bool(&options, "upsert", -1, true);
    ck_assert_msg(mongoc_collection_replace_one(collection, &filter, document, &options, NULL, &cause), "%s",
                  cause.message);
    bson_destroy(&filter);
    bson_destroy(&options);
    mongoc_collection_destroy(collection);
    rl_mongo_give_back(mongo, client);
    rl_mongo_free(mongo);
}

void store_finished(const rl_finished *finished) {
    rl_error err = RL_ERROR_INIT;
    bson_t document = BSON_INITIALIZER;
    must(rl_result_document_write(finished, rl_wall_clock_us() + 3600 * RL_US_PER_S, &document, &err), &err);
    store(&document, finished->id);
    bson_destroy(&document);
}

void store_deleted(const char *id) {
    rl_error err = RL_ERROR_INIT;
    bson_t document = BSON_INITIALIZER;
    must(rl_result_document_write_deleted(id, rl_wall_clock_us() + 3600 * RL_US_PER_S, &document, &err),
         &err);
    store(&document, id);
    bson_destroy(&document);
}

void commit_results(void) {
    rl_error err = RL_ERROR_INIT;
    const rl_stream_config config = stream();
    rd_kafka_conf_t *conf = rl_stream_conf(&config, &err);
    must(conf && rl_stream_set(conf, "group.id", RL_GROUP_SINK, &err), &err);
    char reason[128];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason));
    ck_assert_msg(client != NULL, "%s", reason);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(12);
    for (int32_t i = 0; i < 12; i++) {
        int64_t low;
        int64_t high;
        rl_test_offsets(client, RL_TOPIC_RESULTS, i, &low, &high);
        rd_kafka_topic_partition_list_add(list, RL_TOPIC_RESULTS, i)->offset = high;
    }
    ck_assert_int_eq(rd_kafka_commit(client, list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
}

void issue_id(const char *secret, int64_t age_us, char ret_id[RL_ID_SIZE]) {
    rl_error err = RL_ERROR_INIT;
    rl_id_keys *keys = rl_id_keys_load(secret, &err);
    must(keys != NULL, &err);
    const rl_id_parts parts = {.created_ms = (rl_wall_clock_us() - age_us) / RL_US_PER_MS,
                               .partition = 3,
                               .tenant_tag = rl_id_tenant_tag("")};
    must(rl_id_issue(keys, &parts, ret_id, &err), &err);
    rl_id_keys_free(keys);
}
