/* apply.c: guarded bulk replaces, in two rounds: with insert, and without for what was turned away. */
#include "services/result-sink/apply.h"

#include <stdlib.h>

#include "services/result-sink/bulk_reply.h"

/* By these a server says that something went wrong inside it: its trouble as likely as the document's. A
 * document gets the blame only after this many attempts, with the caller's backoff in between, and only
 * while the server does other writes (server_is_well). */
#define SERVER_INTERNAL_ERROR 1
#define SERVER_UNKNOWN_ERROR 8
#define UNCLEAR_ATTEMPTS 4

typedef struct {
    rl_mongo *mongo;
    const char *collection;
    rl_apply_counts *counts;
    mongoc_client_t *client; /* taken for the run */
    bool insert;             /* first round: upsert */
} run;

typedef enum {
    ACCOUNTED, /* the reply accounts for every operation */
    NOT_NOW,   /* the server is away, or the majority has not confirmed */
    UNCLEAR,   /* something is wrong with at least one operation, and the reply does not say which */
} outcome;

static void append_guard(bson_t *filter, const rl_apply_item *item) {
    bson_t clause;
    BSON_APPEND_UTF8(filter, "_id", item->id);
    BSON_APPEND_DOCUMENT_BEGIN(filter, "generation", &clause);
    BSON_APPEND_INT64(&clause, "$lt", item->generation);
    bson_append_document_end(filter, &clause);
    BSON_APPEND_DOCUMENT_BEGIN(filter, "deleted", &clause);
    BSON_APPEND_BOOL(&clause, "$ne", true);
    bson_append_document_end(filter, &clause);
}

static mongoc_bulk_operation_t *new_bulk(const run *r) {
    bson_t opts = BSON_INITIALIZER, concern;
    BSON_APPEND_BOOL(&opts, "ordered", false);
    BSON_APPEND_DOCUMENT_BEGIN(&opts, "writeConcern", &concern);
    BSON_APPEND_UTF8(&concern, "w", "majority");
    bson_append_document_end(&opts, &concern);
    RL_CLEANUP(rl_mongo_collection_slot)
    mongoc_collection_t *collection =
        mongoc_client_get_collection(r->client, rl_mongo_database(r->mongo), r->collection);
    mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(collection, &opts);
    bson_destroy(&opts);
    return bulk;
}

static bool add_operation(mongoc_bulk_operation_t *bulk, const rl_apply_item *item, bool upsert,
                          bson_error_t *cause) {
    bson_t filter = BSON_INITIALIZER, opts = BSON_INITIALIZER;
    append_guard(&filter, item);
    BSON_APPEND_BOOL(&opts, "upsert", upsert);
    bool ok = mongoc_bulk_operation_replace_one_with_opts(bulk, &filter, item->document, &opts, cause);
    bson_destroy(&filter);
    bson_destroy(&opts);
    return ok;
}

/* Whether matches, inserts and errors add up to all operations. Without insert an operation that matches
 * nothing leaves no trace, so that only the overall outcome can be asked. */
static bool adds_up(const run *r, const rl_bulk_reply *reply, size_t count, bool ok) {
    return r->insert ? reply->matched + reply->upserted + reply->errors == count : ok || reply->errors > 0;
}

/* One bulk of all `items`. `codes` gets each operation's error code. */
static outcome execute(const run *r, rl_apply_item *const *items, size_t count, int *codes,
                       rl_bulk_reply *ret_reply, rl_error *err) {
    RL_CLEANUP(rl_mongo_bulk_slot) mongoc_bulk_operation_t *bulk = new_bulk(r);
    bson_error_t cause = {0};
    for (size_t i = 0; i < count; i++) {
        if (!add_operation(bulk, items[i], r->insert, &cause)) {
            rl_mongo_error(err, &cause, NULL, "replace");
            return UNCLEAR;
        }
    }
    bson_t reply;
    bool ok = mongoc_bulk_operation_execute(bulk, &reply, &cause) != 0;
    outcome result = ACCOUNTED;
    *ret_reply = rl_bulk_reply_read(&reply, codes, count);
    if (ret_reply->unconfirmed) {
        rl_error_set(err, RL_TRANSIENT, (int)cause.code, "MongoDB: the majority has not confirmed the write");
        result = NOT_NOW;
    } else if (!adds_up(r, ret_reply, count, ok)) {
        rl_error why = RL_ERROR_INIT;
        if (ok) {
            rl_error_set(&why, RL_INVALID, 0, "MongoDB: the reply does not account for the write");
        } else {
            rl_mongo_error(&why, &cause, &reply, "bulk replace");
        }
        rl_error_set(err, why.error_class, why.code, "%s", why.message);
        result = why.error_class == RL_INVALID ? UNCLEAR : NOT_NOW;
    }
    bson_destroy(&reply);
    return result;
}

/* Whether the server takes a write that changes nothing: there is no document without a name. */
static bool server_is_well(const run *r) {
    bson_t nothing = BSON_INITIALIZER;
    BSON_APPEND_UTF8(&nothing, "_id", "");
    const rl_apply_item item = {.id = "", .document = &nothing};
    RL_CLEANUP(rl_mongo_bulk_slot) mongoc_bulk_operation_t *bulk = new_bulk(r);
    bson_t reply = BSON_INITIALIZER;
    bson_error_t cause;
    bool ok = add_operation(bulk, &item, false, &cause);
    if (ok) {
        ok = mongoc_bulk_operation_execute(bulk, &reply, &cause) != 0;
    }
    bson_destroy(&reply);
    bson_destroy(&nothing);
    return ok;
}

/* What an error code says about one item. */
static rl_error_class class_for(const run *r, const rl_apply_item *item, int code) {
    bool unclear = code == SERVER_INTERNAL_ERROR || code == SERVER_UNKNOWN_ERROR;
    if (unclear && (item->attempts < UNCLEAR_ATTEMPTS || !server_is_well(r))) {
        return RL_TRANSIENT;
    }
    return rl_mongo_code_class(code);
}

/* What to do about one operation's error code. The server's message may quote the document, so that only
 * the code goes further. false where the item has to wait. */
static bool settle_error(const run *r, rl_apply_item *item, int code, rl_error *err) {
    if (code == RL_MONGO_DUPLICATE_KEY && r->insert) {
        item->turned_away = true;
        return true;
    }
    rl_error_class error_class = class_for(r, item, code);
    rl_error_set(&item->why, error_class, code, "MongoDB replace: the server answered with error %d", code);
    if (error_class == RL_INVALID) {
        item->status = RL_APPLY_REFUSED;
        r->counts->refused++;
        return true;
    }
    return rl_error_set(err, error_class, code, "%s", item->why.message);
}

static bool settle(const run *r, rl_apply_item *const *items, size_t count, const int *codes,
                   const rl_bulk_reply *reply, rl_error *err) {
    bool all = true;
    size_t fine = 0;
    for (size_t i = 0; i < count; i++) {
        if (codes[i] == 0) {
            items[i]->status = RL_APPLY_DONE;
            fine++;
        } else if (!settle_error(r, items[i], codes[i], err)) {
            all = false;
        }
    }
    size_t written = reply->matched + reply->upserted;
    r->counts->applied += (int64_t)written;
    r->counts->stale += fine > written ? (int64_t)(fine - written) : 0;
    return all;
}

/* Writes `items`, in halves where the whole cannot be accounted for. What is done twice by that is found to
 * be stale the second time. */
static bool write_range(const run *r, rl_apply_item *const *items, size_t count, int *codes, rl_error *err) {
    rl_bulk_reply reply;
    rl_error why = RL_ERROR_INIT;
    switch (execute(r, items, count, codes, &reply, &why)) {
    case ACCOUNTED:
        return settle(r, items, count, codes, &reply, err);
    case NOT_NOW:
        return rl_error_set(err, why.error_class, why.code, "%s", why.message);
    case UNCLEAR:
        break;
    }
    if (class_for(r, items[0], why.code) == RL_TRANSIENT) {
        return rl_error_set(err, RL_TRANSIENT, why.code, "%s", why.message);
    }
    if (count > 1) {
        size_t half = count / 2;
        bool first = write_range(r, items, half, codes, err);
        return write_range(r, items + half, count - half, codes, err) && first;
    }
    items[0]->status = RL_APPLY_REFUSED;
    items[0]->why = why;
    r->counts->refused++;
    return true;
}

/* One round over the items that belong to it. */
static bool run_round(const run *r, rl_apply_item *const *items, size_t count, rl_error *err) {
    RL_AUTO_FREE rl_apply_item **chosen = calloc(count, sizeof *chosen);
    RL_AUTO_FREE int *codes = calloc(count, sizeof *codes);
    if (!chosen || !codes) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    size_t chosen_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i]->status == RL_APPLY_PENDING && items[i]->turned_away != r->insert) {
            chosen[chosen_count++] = items[i];
        }
    }
    return chosen_count == 0 || write_range(r, chosen, chosen_count, codes, err);
}

bool rl_apply_run(rl_mongo *mongo, const char *collection, rl_apply_item *const *items, size_t count,
                  rl_apply_counts *counts, rl_error *err) {
    if (count == 0) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        items[i]->attempts += items[i]->status == RL_APPLY_PENDING;
    }
    run r = {.mongo = mongo, .collection = collection, .counts = counts, .insert = true};
    r.client = rl_mongo_take(mongo);
    bool ok = run_round(&r, items, count, err);
    if (ok) {
        r.insert = false;
        ok = run_round(&r, items, count, err);
    }
    rl_mongo_give_back(mongo, r.client);
    return ok;
}
