/* sentinel.c: one upsert, one deletion. */
#include "lib/sink/sentinel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

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

static rl_sentinel_fate replace(mongoc_collection_t *collection, const bson_t *filter,
                                const bson_t *document) {
    bson_t opts = BSON_INITIALIZER, reply;
    bson_error_t cause = {0};
    rl_error err = RL_ERROR_INIT;
    append_majority(&opts);
    BSON_APPEND_BOOL(&opts, "upsert", true);
    rl_sentinel_fate fate = RL_SENTINEL_FAILED;
    if (!mongoc_collection_replace_one(collection, filter, document, &opts, &reply, &cause)) {
        rl_mongo_error(&err, &cause, &reply, "sentinel");
        fate = err.error_class == RL_INVALID ? RL_SENTINEL_REFUSED : RL_SENTINEL_FAILED;
    } else if (count_of(&reply, "matchedCount") == 1 || count_of(&reply, "upsertedCount") == 1 ||
               bson_has_field(&reply, "upsertedId")) {
        fate = RL_SENTINEL_TAKEN;
    }
    bson_destroy(&reply);
    bson_destroy(&opts);
    return fate;
}

/* An id that no other sink has, nor this one for another sentinel. */
static bool append_id(bson_t *document, bson_t *filter) {
    uint64_t random[2];
    char id[sizeof RL_STORE_SENTINEL_MARK + 2 * 16];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return false;
    }
    snprintf(id, sizeof id, RL_STORE_SENTINEL_MARK "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
    return BSON_APPEND_UTF8(filter, "_id", id) && BSON_APPEND_UTF8(document, "_id", id);
}

rl_sentinel_fate rl_sentinel_write(mongoc_client_t *client, const char *database, const char *collection,
                                   size_t size) {
    RL_CLEANUP(rl_mongo_collection_slot)
    mongoc_collection_t *results = mongoc_client_get_collection(client, database, collection);
    bson_t filter = BSON_INITIALIZER, document = BSON_INITIALIZER;
    rl_sentinel_fate fate = RL_SENTINEL_FAILED;
    if (append_id(&document, &filter) && BSON_APPEND_DATE_TIME(&document, "expiresAt", 0) &&
        append_noise(&document, size < RL_SENTINEL_MAX_BYTES ? size : RL_SENTINEL_MAX_BYTES)) {
        fate = replace(results, &filter, &document);
    }
    if (fate == RL_SENTINEL_TAKEN) {
        /* Left behind it does no harm, see the header. */
        (void)mongoc_collection_delete_one(results, &filter, NULL, NULL, NULL);
    }
    bson_destroy(&document);
    bson_destroy(&filter);
    return fate;
}
