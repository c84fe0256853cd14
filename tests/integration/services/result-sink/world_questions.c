/* world_questions.c: what the group has committed, what MongoDB holds, what was set aside. */
#include <check.h>
#include <stdlib.h>

#include "lib/store/replay_document.h"
#include "tests/integration/services/result-sink/world.h"
#include "tests/support/kafka.h"

#define TIMEOUT_MS 15000

/* ---- the group's offsets ------------------------------------------------------------------------------- */

static rd_kafka_t *new_consumer(world *w, const char *group) {
    const rl_stream_config config = {.brokers = w->brokers, .client_id = "sink-test"};
    rd_kafka_conf_t *conf = rl_stream_conf(&config, NULL);
    ck_assert(rl_stream_set(conf, "group.id", group, NULL));
    ck_assert(rl_stream_set(conf, "enable.auto.commit", "false", NULL));
    char reason[200];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    ck_assert_msg(client != NULL, "%s", reason);
    rd_kafka_poll_set_consumer(client);
    return client;
}

static rd_kafka_topic_partition_list_t *all_partitions(world *w, int64_t offset) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        rd_kafka_topic_partition_list_add(list, w->topic, p)->offset = offset;
    }
    return list;
}

static int64_t sum_committed(rd_kafka_t *client, world *w) {
    rd_kafka_topic_partition_list_t *list = all_partitions(w, RD_KAFKA_OFFSET_INVALID);
    rd_kafka_resp_err_t code = rd_kafka_committed(client, list, TIMEOUT_MS);
    ck_assert_msg(code == RD_KAFKA_RESP_ERR_NO_ERROR, "committed offsets: %s", rd_kafka_err2str(code));
    int64_t sum = 0;
    for (int i = 0; i < list->cnt; i++) {
        sum += list->elems[i].offset > 0 ? list->elems[i].offset : 0;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return sum;
}

static int64_t sum_ends(rd_kafka_t *client, world *w) {
    int64_t sum = 0;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        int64_t low, high;
        rl_test_offsets(client, w->topic, p, &low, &high);
        sum += high;
    }
    return sum;
}

void await_committed(world *w) {
    rd_kafka_t *client = new_consumer(w, w->group);
    int64_t end = sum_ends(client, w), committed = 0;
    AWAIT((committed = sum_committed(client, w)) == end, "the group commits the end of its topic");
    rd_kafka_destroy(client);
}

int64_t committed_total(world *w) {
    rd_kafka_t *client = new_consumer(w, w->group);
    int64_t sum = sum_committed(client, w);
    rd_kafka_destroy(client);
    return sum;
}

void rewind_group(world *w) {
    rd_kafka_t *client = new_consumer(w, w->group);
    rd_kafka_topic_partition_list_t *list = all_partitions(w, 0);
    rd_kafka_resp_err_t code = rd_kafka_commit(client, list, 0);
    ck_assert_msg(code == RD_KAFKA_RESP_ERR_NO_ERROR, "rewind: %s", rd_kafka_err2str(code));
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
}

/* ---- documents ----------------------------------------------------------------------------------------- */

static mongoc_collection_t *open_collection(world *w, mongoc_client_t **ret_client) {
    *ret_client = rl_mongo_take(w->mongo);
    return mongoc_client_get_collection(*ret_client, rl_mongo_database(w->mongo), RL_STORE_COLLECTION);
}

static void close_collection(world *w, mongoc_client_t *client, mongoc_collection_t *collection) {
    mongoc_collection_destroy(collection);
    rl_mongo_give_back(w->mongo, client);
}

bool get_document(world *w, const char *id, bson_t *ret) {
    mongoc_client_t *client;
    mongoc_collection_t *collection = open_collection(w, &client);
    bson_t filter = BSON_INITIALIZER;
    BSON_APPEND_UTF8(&filter, "_id", id);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(collection, &filter, NULL, NULL);
    const bson_t *document;
    bson_error_t cause;
    bool found = mongoc_cursor_next(cursor, &document);
    ck_assert_msg(!mongoc_cursor_error(cursor, &cause), "find: %s", cause.message);
    if (found) {
        bson_copy_to(document, ret);
    }
    mongoc_cursor_destroy(cursor);
    bson_destroy(&filter);
    close_collection(w, client, collection);
    return found;
}

int64_t count_in(world *w, const char *name) {
    mongoc_client_t *client = rl_mongo_take(w->mongo);
    mongoc_collection_t *collection = mongoc_client_get_collection(client, rl_mongo_database(w->mongo), name);
    bson_t filter = BSON_INITIALIZER;
    bson_error_t cause;
    int64_t count = mongoc_collection_count_documents(collection, &filter, NULL, NULL, NULL, &cause);
    ck_assert_msg(count >= 0, "count: %s", cause.message);
    bson_destroy(&filter);
    close_collection(w, client, collection);
    return count;
}

int64_t count_documents(world *w) {
    return count_in(w, RL_STORE_COLLECTION);
}

int64_t generation_of(world *w, const char *id) {
    bson_t document;
    bson_iter_t it;
    if (!get_document(w, id, &document)) {
        return -1;
    }
    int64_t generation = rl_result_document_is_deleted(&document) ? -2 : -3;
    if (bson_iter_init_find(&it, &document, "generation")) {
        generation = bson_iter_as_int64(&it);
    }
    bson_destroy(&document);
    return generation;
}

void put_document(world *w, const bson_t *document) {
    mongoc_client_t *client;
    mongoc_collection_t *collection = open_collection(w, &client);
    bson_error_t cause;
    ck_assert_msg(mongoc_collection_insert_one(collection, document, NULL, NULL, &cause), "%s",
                  cause.message);
    close_collection(w, client, collection);
}

static void dump_collection(world *w, const char *name, rl_buffer *text) {
    mongoc_client_t *client = rl_mongo_take(w->mongo);
    mongoc_collection_t *collection = mongoc_client_get_collection(client, rl_mongo_database(w->mongo), name);
    bson_t filter = BSON_INITIALIZER, opts = BSON_INITIALIZER, sort;
    BSON_APPEND_DOCUMENT_BEGIN(&opts, "sort", &sort);
    BSON_APPEND_INT32(&sort, "_id", 1);
    bson_append_document_end(&opts, &sort);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(collection, &filter, &opts, NULL);
    const bson_t *document;
    while (mongoc_cursor_next(cursor, &document)) {
        char *json = bson_as_canonical_extended_json(document, NULL);
        ck_assert(rl_buffer_append_text(text, name) && rl_buffer_append_text(text, json) &&
                  rl_buffer_append_text(text, "\n"));
        bson_free(json);
    }
    bson_error_t cause;
    ck_assert_msg(!mongoc_cursor_error(cursor, &cause), "find: %s", cause.message);
    mongoc_cursor_destroy(cursor);
    bson_destroy(&filter);
    bson_destroy(&opts);
    close_collection(w, client, collection);
}

char *dump_documents(world *w) {
    rl_buffer text;
    rl_buffer_init(&text, SIZE_MAX / 4);
    dump_collection(w, RL_STORE_COLLECTION, &text);
    dump_collection(w, RL_STORE_HELD, &text);
    dump_collection(w, RL_STORE_REPLAYS, &text);
    return text.data;
}

/* ---- dead letters -------------------------------------------------------------------------------------- */

void read_dead_letters(world *w, size_t count, void (*look)(const rd_kafka_message_t *letter, void *context),
                       void *context) {
    rd_kafka_t *client = new_consumer(w, "reader-of-dead-letters");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, w->dead_topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    ck_assert_int_eq(rd_kafka_assign(client, list), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    int64_t end_us = rl_clock_us() + 60 * RL_US_PER_S;
    for (size_t seen = 0; seen < count;) {
        ck_assert_msg(rl_clock_us() < end_us, "%zu dead letters of %zu after a minute", seen, count);
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 200);
        if (message && !message->err) {
            look(message, context);
            seen++;
        }
        if (message) {
            rd_kafka_message_destroy(message);
        }
    }
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
}
