/* What ends up in MongoDB, for which records. */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/codec/deleted.h"
#include "lib/codec/framing.h"
#include "lib/store/result_document.h"
#include "lib/stream/message.h"
#include "tests/integration/services/result-sink/world.h"
#include "tests/support/suite.h"

START_TEST(a_result_reaches_mongodb_whole) {
    world w;
    rl_sample sample;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 0);
    put(&w, rl_sample_finished(&sample, "one", 0));
    await_committed(&w);
    bson_t document;
    ck_assert(get_document(&w, "one", &document));
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    rl_finished back;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_result_document_read(&document, arena, &back, &err), "%s", err.message);
    RL_AUTO_BUFFER rl_buffer left, right;
    rl_buffer_init(&left, RL_FINISHED_MAX_BYTES);
    rl_buffer_init(&right, RL_FINISHED_MAX_BYTES);
    ck_assert(rl_finished_encode(w.codec, &sample.finished, &left, NULL));
    ck_assert(rl_finished_encode(w.codec, &back, &right, NULL));
    ck_assert(rl_bytes_equal(rl_buffer_bytes(&left), rl_buffer_bytes(&right)));
    bson_destroy(&document);
    sink_stop(s);
    world_close(&w);
}
END_TEST

static void put_saying(world *w, const char *id, int64_t generation, const char *runner) {
    rl_sample sample;
    rl_finished *finished = rl_sample_finished(&sample, id, generation);
    finished->runner = runner;
    put(w, finished);
}

static void assert_runner(world *w, const char *id, const char *runner) {
    bson_t document;
    bson_iter_t it;
    ck_assert_msg(get_document(w, id, &document), "no document %s", id);
    ck_assert(bson_iter_init_find(&it, &document, "runner"));
    ck_assert_str_eq(bson_iter_utf8(&it, NULL), runner);
    bson_destroy(&document);
}

START_TEST(of_one_generation_the_first_wins_and_a_higher_one_replaces) {
    world w;
    world_open(&w);
    /* In one batch: everything is on the topic before the sink starts. */
    put_saying(&w, "batched", 0, "first");
    put_saying(&w, "batched", 0, "second");
    put_saying(&w, "climbing", 1, "low");
    put_saying(&w, "climbing", 7, "high");
    put_saying(&w, "climbing", 7, "high again");
    put_saying(&w, "climbing", 3, "middle");
    sink_runner *s = sink_start(&w, NULL, 0);
    await_committed(&w);
    assert_runner(&w, "batched", "first");
    assert_runner(&w, "climbing", "high");
    /* In batches of their own. */
    put_saying(&w, "batched", 0, "third");
    await_committed(&w);
    assert_runner(&w, "batched", "first");
    put_saying(&w, "climbing", 6, "below");
    await_committed(&w);
    assert_runner(&w, "climbing", "high");
    put_saying(&w, "climbing", 8, "above");
    await_committed(&w);
    assert_runner(&w, "climbing", "above");
    ck_assert_int_eq(sink_metric(s, "runlog_sink_stale_total"), 2);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_dead_letters_total"), 0);
    sink_stop(s);
    world_close(&w);
}
END_TEST

/* No two results of one runner: a rule that somebody else has made for the collection. */
static void make_runners_unique(world *w) {
    bson_t request;
    bson_error_t cause;
    ck_assert(bson_init_from_json(&request,
                                  "{\"createIndexes\": \"results\", \"indexes\":"
                                  " [{\"name\": \"own\", \"key\": {\"runner\": 1}, \"unique\": true}]}",
                                  -1, &cause));
    mongoc_client_t *client = rl_mongo_take(w->mongo);
    ck_assert_msg(
        mongoc_client_command_simple(client, rl_mongo_database(w->mongo), &request, NULL, NULL, &cause), "%s",
        cause.message);
    rl_mongo_give_back(w->mongo, client);
    bson_destroy(&request);
}

START_TEST(what_a_refused_result_superseded_in_its_batch_is_stored) {
    world w;
    world_open(&w);
    make_runners_unique(&w);
    put_saying(&w, "other", 0, "taken");
    sink_runner *s = sink_start(&w, NULL, 0);
    await_committed(&w);
    sink_stop(s);
    put_saying(&w, "climbing", 0, "low"); /* in one batch: both are there before the sink is */
    put_saying(&w, "climbing", 1, "taken");
    s = sink_start(&w, NULL, 0);
    await_committed(&w);
    ck_assert_int_eq(generation_of(&w, "climbing"), 0);
    assert_runner(&w, "climbing", "low");
    ck_assert_int_eq(sink_metric(s, "runlog_sink_dead_letters_total"), 1);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(a_higher_generation_replaces_the_whole_document) {
    world w;
    rl_sample sample;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 0);
    bson_t older = BSON_INITIALIZER, document;
    ck_assert(rl_result_document_write(rl_sample_finished(&sample, "whole", 0),
                                       rl_wall_clock_us() + RETENTION_US, &older, NULL));
    BSON_APPEND_UTF8(&older, "leftOver", "of an older build");
    put_document(&w, &older);
    put_saying(&w, "whole", 1, "newer");
    await_committed(&w);
    ck_assert(get_document(&w, "whole", &document));
    ck_assert(!bson_has_field(&document, "leftOver"));
    ck_assert_int_eq(generation_of(&w, "whole"), 1);
    bson_destroy(&document);
    bson_destroy(&older);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(reading_everything_again_changes_nothing) {
    world w;
    world_open(&w);
    put_many(&w, "r", 300, 0);
    put_many(&w, "r", 100, 4);
    put_many(&w, "r", 200, 0);
    sink_runner *s = sink_start(&w, NULL, 37);
    await_committed(&w);
    sink_stop(s);
    RL_AUTO_FREE char *before = dump_documents(&w);
    ck_assert_int_eq(count_documents(&w), 300);
    ck_assert_int_eq(generation_of(&w, "r-99"), 4);

    rewind_group(&w);
    ck_assert_int_eq(committed_total(&w), 0);
    s = sink_start(&w, NULL, 500); /* batched in another way, too */
    await_committed(&w);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_records_total"), 600);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_applied_total"), 0);
    sink_stop(s);
    RL_AUTO_FREE char *after = dump_documents(&w);
    ck_assert_str_eq(before, after);
    world_close(&w);
}
END_TEST

START_TEST(a_tombstone_is_not_brought_back_by_a_late_result) {
    world w;
    world_open(&w);
    bson_t tombstone = BSON_INITIALIZER;
    ck_assert(rl_result_document_write_deleted("gone", rl_wall_clock_us() + RETENTION_US, &tombstone, NULL));
    put_document(&w, &tombstone);
    bson_destroy(&tombstone);
    sink_runner *s = sink_start(&w, NULL, 0);
    put_saying(&w, "gone", 0, "late");
    put_saying(&w, "gone", 12, "later");
    await_committed(&w);
    ck_assert_int_eq(generation_of(&w, "gone"), -2);
    sink_stop(s);
    world_close(&w);
}
END_TEST

static void put_deleted_at(world *w, const char *id, int64_t wall_us) {
    RL_AUTO_BUFFER rl_buffer frame;
    rl_buffer_init(&frame, RL_DELETED_MAX_BYTES);
    const rl_deleted deleted = {.id = id, .deleted_us = wall_us};
    ck_assert(rl_deleted_encode(w->codec, &deleted, &frame, NULL));
    put_bytes(w, w->topic, id, rl_buffer_bytes(&frame));
}

/* The tombstone and nothing else: what a program, its input and its output were is gone. */
static void assert_only_a_tombstone(world *w, const char *id) {
    bson_t document;
    bson_iter_t it;
    ck_assert_msg(get_document(w, id, &document), "no document %s", id);
    ck_assert(rl_result_document_is_deleted(&document));
    ck_assert_uint_eq(bson_count_keys(&document), 3);
    ck_assert(bson_iter_init_find(&it, &document, "expiresAt") && BSON_ITER_HOLDS_DATE_TIME(&it));
    ck_assert_int_gt(bson_iter_date_time(&it), (rl_wall_clock_us() + RETENTION_US) / RL_US_PER_MS);
    bson_destroy(&document);
}

START_TEST(a_deleted_wins_over_every_result_in_any_order) {
    static const char *const ids[] = {"before", "after", "between", "alone", "batched"};
    world w;
    world_open(&w);
    /* In one batch: everything is on the topic before the sink starts. */
    put_saying(&w, "batched", 3, "before");
    put_deleted(&w, "batched");
    put_saying(&w, "batched", 9, "after");
    sink_runner *s = sink_start(&w, NULL, 0);
    await_committed(&w);
    /* In batches of their own. */
    put_saying(&w, "before", 0, "result");
    put_saying(&w, "between", 0, "result");
    await_committed(&w);
    ck_assert_int_eq(generation_of(&w, "before"), 0);
    for (size_t i = 0; i < 4; i++) {
        put_deleted(&w, ids[i]);
    }
    await_committed(&w);
    put_saying(&w, "after", 0, "late");
    put_saying(&w, "between", INT64_MAX, "replayed");
    put_deleted(&w, "between");
    await_committed(&w);
    for (size_t i = 0; i < 5; i++) {
        assert_only_a_tombstone(&w, ids[i]);
    }
    ck_assert_int_eq(sink_metric(s, "runlog_sink_dead_letters_total"), 0);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_deleted_total"), 6);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(reading_deletions_again_changes_nothing) {
    world w;
    world_open(&w);
    put_many(&w, "r", 60, 0);
    for (int i = 0; i < 60; i += 2) {
        char id[16];
        snprintf(id, sizeof id, "r-%d", i);
        put_deleted(&w, id);
    }
    put_many(&w, "r", 60, 5);
    sink_runner *s = sink_start(&w, NULL, 7);
    await_committed(&w);
    sink_stop(s);
    RL_AUTO_FREE char *before = dump_documents(&w);
    ck_assert_int_eq(generation_of(&w, "r-58"), -2);
    ck_assert_int_eq(generation_of(&w, "r-59"), 5);
    rewind_group(&w);
    s = sink_start(&w, NULL, 500); /* batched in another way, too */
    await_committed(&w);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_records_total"), 150);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_applied_total"), 0);
    sink_stop(s);
    RL_AUTO_FREE char *after = dump_documents(&w);
    ck_assert_str_eq(before, after);
    world_close(&w);
}
END_TEST

START_TEST(a_deleted_past_its_time_is_not_written) {
    world w;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 0);
    put_deleted_at(&w, "old", rl_wall_clock_us() - 2 * RETENTION_US);
    await_committed(&w);
    ck_assert_int_eq(generation_of(&w, "old"), -1);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_expired_total"), 1);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(what_is_past_its_retention_is_not_written) {
    world w;
    rl_sample sample;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 0);
    put(&w, rl_sample_finished_at(&sample, "old", 0, rl_wall_clock_us() - RETENTION_US - RL_US_PER_S));
    put(&w, rl_sample_finished(&sample, "young", 0));
    await_committed(&w);
    ck_assert_int_eq(generation_of(&w, "old"), -1);
    ck_assert_int_eq(generation_of(&w, "young"), 0);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_expired_total"), 1);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(the_indexes_are_there_and_expiry_is_by_date) {
    world w;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 0);
    put_many(&w, "x", 1, 0);
    await_committed(&w);
    sink_stop(s);
    s = sink_start(&w, NULL, 0); /* making them again changes nothing */
    put_many(&w, "y", 1, 0);
    await_committed(&w);
    sink_stop(s);
    mongoc_client_t *client = rl_mongo_take(w.mongo);
    mongoc_collection_t *collection =
        mongoc_client_get_collection(client, rl_mongo_database(w.mongo), RL_STORE_COLLECTION);
    mongoc_cursor_t *cursor = mongoc_collection_find_indexes_with_opts(collection, NULL);
    const bson_t *index;
    bool expiry = false, tenant = false;
    int count = 0;
    while (mongoc_cursor_next(cursor, &index)) {
        bson_iter_t it;
        ck_assert(bson_iter_init_find(&it, index, "name"));
        const char *name = bson_iter_utf8(&it, NULL);
        tenant |= strcmp(name, "tenant_finished") == 0;
        if (strcmp(name, "expiry") == 0) {
            expiry = true;
            ck_assert(bson_iter_init_find(&it, index, "expireAfterSeconds"));
            ck_assert_int_eq(bson_iter_as_int64(&it), 0);
        }
        count++;
    }
    ck_assert(expiry && tenant);
    ck_assert_int_eq(count, 3);
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(collection);
    rl_mongo_give_back(w.mongo, client);
    world_close(&w);
}
END_TEST

/* ---- dead letters -------------------------------------------------------------------------------------- */

typedef struct {
    size_t count;
    size_t garbage, truncated_record, other_kind, unknown_schema, without_value;
} letters_seen;

static void assert_header(const rd_kafka_message_t *letter, const char *name, const char *expected) {
    rl_bytes value;
    ck_assert_msg(rl_message_header(letter, name, &value), "no header %s", name);
    if (expected) {
        ck_assert_msg(rl_bytes_equal(value, rl_bytes_of(expected)), "header %s: %.*s", name, (int)value.size,
                      (const char *)value.data);
    }
}

static void look_at_garbage(const rd_kafka_message_t *letter, void *context) {
    letters_seen *seen = context;
    rl_bytes key = rl_message_key(letter);
    seen->count++;
    seen->garbage += rl_bytes_equal(key, rl_bytes_of("garbage")) && letter->len == 11 &&
                     memcmp(letter->payload, "no\0Avro\xff at", 11) == 0;
    seen->truncated_record += rl_bytes_equal(key, rl_bytes_of("cut"));
    seen->other_kind += rl_bytes_equal(key, rl_bytes_of("started"));
    seen->unknown_schema += rl_bytes_equal(key, rl_bytes_of("unknown"));
    seen->without_value += rl_bytes_equal(key, rl_bytes_of("empty")) && letter->len == 0;
    assert_header(letter, "error.class", "INVALID");
    assert_header(letter, "truncated", "false");
    assert_header(letter, "attempt", "1");
    assert_header(letter, "service", "runlog-result-sink");
    for (size_t i = 0; i < 6; i++) {
        static const char *const names[] = {"error.message",    "original-size", "origin.topic",
                                            "origin.partition", "origin.offset", "time"};
        assert_header(letter, names[i], NULL);
    }
}

static void put_damaged(world *w) {
    rl_sample sample;
    RL_AUTO_BUFFER rl_buffer frame, started;
    rl_buffer_init(&frame, RL_FINISHED_MAX_BYTES);
    rl_buffer_init(&started, RL_FINISHED_MAX_BYTES);
    ck_assert(rl_finished_encode(w->codec, rl_sample_finished(&sample, "cut", 0), &frame, NULL));
    put_bytes(w, w->topic, "cut", rl_bytes_make(frame.data, frame.size / 2));
    const rl_started news = {.id = "started", .attempt = 1, .runner = "r", .started_us = 1};
    ck_assert(rl_started_encode(w->codec, &news, &started, NULL));
    put_bytes(w, w->topic, "started", rl_buffer_bytes(&started));
    unsigned char unknown[RL_FRAMING_HEADER_BYTES + 3] = {0};
    rl_framing_header(UINT64_C(0x1122334455667788), unknown);
    put_bytes(w, w->topic, "unknown", rl_bytes_make(unknown, sizeof unknown));
    put_bytes(w, w->topic, "garbage", rl_bytes_make("no\0Avro\xff at", 11));
    put_bytes(w, w->topic, "empty", rl_bytes_make("", 0));
}

START_TEST(garbage_is_set_aside_and_the_rest_is_written) {
    world w;
    world_open(&w);
    put_many(&w, "before", 20, 0);
    put_damaged(&w);
    put_many(&w, "after", 20, 0);
    sink_runner *s = sink_start(&w, NULL, 0);
    await_committed(&w);
    ck_assert_int_eq(count_documents(&w), 40);
    letters_seen seen = {0};
    read_dead_letters(&w, 5, look_at_garbage, &seen);
    ck_assert_uint_eq(seen.garbage, 1);
    ck_assert_uint_eq(seen.truncated_record, 1);
    ck_assert_uint_eq(seen.other_kind, 1);
    ck_assert_uint_eq(seen.unknown_schema, 1);
    ck_assert_uint_eq(seen.without_value, 1);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_dead_letters_total"), 5);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(a_result_of_the_greatest_size_is_written) {
    world w;
    rl_sample sample;
    world_open(&w);
    RL_AUTO_FREE char *output = calloc(1, 4 * 1024 * 1024);
    rl_finished *finished = rl_sample_finished(&sample, "great", 0);
    finished->out.bytes = rl_bytes_make(output, 4 * 1024 * 1024);
    sample.submission.source = rl_bytes_make(output, 4 * 1024 * 1024 - 65536);
    put(&w, finished);
    sink_runner *s = sink_start(&w, NULL, 0);
    await_committed(&w);
    ck_assert_int_eq(generation_of(&w, "great"), 0);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(a_record_of_a_newer_build_is_read_by_the_schema_on_the_log) {
    world w;
    world_open(&w);
    static const char schema[] =
        "{\"type\":\"record\",\"name\":\"Finished\",\"namespace\":\"runlog\",\"fields\":["
        "{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"novelty\",\"type\":\"long\"}]}";
    RL_AUTO_BUFFER rl_buffer canonical, frame;
    rl_buffer_init(&canonical, SIZE_MAX / 4);
    rl_buffer_init(&frame, SIZE_MAX / 4);
    ck_assert(rl_framing_canonical_form(rl_bytes_of(schema), &canonical, NULL));
    unsigned char header[RL_FRAMING_HEADER_BYTES];
    rl_framing_header(rl_framing_fingerprint(rl_buffer_bytes(&canonical)), header);
    ck_assert(rl_buffer_append(&frame, header, sizeof header) &&
              rl_buffer_append(&frame, "\x0anewer\x02", 7));
    put_bytes(&w, w.schemas_topic, "0000000000000000", rl_bytes_of(schema));
    put_bytes(&w, w.topic, "newer", rl_buffer_bytes(&frame));
    sink_runner *s = sink_start(&w, NULL, 0);
    await_committed(&w);
    /* Its record knows no time of its own: the log's is taken, so that it is kept. */
    ck_assert_int_eq(generation_of(&w, "newer"), 0);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_dead_letters_total"), 0);
    sink_stop(s);
    world_close(&w);
}
END_TEST

RL_SUITE("sink/writes", a_result_reaches_mongodb_whole,
         of_one_generation_the_first_wins_and_a_higher_one_replaces,
         what_a_refused_result_superseded_in_its_batch_is_stored,
         a_higher_generation_replaces_the_whole_document, reading_everything_again_changes_nothing,
         a_tombstone_is_not_brought_back_by_a_late_result, a_deleted_wins_over_every_result_in_any_order,
         reading_deletions_again_changes_nothing, a_deleted_past_its_time_is_not_written,
         what_is_past_its_retention_is_not_written, the_indexes_are_there_and_expiry_is_by_date,
         garbage_is_set_aside_and_the_rest_is_written, a_result_of_the_greatest_size_is_written,
         a_record_of_a_newer_build_is_read_by_the_schema_on_the_log)
