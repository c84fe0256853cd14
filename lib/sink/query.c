/* query.c: see the header. */
#include "lib/sink/query.h"

#include <stdio.h>

void rl_query_in(bson_t *filter, const char *name, const rl_bytes *texts, size_t count) {
    bson_t clause, array;
    char index[24];
    BSON_APPEND_DOCUMENT_BEGIN(filter, name, &clause);
    BSON_APPEND_ARRAY_BEGIN(&clause, "$in", &array);
    for (size_t i = 0; i < count; i++) {
        snprintf(index, sizeof index, "%zu", i);
        bson_append_utf8(&array, index, -1, texts[i].data, (int)texts[i].size);
    }
    bson_append_array_end(&clause, &array);
    bson_append_document_end(filter, &clause);
}

static void append_options(bson_t *opts, const char *only, int64_t limit) {
    bson_t projection;
    if (limit > 0) {
        BSON_APPEND_INT64(opts, "limit", limit);
    }
    if (only) {
        BSON_APPEND_DOCUMENT_BEGIN(opts, "projection", &projection);
        BSON_APPEND_INT32(&projection, only, 1);
        bson_append_document_end(opts, &projection);
    }
}

bool rl_query_find(rl_mongo *mongo, const char *collection, const bson_t *filter, const char *only,
                   int64_t limit, rl_query_each each, void *context, rl_error *err) {
    bson_t opts = BSON_INITIALIZER;
    append_options(&opts, only, limit);
    mongoc_client_t *client = rl_mongo_take(mongo);
    mongoc_read_prefs_t *primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);
    mongoc_collection_t *from = mongoc_client_get_collection(client, rl_mongo_database(mongo), collection);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(from, filter, &opts, primary);
    const bson_t *document, *reply = NULL;
    bool more = true;
    while (more && mongoc_cursor_next(cursor, &document)) {
        more = each(context, document);
    }
    bson_error_t cause;
    const bool failed = mongoc_cursor_error_document(cursor, &cause, &reply);
    if (failed) {
        rl_mongo_error(err, &cause, reply, "find");
    }
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(from);
    mongoc_read_prefs_destroy(primary);
    rl_mongo_give_back(mongo, client);
    bson_destroy(&opts);
    return !failed;
}

bool rl_query_remove(rl_mongo *mongo, const char *collection, const bson_t *filter, int64_t *ret_removed,
                     rl_error *err) {
    bson_t opts = BSON_INITIALIZER, concern, reply;
    BSON_APPEND_DOCUMENT_BEGIN(&opts, "writeConcern", &concern);
    BSON_APPEND_UTF8(&concern, "w", "majority");
    bson_append_document_end(&opts, &concern);
    mongoc_client_t *client = rl_mongo_take(mongo);
    mongoc_collection_t *from = mongoc_client_get_collection(client, rl_mongo_database(mongo), collection);
    bson_error_t cause;
    const bool ok = mongoc_collection_delete_many(from, filter, &opts, &reply, &cause);
    bson_iter_t count;
    if (!ok) {
        rl_mongo_error(err, &cause, &reply, "delete");
    } else if (ret_removed && bson_iter_init_find(&count, &reply, "deletedCount")) {
        *ret_removed += bson_iter_as_int64(&count);
    }
    bson_destroy(&reply);
    mongoc_collection_destroy(from);
    rl_mongo_give_back(mongo, client);
    bson_destroy(&opts);
    return ok;
}
