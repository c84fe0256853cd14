/* The guarded bulk itself, against the real server: documents that it will not take, and races. */
#include <pthread.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/sink/apply.h"
#include "lib/store/result_document.h"
#include "tests/integration/services/result-sink/world.h"
#include "tests/support/suite.h"

#define ITEMS 40

typedef struct {
    char ids[ITEMS][32];
    bson_t documents[ITEMS];
    rl_apply_item items[ITEMS];
    rl_apply_item *pointers[ITEMS];
} item_set;

static void make_items(item_set *set, int64_t generation) {
    for (size_t i = 0; i < ITEMS; i++) {
        snprintf(set->ids[i], sizeof set->ids[i], "item-%zu", i);
        bson_init(&set->documents[i]);
        BSON_APPEND_UTF8(&set->documents[i], "_id", set->ids[i]);
        BSON_APPEND_INT64(&set->documents[i], "generation", generation);
        set->items[i] = (rl_apply_item){.generation = generation, .document = &set->documents[i]};
        set->pointers[i] = &set->items[i];
    }
}

static void free_items(item_set *set) {
    for (size_t i = 0; i < ITEMS; i++) {
        bson_destroy(&set->documents[i]);
    }
}

static rl_apply_counts apply(world *w, item_set *set) {
    rl_apply_counts counts = {0};
    rl_error err = RL_ERROR_INIT;
    const rl_apply_target target = {w->mongo, RL_STORE_COLLECTION, RL_APPLY_PATIENCE};
    ck_assert_msg(rl_apply_run(&target, set->pointers, ITEMS, &counts, &err), "%s", err.message);
    return counts;
}

START_TEST(new_ones_are_applied_and_a_second_time_stale) {
    world w;
    world_open(&w);
    item_set first, again;
    make_items(&first, 3);
    make_items(&again, 3);
    rl_apply_counts counts = apply(&w, &first);
    ck_assert_int_eq(counts.applied, ITEMS);
    ck_assert_int_eq(counts.stale, 0);
    counts = apply(&w, &again);
    ck_assert_int_eq(counts.applied, 0);
    ck_assert_int_eq(counts.stale, ITEMS);
    ck_assert_int_eq(counts.refused, 0);
    free_items(&first);
    free_items(&again);
    world_close(&w);
}
END_TEST

START_TEST(what_was_turned_away_before_the_connection_broke_is_inserted_once_nothing_is_in_the_way) {
    world w;
    world_open(&w);
    item_set set;
    make_items(&set, 0);
    for (size_t i = 0; i < ITEMS; i++) {
        set.items[i].turned_away = true; /* as a second round leaves it that did not get through */
    }
    rl_apply_counts counts = apply(&w, &set);
    ck_assert_int_eq(counts.applied, ITEMS);
    ck_assert_int_eq(counts.stale, 0);
    ck_assert_int_eq(count_documents(&w), ITEMS);
    free_items(&set);
    world_close(&w);
}
END_TEST

START_TEST(a_document_too_large_for_the_server_is_refused_alone) {
    world w;
    world_open(&w);
    item_set set;
    make_items(&set, 0);
    enum { TOO_LARGE = 17 * 1024 * 1024 };
    RL_AUTO_FREE uint8_t *bytes = calloc(1, TOO_LARGE);
    static const size_t large[] = {0, 17, ITEMS - 1};
    for (size_t i = 0; i < 3; i++) {
        BSON_APPEND_BINARY(&set.documents[large[i]], "bytes", BSON_SUBTYPE_BINARY, bytes, TOO_LARGE);
    }
    rl_apply_counts counts = apply(&w, &set);
    ck_assert_int_eq(counts.refused, 3);
    ck_assert_int_eq(count_documents(&w), ITEMS - 3);
    for (size_t i = 0; i < ITEMS; i++) {
        bool is_large = i == 0 || i == 17 || i == ITEMS - 1;
        ck_assert_int_eq(set.items[i].status, is_large ? RL_APPLY_REFUSED : RL_APPLY_DONE);
        ck_assert_int_eq(set.items[i].why.error_class, is_large ? RL_INVALID : RL_OK);
    }
    free_items(&set);
    world_close(&w);
}
END_TEST

START_TEST(a_document_that_the_driver_will_not_encode_is_refused_alone) {
    world w;
    world_open(&w);
    item_set set;
    make_items(&set, 0);
    BSON_APPEND_INT32(&set.documents[5], "$operator", 1); /* no replacement may hold one */
    rl_apply_counts counts = apply(&w, &set);
    ck_assert_int_eq(counts.refused, 1);
    ck_assert_int_eq(set.items[5].status, RL_APPLY_REFUSED);
    ck_assert_int_eq(count_documents(&w), ITEMS - 1);
    free_items(&set);
    world_close(&w);
}
END_TEST

START_TEST(a_server_that_is_away_leaves_every_item_pending) {
    world w;
    world_open(&w);
    item_set set;
    make_items(&set, 0);
    const rl_mongo_config nowhere = {.uri = "mongodb://127.0.0.1:1/db", .select_timeout_us = 50000};
    RL_AUTO_MONGO rl_mongo *mongo = rl_mongo_new(&nowhere, NULL);
    rl_apply_counts counts = {0};
    for (int32_t attempt = 1; attempt <= 6; attempt++) {
        rl_error err = RL_ERROR_INIT;
        const rl_apply_target target = {mongo, RL_STORE_COLLECTION, RL_APPLY_PATIENCE};
        ck_assert(!rl_apply_run(&target, set.pointers, ITEMS, &counts, &err));
        ck_assert_int_eq(err.error_class, RL_TRANSIENT);
        for (size_t i = 0; i < ITEMS; i++) {
            ck_assert_int_eq(set.items[i].status, RL_APPLY_PENDING);
            ck_assert_int_eq(set.items[i].attempts, attempt);
        }
    }
    counts = apply(&w, &set); /* the same items, once there is a server */
    ck_assert_int_eq(counts.applied, ITEMS);
    free_items(&set);
    world_close(&w);
}
END_TEST

/* Runs a command that changes the database of the test. */
static void command(world *w, const char *json) {
    bson_t request;
    bson_error_t cause;
    ck_assert_msg(bson_init_from_json(&request, json, -1, &cause), "%s", cause.message);
    mongoc_client_t *client = rl_mongo_take(w->mongo);
    ck_assert_msg(
        mongoc_client_command_simple(client, rl_mongo_database(w->mongo), &request, NULL, NULL, &cause),
        "%s: %s", json, cause.message);
    rl_mongo_give_back(w->mongo, client);
    bson_destroy(&request);
}

START_TEST(a_server_that_refuses_every_write_refuses_no_document) {
    world w;
    world_open(&w);
    item_set set;
    make_items(&set, 0);
    /* No server writes into a collection of that name, and the reason (73, InvalidNamespace) is no document's. */
    const rl_apply_target target = {w.mongo, "system.$refused", {.strikes = 1, .us = 0}};
    rl_apply_counts counts = {0};
    for (int attempt = 1; attempt <= 6; attempt++) {
        rl_error err = RL_ERROR_INIT;
        ck_assert(!rl_apply_run(&target, set.pointers, ITEMS, &counts, &err));
        ck_assert_msg(err.error_class == RL_TRANSIENT, "%s", err.message);
        for (size_t i = 0; i < ITEMS; i++) {
            ck_assert_int_eq(set.items[i].status, RL_APPLY_PENDING);
        }
    }
    counts = apply(&w, &set);
    ck_assert_int_eq(counts.applied, ITEMS);
    ck_assert_int_eq(counts.refused, 0);
    free_items(&set);
    world_close(&w);
}
END_TEST

/* A hashed index takes no arrays: the server answers with a code that blames no one (16766). */
static void make_hashed_index(world *w) {
    command(w, "{\"createIndexes\": \"results\","
               " \"indexes\": [{\"name\": \"hashed\", \"key\": {\"h\": \"hashed\"}}]}");
}

static void poison(item_set *set, size_t index) {
    bson_t array;
    BSON_APPEND_ARRAY_BEGIN(&set->documents[index], "h", &array);
    BSON_APPEND_INT32(&array, "0", 1);
    BSON_APPEND_INT32(&array, "1", 2);
    bson_append_array_end(&set->documents[index], &array);
}

static void make_poison(world *w, item_set *set, size_t index) {
    make_hashed_index(w);
    poison(set, index);
}

START_TEST(a_document_that_fails_for_no_stated_reason_is_refused_alone_and_late) {
    world w;
    world_open(&w);
    item_set set;
    make_items(&set, 0);
    make_poison(&w, &set, 5);
    const rl_apply_target target = {w.mongo, RL_STORE_COLLECTION, {.strikes = 4, .us = 0}};
    rl_apply_counts counts = {0};
    rl_error err = RL_ERROR_INIT;
    int runs = 1;
    for (; !rl_apply_run(&target, set.pointers, ITEMS, &counts, &err); runs++) {
        ck_assert_int_lt(runs, 20);
        ck_assert_msg(err.error_class == RL_TRANSIENT, "%s", err.message);
        ck_assert_int_eq(count_documents(&w), ITEMS - 1);
    }
    ck_assert_int_ge(runs, 5); /* one that made it a suspect, four strikes */
    ck_assert_int_eq(counts.refused, 1);
    ck_assert_int_eq(counts.applied, ITEMS - 1);
    ck_assert_int_eq(set.items[5].status, RL_APPLY_REFUSED);
    ck_assert_int_eq(set.items[5].why.error_class, RL_INVALID);
    ck_assert_int_eq(count_documents(&w), ITEMS - 1);
    free_items(&set);
    world_close(&w);
}
END_TEST

START_TEST(a_document_that_fails_for_no_stated_reason_waits_for_minutes) {
    world w;
    world_open(&w);
    item_set set;
    make_items(&set, 0);
    make_poison(&w, &set, 0);
    const rl_apply_target target = {w.mongo, RL_STORE_COLLECTION, RL_APPLY_PATIENCE};
    rl_apply_counts counts = {0};
    for (int runs = 0; runs < 2 * RL_APPLY_PATIENCE.strikes; runs++) {
        ck_assert(!rl_apply_run(&target, set.pointers, ITEMS, &counts, NULL));
    }
    ck_assert_int_eq(set.items[0].status, RL_APPLY_PENDING);
    command(&w, "{\"dropIndexes\": \"results\", \"index\": \"hashed\"}");
    counts = apply(&w, &set);
    ck_assert_int_eq(counts.applied, 1);
    free_items(&set);
    world_close(&w);
}
END_TEST

static size_t count_suspects(const item_set *set) {
    size_t suspects = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        suspects += set->items[i].status == RL_APPLY_PENDING && set->items[i].suspicion.on;
    }
    return suspects;
}

START_TEST(a_crowd_that_fails_for_no_stated_reason_shrinks_until_it_is_gone) {
    world w;
    world_open(&w);
    item_set set;
    make_items(&set, 0);
    make_hashed_index(&w);
    enum { CROWD = 2 * RL_APPLY_SUSPECTS + 3, GOOD = 7 };
    for (size_t i = 0; i <= CROWD; i++) {
        if (i != GOOD) {
            poison(&set, i);
        }
    }
    const rl_apply_target target = {w.mongo, RL_STORE_COLLECTION, {.strikes = 2, .us = 0}};
    rl_apply_counts counts = {0};
    rl_error err = RL_ERROR_INIT;
    int runs = 1;
    for (; !rl_apply_run(&target, set.pointers, ITEMS, &counts, &err); runs++) {
        ck_assert_int_lt(runs, 30);
        ck_assert_msg(err.error_class == RL_TRANSIENT, "%s", err.message);
        ck_assert_uint_le(count_suspects(&set), RL_APPLY_SUSPECTS);
        ck_assert_int_eq(count_documents(&w),
                         ITEMS - CROWD); /* the good ones did not wait, no sentinel stays */
    }
    ck_assert_int_eq(counts.refused, CROWD);
    ck_assert_int_eq(counts.applied, ITEMS - CROWD);
    ck_assert_int_eq(set.items[GOOD].status, RL_APPLY_DONE);
    free_items(&set);
    world_close(&w);
}
END_TEST

START_TEST(a_document_in_the_way_of_another_unique_index_is_not_stale) {
    world w;
    world_open(&w);
    item_set set;
    make_items(&set, 0);
    command(&w, "{\"createIndexes\": \"results\","
                " \"indexes\": [{\"name\": \"u_1\", \"key\": {\"u\": 1}, \"unique\": true}]}");
    for (size_t i = 0; i < ITEMS; i++) {
        BSON_APPEND_INT32(&set.documents[i], "u", i == 4 ? 3 : (int32_t)i);
    }
    const rl_apply_target target = {w.mongo, RL_STORE_COLLECTION, {.strikes = 2, .us = 0}};
    rl_apply_counts counts = {0};
    rl_error err = RL_ERROR_INIT;
    for (int runs = 1; !rl_apply_run(&target, set.pointers, ITEMS, &counts, &err); runs++) {
        ck_assert_int_lt(runs, 20);
        ck_assert_msg(err.error_class == RL_TRANSIENT, "%s", err.message);
    }
    ck_assert_int_eq(counts.stale, 0);
    ck_assert_int_eq(counts.applied, ITEMS - 1);
    ck_assert_int_eq(counts.refused, 1);
    const rl_apply_item *refused = &set.items[set.items[3].status == RL_APPLY_REFUSED ? 3 : 4];
    ck_assert_int_eq(refused->status, RL_APPLY_REFUSED);
    ck_assert_msg(strstr(refused->why.message, "unique index"), "%s", refused->why.message);
    free_items(&set);
    world_close(&w);
}
END_TEST

/* Whether the server keeps to the rule that documents of `results` have a field `kept`. */
static bool demand_a_field(world *w) {
    bson_t request, document = BSON_INITIALIZER;
    bson_error_t cause;
    ck_assert(bson_init_from_json(
        &request, "{\"create\": \"results\", \"validator\": {\"kept\": {\"$exists\": true}}}", -1, &cause));
    mongoc_client_t *client = rl_mongo_take(w->mongo);
    bool ok = mongoc_client_command_simple(client, rl_mongo_database(w->mongo), &request, NULL, NULL, &cause);
    mongoc_collection_t *results =
        mongoc_client_get_collection(client, rl_mongo_database(w->mongo), RL_STORE_COLLECTION);
    ok = ok && !mongoc_collection_insert_one(results, &document, NULL, NULL, &cause) && cause.code == 121;
    mongoc_collection_destroy(results);
    rl_mongo_give_back(w->mongo, client);
    bson_destroy(&document);
    bson_destroy(&request);
    return ok;
}

START_TEST(a_validator_that_refuses_the_sentinel_too_does_not_make_the_server_ill) {
    world w;
    world_open(&w);
    item_set set;
    make_items(&set, 0);
    if (demand_a_field(&w)) {
        for (size_t i = 0; i < ITEMS; i++) {
            if (i != 5) {
                BSON_APPEND_INT32(&set.documents[i], "kept", 1);
            }
        }
        rl_apply_counts counts = apply(&w, &set);
        ck_assert_int_eq(counts.refused, 1);
        ck_assert_int_eq(counts.applied, ITEMS - 1);
        ck_assert_int_eq(set.items[5].status, RL_APPLY_REFUSED);
    } else {
        printf("this server has no validators: nothing to test\n");
    }
    free_items(&set);
    world_close(&w);
}
END_TEST

typedef struct {
    world *w;
    int64_t generation;
} racer;

static void *race(void *argument) {
    racer *r = argument;
    item_set set;
    make_items(&set, r->generation);
    apply(r->w, &set);
    free_items(&set);
    return NULL;
}

START_TEST(writers_that_race_end_with_the_highest_generation) {
    world w;
    world_open(&w);
    enum { RACERS = 4, ROUNDS = 10 };
    for (int64_t round = 0; round < ROUNDS; round++) {
        pthread_t threads[RACERS];
        racer racers[RACERS];
        for (int i = 0; i < RACERS; i++) {
            racers[i] = (racer){&w, round * RACERS + (i * 3) % RACERS};
            ck_assert_int_eq(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
        }
        for (int i = 0; i < RACERS; i++) {
            pthread_join(threads[i], NULL);
        }
        for (size_t i = 0; i < ITEMS; i++) {
            char id[32];
            snprintf(id, sizeof id, "item-%zu", i);
            ck_assert_int_eq(generation_of(&w, id), round * RACERS + RACERS - 1);
        }
    }
    world_close(&w);
}
END_TEST

RL_SUITE("sink/apply", new_ones_are_applied_and_a_second_time_stale,
         what_was_turned_away_before_the_connection_broke_is_inserted_once_nothing_is_in_the_way,
         a_document_too_large_for_the_server_is_refused_alone,
         a_document_that_the_driver_will_not_encode_is_refused_alone,
         a_server_that_is_away_leaves_every_item_pending,
         a_server_that_refuses_every_write_refuses_no_document,
         a_document_that_fails_for_no_stated_reason_is_refused_alone_and_late,
         a_document_that_fails_for_no_stated_reason_waits_for_minutes,
         a_crowd_that_fails_for_no_stated_reason_shrinks_until_it_is_gone,
         a_document_in_the_way_of_another_unique_index_is_not_stale,
         a_validator_that_refuses_the_sentinel_too_does_not_make_the_server_ill,
         writers_that_race_end_with_the_highest_generation)
