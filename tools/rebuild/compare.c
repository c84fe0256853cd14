/* compare.c: two cursors, merged by _id. */
#include "tools/rebuild/compare.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/sink/retention.h"
#include "lib/store/result_document.h"

/* One of the two databases. */
typedef struct {
    rl_mongo *mongo;
    mongoc_client_t *client;
    mongoc_collection_t *collection;
    mongoc_cursor_t *cursor;
    const bson_t *document; /* the next one; NULL: at the end */
    EVP_MD_CTX *hash;
    int64_t *count;
} side;

typedef struct {
    const rl_compare_options *options;
    int64_t now_ms;
    side existing, rebuilt;
    rl_database_diff *result;
} comparing;

/* ---- documents ----------------------------------------------------------------------------------------- */

static bool find_time(const bson_t *document, const char *path, int64_t *ret_us) {
    bson_iter_t it, value;
    if (!bson_iter_init(&it, document) || !bson_iter_find_descendant(&it, path, &value) ||
        !BSON_ITER_HOLDS_INT(&value)) {
        return false;
    }
    *ret_us = bson_iter_as_int64(&value);
    return true;
}

static int64_t expiry_ms(const bson_t *document) {
    bson_iter_t it;
    return bson_iter_init_find(&it, document, "expiresAt") && BSON_ITER_HOLDS_DATE_TIME(&it)
               ? bson_iter_date_time(&it)
               : INT64_MAX;
}

/* When what it tells of happened. A tombstone knows it only by its expiry. */
static int64_t time_of(const comparing *c, const bson_t *document) {
    int64_t us = 0;
    if (find_time(document, "finishedUs", &us) || find_time(document, "result.finishedUs", &us) ||
        find_time(document, "decidedUs", &us)) {
        return us;
    }
    if (!rl_result_document_is_deleted(document) || expiry_ms(document) == INT64_MAX) {
        return 0;
    }
    const rl_deleted none = {0};
    return expiry_ms(document) * RL_US_PER_MS - rl_retention_deleted_us(&none, 0, c->options->retention_us);
}

/* As the server sorts them: numbers before texts. */
static int compare_ids(const bson_t *a, const bson_t *b) {
    bson_iter_t left, right;
    if (!bson_iter_init_find(&left, a, "_id") || !bson_iter_init_find(&right, b, "_id")) {
        return 0;
    }
    if (BSON_ITER_HOLDS_UTF8(&left) && BSON_ITER_HOLDS_UTF8(&right)) {
        uint32_t left_size, right_size;
        const char *left_text = bson_iter_utf8(&left, &left_size);
        const char *right_text = bson_iter_utf8(&right, &right_size);
        const int order = memcmp(left_text, right_text, left_size < right_size ? left_size : right_size);
        return order != 0 ? order : (left_size > right_size) - (left_size < right_size);
    }
    if (BSON_ITER_HOLDS_UTF8(&left) || BSON_ITER_HOLDS_UTF8(&right)) {
        return BSON_ITER_HOLDS_UTF8(&left) ? 1 : -1;
    }
    const int64_t left_number = bson_iter_as_int64(&left), right_number = bson_iter_as_int64(&right);
    return (left_number > right_number) - (left_number < right_number);
}

/* ---- sides --------------------------------------------------------------------------------------------- */

static bool side_next(const comparing *c, side *s, rl_error *err) {
    do {
        if (!mongoc_cursor_next(s->cursor, &s->document)) {
            s->document = NULL;
        }
    } while (s->document && expiry_ms(s->document) <= c->now_ms);
    bson_error_t cause;
    const bson_t *reply;
    return !mongoc_cursor_error_document(s->cursor, &cause, &reply) ||
           rl_mongo_error(err, &cause, reply, "find");
}

static void side_open(side *s, rl_mongo *mongo, const char *collection, int64_t *count) {
    bson_t everything = BSON_INITIALIZER, opts = BSON_INITIALIZER, sort;
    BSON_APPEND_DOCUMENT_BEGIN(&opts, "sort", &sort);
    BSON_APPEND_INT32(&sort, "_id", 1);
    bson_append_document_end(&opts, &sort);
    *s = (side){.mongo = mongo, .client = rl_mongo_take(mongo), .hash = EVP_MD_CTX_new(), .count = count};
    s->collection = mongoc_client_get_collection(s->client, rl_mongo_database(mongo), collection);
    s->cursor = mongoc_collection_find_with_opts(s->collection, &everything, &opts, NULL);
    bson_destroy(&opts);
}

static void side_close(side *s) {
    mongoc_cursor_destroy(s->cursor);
    mongoc_collection_destroy(s->collection);
    rl_mongo_give_back(s->mongo, s->client);
    EVP_MD_CTX_free(s->hash);
}

/* The document at hand belongs to what is compared. */
static bool include(side *s, rl_error *err) {
    (*s->count)++;
    return EVP_DigestUpdate(s->hash, bson_get_data(s->document), s->document->len) == 1 ||
           rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
}

static bool sum_up(side *s, char out[65], rl_error *err) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (EVP_DigestFinal_ex(s->hash, digest, NULL) != 1) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    for (size_t i = 0; i < 32; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
    }
    return true;
}

/* ---- comparing ----------------------------------------------------------------------------------------- */

static void note(comparing *c, const bson_t *document, int64_t *counter, const char *what) {
    bson_iter_t it;
    (*counter)++;
    if (c->result->first_count == RL_COMPARE_FIRST || !bson_iter_init_find(&it, document, "_id")) {
        return;
    }
    rl_difference *difference = &c->result->first[c->result->first_count++];
    difference->what = what;
    if (BSON_ITER_HOLDS_UTF8(&it)) {
        (void)snprintf(difference->id, sizeof difference->id, "%s", bson_iter_utf8(&it, NULL));
    } else {
        (void)snprintf(difference->id, sizeof difference->id, "%lld", (long long)bson_iter_as_int64(&it));
    }
}

static bool went_on(const comparing *c, const bson_t *document) {
    return time_of(c, document) >= c->options->since_us;
}

static bool only_existing(comparing *c, rl_error *err) {
    const bson_t *document = c->existing.document;
    if (went_on(c, document)) {
        c->result->since++;
        return side_next(c, &c->existing, err);
    }
    const bool older = time_of(c, document) < c->options->begins_us;
    note(c, document, older ? &c->result->older : &c->result->missing,
         older ? "older than the log" : "missing");
    return include(&c->existing, err) && side_next(c, &c->existing, err);
}

static bool only_rebuilt(comparing *c, rl_error *err) {
    if (went_on(c, c->rebuilt.document)) {
        c->result->since++;
        return side_next(c, &c->rebuilt, err);
    }
    note(c, c->rebuilt.document, &c->result->unexpected, "not expected");
    return include(&c->rebuilt, err) && side_next(c, &c->rebuilt, err);
}

static bool both(comparing *c, rl_error *err) {
    const bson_t *existing = c->existing.document, *rebuilt = c->rebuilt.document;
    const bool same = existing->len == rebuilt->len &&
                      memcmp(bson_get_data(existing), bson_get_data(rebuilt), existing->len) == 0;
    bool ok = true;
    if (!same && (went_on(c, existing) || went_on(c, rebuilt))) {
        c->result->since++;
    } else {
        if (!same) {
            note(c, existing, &c->result->different, "different");
        }
        ok = include(&c->existing, err) && include(&c->rebuilt, err);
    }
    return ok && side_next(c, &c->existing, err) && side_next(c, &c->rebuilt, err);
}

static bool merge(comparing *c, rl_error *err) {
    if (!c->existing.hash || !c->rebuilt.hash ||
        EVP_DigestInit_ex(c->existing.hash, EVP_sha256(), NULL) != 1 ||
        EVP_DigestInit_ex(c->rebuilt.hash, EVP_sha256(), NULL) != 1) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    bool ok = side_next(c, &c->existing, err) && side_next(c, &c->rebuilt, err);
    while (ok && (c->existing.document || c->rebuilt.document)) {
        const int order = !c->existing.document  ? 1
                          : !c->rebuilt.document ? -1
                                                 : compare_ids(c->existing.document, c->rebuilt.document);
        ok = order < 0 ? only_existing(c, err) : order > 0 ? only_rebuilt(c, err) : both(c, err);
    }
    return ok && sum_up(&c->existing, c->result->existing_sha256, err) &&
           sum_up(&c->rebuilt, c->result->rebuilt_sha256, err);
}

bool rl_compare(rl_mongo *existing, rl_mongo *rebuilt, const char *collection,
                const rl_compare_options *options, rl_database_diff *ret, rl_error *err) {
    *ret = (rl_database_diff){0};
    comparing c = {.options = options, .now_ms = rl_wall_clock_us() / RL_US_PER_MS, .result = ret};
    side_open(&c.existing, existing, collection, &ret->existing);
    side_open(&c.rebuilt, rebuilt, collection, &ret->rebuilt);
    bool ok = merge(&c, err);
    side_close(&c.existing);
    side_close(&c.rebuilt);
    return ok;
}

bool rl_database_diff_is_equal(const rl_database_diff *c) {
    return c->missing + c->older + c->unexpected + c->different == 0;
}
