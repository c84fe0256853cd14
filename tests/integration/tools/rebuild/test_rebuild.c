/* A database made from the log again, beside the one that a sink has filled from it. */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/store/replay_document.h"
#include "tests/integration/services/result-sink/world.h"
#include "tests/support/suite.h"
#include "tools/rebuild/report.h"

/* An empty database beside the world's. */
static rl_mongo *open_target(const world *w) {
    char uri[1100];
    const char *options = strchr(w->uri, '?');
    const int base = options ? (int)(options - w->uri) : (int)strlen(w->uri);
    snprintf(uri, sizeof uri, "%.*s_again%s", base, w->uri, options ? options : "");
    const rl_mongo_config config = {.uri = uri, .select_timeout_us = 5 * RL_US_PER_S};
    rl_error err = RL_ERROR_INIT;
    rl_mongo *mongo = rl_mongo_new(&config, &err);
    ck_assert_msg(mongo != NULL, "%s", err.message);
    return mongo;
}

static void close_target(rl_mongo *mongo) {
    mongoc_client_t *client = rl_mongo_take(mongo);
    mongoc_database_t *database = mongoc_client_get_database(client, rl_mongo_database(mongo));
    ck_assert(mongoc_database_drop(database, NULL));
    mongoc_database_destroy(database);
    rl_mongo_give_back(mongo, client);
    rl_mongo_free(mongo);
}

static rl_fill_outcome fill(world *w, rl_mongo *into) {
    const rl_fill_config config = {.stream = {.brokers = w->brokers, .client_id = "rebuild-test"},
                                   .topic = w->topic,
                                   .schemas_topic = w->schemas_topic,
                                   .mongo = into,
                                   .codec = w->codec,
                                   .retention_us = RETENTION_US};
    rl_fill_outcome outcome;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_fill(&config, &outcome, &err), "%s", err.message);
    ck_assert_int_eq(outcome.records, outcome.total);
    return outcome;
}

static rl_database_diff compare(world *w, rl_mongo *rebuilt, const char *collection, int64_t since_us,
                                int64_t begins_us) {
    const rl_compare_options options = {
        .since_us = since_us, .begins_us = begins_us, .retention_us = RETENTION_US};
    rl_database_diff diff;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_compare(w->mongo, rebuilt, collection, &options, &diff, &err), "%s", err.message);
    return diff;
}

/* Has a sink read all that is on the log. */
static void store(world *w) {
    sink_runner *s = sink_start(w, NULL, 7);
    await_committed(w);
    sink_stop(s);
}

START_TEST(a_rebuilt_database_is_equal_to_the_one_that_there_was) {
    static const char *const names[] = {RL_STORE_COLLECTION, RL_STORE_HELD, RL_STORE_REPLAYS};
    static const int64_t counts[] = {40, 32, 2};
    world w;
    world_open(&w);
    put_a_bit_of_everything(&w);
    put_many(&w, "other", 700, 0); /* more than a batch */
    store(&w);
    rl_mongo *again = open_target(&w);
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_fill_check_empty(again, &err), "%s", err.message);
    const rl_fill_outcome outcome = fill(&w, again);
    ck_assert_int_eq(outcome.begins_us, 0);
    for (size_t i = 0; i < 3; i++) {
        const rl_database_diff diff = compare(&w, again, names[i], rl_wall_clock_us(), 0);
        ck_assert_msg(rl_database_diff_is_equal(&diff), "%s: %s %s", names[i], diff.first[0].id,
                      diff.first[0].what);
        ck_assert_int_eq(diff.existing, counts[i] + (i == 0 ? 700 : 0));
        ck_assert_int_eq(diff.rebuilt, diff.existing);
        ck_assert_str_eq(diff.existing_sha256, diff.rebuilt_sha256);
        ck_assert_int_eq(diff.since, 0);
    }
    ck_assert(!rl_fill_check_empty(again, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
    close_target(again);
    world_close(&w);
}
END_TEST

static void change(world *w, const char *id, bool remove) {
    mongoc_client_t *client = rl_mongo_take(w->mongo);
    mongoc_collection_t *collection =
        mongoc_client_get_collection(client, rl_mongo_database(w->mongo), RL_STORE_COLLECTION);
    bson_t *filter = BCON_NEW("_id", BCON_UTF8(id));
    bson_t *update = BCON_NEW("$set", "{", "verdict", BCON_UTF8("OK"), "}");
    bson_error_t cause;
    bool ok = remove ? mongoc_collection_delete_one(collection, filter, NULL, NULL, &cause)
                     : mongoc_collection_update_one(collection, filter, update, NULL, NULL, &cause);
    ck_assert_msg(ok, "%s", cause.message);
    bson_destroy(update);
    bson_destroy(filter);
    mongoc_collection_destroy(collection);
    rl_mongo_give_back(w->mongo, client);
}

static void put_stray(world *w, const char *id, int64_t finished_us) {
    rl_sample sample;
    bson_t document = BSON_INITIALIZER;
    ck_assert(rl_result_document_write(rl_sample_finished_at(&sample, id, 0, finished_us),
                                       rl_wall_clock_us() + RETENTION_US, &document, NULL));
    put_document(w, &document);
    bson_destroy(&document);
}

START_TEST(every_kind_of_difference_is_found_and_named) {
    world w;
    world_open(&w);
    put_many(&w, "r", 20, 0);
    store(&w);
    const int64_t now_us = rl_wall_clock_us();
    change(&w, "r-3", false);
    change(&w, "r-7", true);
    put_stray(&w, "a-stray", now_us - RL_US_PER_S);
    rl_mongo *again = open_target(&w);
    (void)fill(&w, again);
    rl_database_diff diff = compare(&w, again, RL_STORE_COLLECTION, rl_wall_clock_us(), 0);
    ck_assert(!rl_database_diff_is_equal(&diff));
    ck_assert_int_eq(diff.existing, 20);
    ck_assert_int_eq(diff.rebuilt, 20);
    ck_assert_str_ne(diff.existing_sha256, diff.rebuilt_sha256);
    ck_assert_int_eq(diff.missing, 1);
    ck_assert_int_eq(diff.different, 1);
    ck_assert_int_eq(diff.unexpected, 1);
    ck_assert_uint_eq(diff.first_count, 3);
    ck_assert_str_eq(diff.first[0].id, "a-stray");
    ck_assert_str_eq(diff.first[0].what, "missing");
    ck_assert_str_eq(diff.first[1].id, "r-3");
    ck_assert_str_eq(diff.first[1].what, "different");
    ck_assert_str_eq(diff.first[2].id, "r-7");
    ck_assert_str_eq(diff.first[2].what, "not expected");
    /* All of it happened since: the stack went on. */
    diff = compare(&w, again, RL_STORE_COLLECTION, 0, 0);
    ck_assert(rl_database_diff_is_equal(&diff));
    ck_assert_int_eq(diff.since, 3);
    close_target(again);
    world_close(&w);
}
END_TEST

/* Lets the topic forget its first records, as retention does. */
static void forget_records_before(world *w, int32_t partition, int64_t offset) {
    char reason[200];
    const rl_stream_config config = {.brokers = w->brokers, .client_id = "rebuild-test"};
    rd_kafka_t *client =
        rd_kafka_new(RD_KAFKA_PRODUCER, rl_stream_conf(&config, NULL), reason, sizeof reason);
    ck_assert_msg(client != NULL, "%s", reason);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, w->topic, partition)->offset = offset;
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(list);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DeleteRecords(client, &request, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 30000);
    ck_assert_msg(event && !rd_kafka_event_error(event), "records are not deleted");
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
}

START_TEST(what_is_older_than_the_log_is_said_to_be) {
    world w;
    rl_sample sample;
    world_open(&w);
    const int64_t hour_us = INT64_C(3600) * RL_US_PER_S;
    put(&w, rl_sample_finished_at(&sample, "old", 0, rl_wall_clock_us() - hour_us));
    store(&w);
    put_many(&w, "young", 60, 0);
    store(&w);
    /* The first record of whichever partition has it; of the others, a young one that is written again. */
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        forget_records_before(&w, partition, 1);
    }
    rl_mongo *again = open_target(&w);
    const rl_fill_outcome outcome = fill(&w, again);
    ck_assert_int_gt(outcome.begins_us, rl_wall_clock_us() - hour_us);
    const rl_database_diff diff =
        compare(&w, again, RL_STORE_COLLECTION, rl_wall_clock_us(), outcome.begins_us);
    ck_assert(!rl_database_diff_is_equal(&diff));
    ck_assert_int_eq(diff.older + diff.missing, 3);
    ck_assert_str_eq(diff.first[0].id, "old");
    ck_assert_str_eq(diff.first[0].what, "older than the log");
    ck_assert_int_eq(diff.unexpected + diff.different, 0);
    close_target(again);
    world_close(&w);
}
END_TEST

START_TEST(what_cannot_be_read_is_counted_and_the_rest_is_there) {
    world w;
    world_open(&w);
    put_many(&w, "r", 5, 0);
    put_bytes(&w, w.topic, "garbage", rl_bytes_of("no Avro at all"));
    put_many(&w, "t", 5, 0);
    store(&w);
    rl_mongo *again = open_target(&w);
    const rl_fill_outcome outcome = fill(&w, again);
    ck_assert_int_eq(outcome.set_aside, 1);
    ck_assert_str_ne(outcome.first_why, "");
    const rl_database_diff diff = compare(&w, again, RL_STORE_COLLECTION, rl_wall_clock_us(), 0);
    ck_assert(rl_database_diff_is_equal(&diff));
    ck_assert_int_eq(diff.rebuilt, 10);
    close_target(again);
    world_close(&w);
}
END_TEST

RL_SUITE("rebuild", a_rebuilt_database_is_equal_to_the_one_that_there_was,
         every_kind_of_difference_is_found_and_named, what_is_older_than_the_log_is_said_to_be,
         what_cannot_be_read_is_counted_and_the_rest_is_there)
