/* sentinel.c: one upsert, one deletion. */
#include "services/result-sink/sentinel.h"

#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/store/result_document.h"

/* The generator of Marsaglia's "Xorshift RNGs" (2003), 64 bits: noise that no storage engine compresses. */
static uint64_t next_noise(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static bool append_noise(bson_t *document, size_t size) {
    RL_AUTO_FREE uint8_t *bytes = malloc(size + 1);
    if (!bytes) {
        return false;
    }
    uint64_t state = (uint64_t)rl_clock_us() | 1;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(next_noise(&state) >> 32);
    }
    return BSON_APPEND_BINARY(document, "bytes", BSON_SUBTYPE_BINARY, bytes, (uint32_t)size);
}

static void append_majority(bson_t *opts) {
    bson_t concern;
    BSON_APPEND_DOCUMENT_BEGIN(opts, "writeConcern", &concern);
    BSON_APPEND_UTF8(&concern, "w", "majority");
    bson_append_document_end(opts, &concern);
}

static int64_t count_of(const bson_t *reply, const char *key) {
    bson_iter_t it;
    return bson_iter_init_find(&it, reply, key) && BSON_ITER_HOLDS_INT(&it) ? bson_iter_as_int64(&it) : 0;
}

static bool replace(mongoc_collection_t *collection, const bson_t *filter, const bson_t *document) {
    bson_t opts = BSON_INITIALIZER, reply;
    bson_error_t cause;
    append_majority(&opts);
    BSON_APPEND_BOOL(&opts, "upsert", true);
    bool ok = mongoc_collection_replace_one(collection, filter, document, &opts, &reply, &cause) &&
              (count_of(&reply, "matchedCount") == 1 || count_of(&reply, "upsertedCount") == 1 ||
               bson_has_field(&reply, "upsertedId"));
    bson_destroy(&reply);
    bson_destroy(&opts);
    return ok;
}

bool rl_sentinel_write(mongoc_client_t *client, const char *database, const char *collection, size_t size) {
    RL_CLEANUP(rl_mongo_collection_slot)
    mongoc_collection_t *results = mongoc_client_get_collection(client, database, collection);
    bson_t filter = BSON_INITIALIZER, document = BSON_INITIALIZER;
    BSON_APPEND_UTF8(&filter, "_id", RL_STORE_SENTINEL_ID);
    BSON_APPEND_UTF8(&document, "_id", RL_STORE_SENTINEL_ID);
    BSON_APPEND_DATE_TIME(&document, "expiresAt", 0);
    bool ok = append_noise(&document, size < RL_SENTINEL_MAX_BYTES ? size : RL_SENTINEL_MAX_BYTES) &&
              replace(results, &filter, &document);
    if (ok) {
        /* Left behind it does no harm, see the header. */
        (void)mongoc_collection_delete_one(results, &filter, NULL, NULL, NULL);
    }
    bson_destroy(&document);
    bson_destroy(&filter);
    return ok;
}
