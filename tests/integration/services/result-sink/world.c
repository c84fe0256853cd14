/* world.c: topics, database, producer; see world_sink.c for the sinks and world_questions.c for the outcome. */
#include "tests/integration/services/result-sink/world.h"

#include <check.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/store/result_document.h"

static const char *required_environment(const char *name) {
    const char *value = getenv(name);
    ck_assert_msg(value && *value, "%s is not set: this test needs the real neighbours", name);
    return value;
}

void breathe(void) {
    const struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};
    nanosleep(&moment, NULL);
}

static rd_kafka_t *new_client(const world *w) {
    const rl_stream_config config = {.brokers = w->brokers, .client_id = "sink-test"};
    rd_kafka_conf_t *conf = rl_stream_conf(&config, NULL);
    char reason[200];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    ck_assert_msg(client != NULL, "%s", reason);
    return client;
}

static void await_admin(rd_kafka_queue_t *queue, const char *what) {
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 30000);
    ck_assert_msg(event != NULL, "%s: no answer", what);
    ck_assert_msg(!rd_kafka_event_error(event), "%s: %s", what, rd_kafka_event_error_string(event));
    rd_kafka_event_destroy(event);
}

static void create_topics(world *w) {
    rd_kafka_t *client = new_client(w);
    char reason[200];
    rd_kafka_NewTopic_t *topics[] = {
        rd_kafka_NewTopic_new(w->topic, PARTITIONS, 1, reason, sizeof reason),
        rd_kafka_NewTopic_new(w->dead_topic, 1, 1, reason, sizeof reason),
        rd_kafka_NewTopic_new(w->schemas_topic, 1, 1, reason, sizeof reason),
    };
    for (size_t i = 0; i < 3; i++) {
        rd_kafka_NewTopic_set_config(topics[i], "max.message.bytes", "10485760");
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_CreateTopics(client, topics, 3, NULL, queue);
    await_admin(queue, "create topics");
    rd_kafka_NewTopic_destroy_array(topics, 3);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
}

static void delete_topics(world *w) {
    rd_kafka_t *client = new_client(w);
    rd_kafka_DeleteTopic_t *topics[] = {rd_kafka_DeleteTopic_new(w->topic),
                                        rd_kafka_DeleteTopic_new(w->dead_topic),
                                        rd_kafka_DeleteTopic_new(w->schemas_topic)};
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DeleteTopics(client, topics, 3, NULL, queue);
    await_admin(queue, "delete topics");
    rd_kafka_DeleteTopic_destroy_array(topics, 3);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
}

/* The database of RUNLOG_TEST_MONGO_URI with this test's suffix: mongodb://hosts/NAME_SUFFIX?options. */
static void name_database(world *w, const char *suffix) {
    const char *uri = required_environment("RUNLOG_TEST_MONGO_URI");
    const char *scheme = strstr(uri, "://");
    ck_assert_msg(scheme != NULL, "RUNLOG_TEST_MONGO_URI: %s", uri);
    const char *path = strchr(scheme + 3, '/');
    const char *options = strchr(uri, '?');
    size_t base = options ? (size_t)(options - uri) : strlen(uri);
    const char *name = path && path + 1 < uri + base ? "" : path ? "runlog_test" : "/runlog_test";
    snprintf(w->uri, sizeof w->uri, "%.*s%s_%s%s", (int)base, uri, name, suffix, options ? options : "");
}

static void print_server(world *w) {
    char version[128];
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_mongo_server_version(w->mongo, version, sizeof version, &err), "%s", err.message);
    printf("MongoDB server: %s at %s; Kafka: %s\n", version, w->uri, w->brokers);
    fflush(stdout);
}

void world_open(world *w) {
    static int number;
    char suffix[64];
    snprintf(suffix, sizeof suffix, "sink%lld_%d_%d", (long long)(rl_wall_clock_us() / 1000), (int)getpid(),
             number++);
    *w = (world){0};
    snprintf(w->brokers, sizeof w->brokers, "%s", required_environment("RUNLOG_TEST_KAFKA_BROKERS"));
    snprintf(w->topic, sizeof w->topic, "results.%s", suffix);
    snprintf(w->dead_topic, sizeof w->dead_topic, "results.dlq.%s", suffix);
    snprintf(w->schemas_topic, sizeof w->schemas_topic, "schemas.%s", suffix);
    snprintf(w->group, sizeof w->group, "result-sink.%s", suffix);
    name_database(w, suffix);
    create_topics(w);

    rl_error err = RL_ERROR_INIT;
    const rl_stream_config stream = {.brokers = w->brokers, .client_id = "sink-test"};
    const rl_mongo_config mongo = {.uri = w->uri, .app_name = "sink-test", .select_timeout_us = 5000000};
    w->codec = rl_codec_new(&err);
    ck_assert_msg(w->codec != NULL, "%s", err.message);
    w->producer = rl_producer_new(&stream, 30 * RL_US_PER_S, &err);
    ck_assert_msg(w->producer != NULL, "%s", err.message);
    w->mongo = rl_mongo_new(&mongo, &err);
    ck_assert_msg(w->mongo != NULL, "%s", err.message);
    print_server(w);
}

void world_close(world *w) {
    mongoc_client_t *client = rl_mongo_take(w->mongo);
    mongoc_database_t *database = mongoc_client_get_database(client, rl_mongo_database(w->mongo));
    bson_error_t cause;
    ck_assert_msg(mongoc_database_drop(database, &cause), "%s", cause.message);
    mongoc_database_destroy(database);
    rl_mongo_give_back(w->mongo, client);
    delete_topics(w);
    rl_producer_free(w->producer);
    rl_mongo_free(w->mongo);
    rl_codec_free(w->codec);
}

/* ---- producing ----------------------------------------------------------------------------------------- */

void put_bytes(world *w, const char *topic, const char *key, rl_bytes value) {
    const rl_record record = {
        .topic = topic, .partition = RD_KAFKA_PARTITION_UA, .key = rl_bytes_of(key), .value = value};
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_producer_send_wait(w->producer, &record, NULL, &err), "%s", err.message);
}

void put_encoded(world *w, const rl_finished *finished, const char *key) {
    RL_AUTO_BUFFER rl_buffer frame;
    rl_error err = RL_ERROR_INIT;
    rl_buffer_init(&frame, RL_FINISHED_MAX_BYTES);
    ck_assert_msg(rl_finished_encode(w->codec, finished, &frame, &err), "%s", err.message);
    put_bytes(w, w->topic, key, rl_buffer_bytes(&frame));
}

void put(world *w, const rl_finished *finished) {
    put_encoded(w, finished, finished->id);
}

static void note_failure(void *context, int32_t partition, int64_t offset, const rl_error *err) {
    (void)partition;
    (void)offset;
    _Atomic size_t *failures = context;
    *failures += err != NULL;
}

void put_many(world *w, const char *prefix, size_t count, int64_t generation) {
    _Atomic size_t failures = 0;
    for (size_t i = 0; i < count; i++) {
        rl_sample sample;
        char id[64];
        snprintf(id, sizeof id, "%s-%zu", prefix, i);
        RL_AUTO_BUFFER rl_buffer frame;
        rl_buffer_init(&frame, RL_FINISHED_MAX_BYTES);
        ck_assert(rl_finished_encode(w->codec, rl_sample_finished(&sample, id, generation), &frame, NULL));
        const rl_record record = {.topic = w->topic,
                                  .partition = RD_KAFKA_PARTITION_UA,
                                  .key = rl_bytes_of(id),
                                  .value = rl_buffer_bytes(&frame)};
        rl_error err = RL_ERROR_INIT;
        ck_assert_msg(rl_producer_send(w->producer, &record, note_failure, &failures, &err), "%s",
                      err.message);
    }
    ck_assert(rl_producer_flush(w->producer, 60 * RL_US_PER_S));
    ck_assert_uint_eq(failures, 0);
}
