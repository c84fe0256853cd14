/* held.c: see the header. */
#include "lib/sink/held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

/* ---- decisions ----------------------------------------------------------------------------------------- */

typedef struct {
    const int64_t *generations;
    size_t count;
    rl_decision *decisions;
} decisions_wanted;

static bool note_decision(void *context, const bson_t *document) {
    const decisions_wanted *wanted = context;
    int64_t generation = 0;
    const rl_decision decision = rl_decision_document_read(document, &generation);
    for (size_t i = 0; decision != RL_DECISION_NONE && i < wanted->count; i++) {
        if (wanted->generations[i] == generation) {
            wanted->decisions[i] = decision;
        }
    }
    return true;
}

/* The results of a replay come one after the other: a generation is asked for once while it repeats. */
static void append_generations(bson_t *filter, const int64_t *generations, size_t count) {
    bson_t clause, array;
    char index[24];
    BSON_APPEND_DOCUMENT_BEGIN(filter, "_id", &clause);
    BSON_APPEND_ARRAY_BEGIN(&clause, "$in", &array);
    for (size_t i = 0, used = 0; i < count; i++) {
        if (i == 0 || generations[i] != generations[i - 1]) {
            snprintf(index, sizeof index, "%zu", used++);
            BSON_APPEND_INT64(&array, index, generations[i]);
        }
    }
    bson_append_array_end(&clause, &array);
    bson_append_document_end(filter, &clause);
}

bool rl_decisions_find(rl_mongo *mongo, const rl_sink_collections *names, const int64_t *generations,
                       size_t count, rl_decision *ret, rl_error *err) {
    bson_t filter = BSON_INITIALIZER;
    decisions_wanted wanted = {generations, count, ret};
    for (size_t i = 0; i < count; i++) {
        ret[i] = RL_DECISION_NONE;
    }
    append_generations(&filter, generations, count);
    bool ok =
        count == 0 || rl_query_find(mongo, names->replays, &filter, NULL, 0, note_decision, &wanted, err);
    bson_destroy(&filter);
    return ok;
}

/* ---- tombstones ---------------------------------------------------------------------------------------- */

typedef struct {
    const rl_bytes *ids;
    size_t count;
    bool *deleted;
} tombstones_wanted;

static bool note_tombstone(void *context, const bson_t *document) {
    const tombstones_wanted *wanted = context;
    bson_iter_t it;
    if (!bson_iter_init_find(&it, document, "_id") || !BSON_ITER_HOLDS_UTF8(&it)) {
        return true;
    }
    uint32_t size;
    const char *text = bson_iter_utf8(&it, &size);
    for (size_t i = 0; i < wanted->count; i++) {
        if (rl_bytes_equal(wanted->ids[i], rl_bytes_make(text, size))) {
            wanted->deleted[i] = true;
        }
    }
    return true;
}

bool rl_tombstones_find(rl_mongo *mongo, const rl_sink_collections *names, const rl_bytes *ids, size_t count,
                        bool *ret, rl_error *err) {
    bson_t filter = BSON_INITIALIZER;
    tombstones_wanted wanted = {ids, count, ret};
    for (size_t i = 0; i < count; i++) {
        ret[i] = false;
    }
    rl_query_in(&filter, "_id", ids, count);
    BSON_APPEND_BOOL(&filter, "deleted", true);
    bool ok =
        count == 0 || rl_query_find(mongo, names->results, &filter, "_id", 0, note_tombstone, &wanted, err);
    bson_destroy(&filter);
    return ok;
}

/* ---- removing ------------------------------------------------------------------------------------------ */

static bool remove_where(rl_mongo *mongo, const rl_sink_collections *names, const char *field,
                         const rl_bytes *texts, size_t count, int64_t *ret_removed, rl_error *err) {
    bson_t filter = BSON_INITIALIZER;
    rl_query_in(&filter, field, texts, count);
    bool ok = count == 0 || rl_query_remove(mongo, names->held, &filter, ret_removed, err);
    bson_destroy(&filter);
    return ok;
}

bool rl_held_remove(rl_mongo *mongo, const rl_sink_collections *names, const rl_bytes *keys, size_t count,
                    int64_t *ret_removed, rl_error *err) {
    return remove_where(mongo, names, "_id", keys, count, ret_removed, err);
}

bool rl_held_remove_of(rl_mongo *mongo, const rl_sink_collections *names, const rl_bytes *ids, size_t count,
                       int64_t *ret_removed, rl_error *err) {
    return remove_where(mongo, names, "id", ids, count, ret_removed, err);
}

typedef struct {
    bson_t array; /* of what is to be removed */
    size_t count;
} found_ids;

static bool note_id(void *context, const bson_t *document) {
    found_ids *found = context;
    bson_iter_t it;
    char index[24];
    if (bson_iter_init_find(&it, document, "_id")) {
        snprintf(index, sizeof index, "%zu", found->count++);
        bson_append_iter(&found->array, index, -1, &it);
    }
    return true;
}

bool rl_held_discard(rl_mongo *mongo, const rl_sink_collections *names, int64_t generation, size_t limit,
                     int64_t *ret_removed, bool *ret_more, rl_error *err) {
    bson_t which = BSON_INITIALIZER, filter = BSON_INITIALIZER, clause;
    found_ids found = {.array = BSON_INITIALIZER};
    BSON_APPEND_INT64(&which, "generation", generation);
    bool ok = rl_query_find(mongo, names->held, &which, "_id", (int64_t)limit, note_id, &found, err);
    BSON_APPEND_DOCUMENT_BEGIN(&filter, "_id", &clause);
    BSON_APPEND_ARRAY(&clause, "$in", &found.array);
    bson_append_document_end(&filter, &clause);
    ok = ok && (found.count == 0 || rl_query_remove(mongo, names->held, &filter, ret_removed, err));
    *ret_more = found.count >= limit;
    bson_destroy(&found.array);
    bson_destroy(&filter);
    bson_destroy(&which);
    return ok;
}

bool rl_held_mark_refused(rl_mongo *mongo, const rl_sink_collections *names, const char *key, rl_error *err) {
    bson_t filter = BSON_INITIALIZER, update = BSON_INITIALIZER, set, reply;
    BSON_APPEND_UTF8(&filter, "_id", key);
    BSON_APPEND_DOCUMENT_BEGIN(&update, "$set", &set);
    BSON_APPEND_BOOL(&set, "refused", true);
    bson_append_document_end(&update, &set);
    mongoc_client_t *client = rl_mongo_take(mongo);
    mongoc_collection_t *held = mongoc_client_get_collection(client, rl_mongo_database(mongo), names->held);
    bson_error_t cause;
    bool ok = mongoc_collection_update_one(held, &filter, &update, NULL, &reply, &cause);
    if (!ok) {
        rl_mongo_error(err, &cause, &reply, "update");
    }
    bson_destroy(&reply);
    mongoc_collection_destroy(held);
    rl_mongo_give_back(mongo, client);
    bson_destroy(&update);
    bson_destroy(&filter);
    return ok;
}
