/* apply.c: guarded bulk replaces: suspects alone, then the rest in two rounds, with insert and without for what
 * was turned away. */
#include "lib/sink/apply.h"

#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/sink/bulk_reply.h"
#include "lib/sink/sentinel.h"

typedef struct {
    const rl_apply_target *target;
    rl_apply_counts *counts;
    mongoc_client_t *client; /* taken for the run */
    bool insert;             /* first round: upsert */
    bool ill;                /* found in this run: the server does not take writes, or is away */
    bool sentinel_failed;    /* why it is ill */
    size_t suspects;         /* pending ones */
} run;

typedef enum {
    ACCOUNTED, /* the reply accounts for every operation */
    NOT_NOW,   /* the server is away or names its own state, or the majority has not confirmed */
    UNCLEAR,   /* something is wrong with at least one operation, and the reply does not say which */
} outcome;

static void append_guard(bson_t *filter, const rl_apply_item *item) {
    bson_t clause;
    bson_iter_t id;
    if (bson_iter_init_find(&id, item->document, "_id")) {
        bson_append_iter(filter, "_id", -1, &id);
    }
    if (!item->deleted) {
        BSON_APPEND_DOCUMENT_BEGIN(filter, "generation", &clause);
        BSON_APPEND_INT64(&clause, "$lt", item->generation);
        bson_append_document_end(filter, &clause);
    }
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
        mongoc_client_get_collection(r->client, rl_mongo_database(r->target->mongo), r->target->collection);
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

/* What a bulk that left operations unaccounted for says about them. */
static outcome explain(const bson_error_t *cause, const bson_t *reply, bool ok, rl_error *err) {
    if (ok) {
        rl_error_set(err, RL_TRANSIENT, 0, "MongoDB: the reply does not account for the write");
        return UNCLEAR;
    }
    rl_mongo_error(err, cause, reply, "bulk replace");
    bool unclear = cause->domain == MONGOC_ERROR_SERVER && rl_mongo_code_is_unclear((int)cause->code) &&
                   !mongoc_error_has_label(reply, "RetryableWriteError");
    return unclear || err->error_class == RL_INVALID ? UNCLEAR : NOT_NOW;
}

/* One bulk of all `items`. `codes` gets each operation's error code; `err` is filled unless ACCOUNTED. */
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
    } else if (!rl_bulk_reply_is_complete(ret_reply, count, r->insert, ok)) {
        result = explain(&cause, &reply, ok, err);
    }
    bson_destroy(&reply);
    return result;
}

/* Whether nothing speaks against the server when another document of that size is written now. Once something
 * does, it counts as ill for this run. */
static bool server_is_well(run *r, const rl_apply_item *item) {
    if (!r->ill && rl_sentinel_write(r->client, rl_mongo_database(r->target->mongo), r->target->collection,
                                     item->document->len) == RL_SENTINEL_FAILED) {
        r->ill = r->sentinel_failed = true;
    }
    return !r->ill;
}

/* What `item->why` means for an item that failed. true: it is refused. false: it has to wait. */
static bool judge(run *r, rl_apply_item *item) {
    bool blamed = item->why.error_class == RL_INVALID, suspect = item->suspicion.on;
    if (!blamed && !rl_mongo_code_is_unclear(item->why.code)) {
        return false;
    }
    if (!blamed && !suspect && r->suspects >= RL_APPLY_SUSPECTS) {
        return false; /* its turn comes */
    }
    if (!server_is_well(r, item)) {
        return false;
    }
    if (!blamed && !suspect) {
        r->suspects++;
        rl_suspicion_raise(&item->suspicion);
        return false;
    }
    if (!blamed && !rl_suspicion_strike(&item->suspicion, &r->target->patience, rl_clock_us())) {
        return false;
    }
    item->why.error_class = RL_INVALID;
    item->status = RL_APPLY_REFUSED;
    r->counts->refused++;
    r->suspects -= suspect;
    return true;
}

static bool judge_or_wait(run *r, rl_apply_item *item, rl_error *err) {
    return judge(r, item) || rl_error_set(err, RL_TRANSIENT, item->why.code, "%s", item->why.message);
}

/* What to do about one operation's error code. The server's message may quote the document, so that only
 * the code goes further. false where the item has to wait. */
static bool settle_error(run *r, rl_apply_item *item, int code, rl_error *err) {
    if (code == RL_MONGO_DUPLICATE_KEY && r->insert) {
        item->turned_away = true;
        return true;
    }
    if (code == RL_BULK_DUPLICATE_ELSEWHERE) {
        rl_error_set(&item->why, RL_TRANSIENT, RL_MONGO_DUPLICATE_KEY,
                     "MongoDB replace: a unique index other than that of _id is in the way");
    } else {
        rl_error_set(&item->why, rl_mongo_code_class(code), code,
                     "MongoDB replace: the server answered with error %d", code);
    }
    return judge_or_wait(r, item, err);
}

static bool settle(run *r, rl_apply_item *const *items, size_t count, const int *codes,
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
 * be stale the second time. Nothing is sent to a server that was found to be ill: each try could last as long as the
 * time-outs do, and the group hears nothing from us meanwhile. */
static bool write_range(run *r, rl_apply_item *const *items, size_t count, int *codes, rl_error *err) {
    if (r->ill) {
        return false; /* `err` is filled: by what found it out */
    }
    rl_bulk_reply reply;
    rl_error why = RL_ERROR_INIT;
    outcome result = execute(r, items, count, codes, &reply, &why);
    if (result == ACCOUNTED) {
        return settle(r, items, count, codes, &reply, err);
    }
    if (result == UNCLEAR && count == 1) {
        items[0]->why = why;
        return judge_or_wait(r, items[0], err);
    }
    r->ill = r->ill || result == NOT_NOW;
    if (r->ill || !server_is_well(r, items[0])) {
        return rl_error_set(err, RL_TRANSIENT, why.code, "%s", why.message);
    }
    size_t half = count / 2;
    bool first = write_range(r, items, half, codes, err);
    return write_range(r, items + half, count - half, codes, err) && first;
}

/* One round over the items that belong to it. */
static bool run_round(run *r, rl_apply_item *const *items, size_t count, bool insert, rl_error *err) {
    RL_AUTO_FREE rl_apply_item **chosen = calloc(count, sizeof *chosen);
    RL_AUTO_FREE int *codes = calloc(count, sizeof *codes);
    if (!chosen || !codes) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    size_t chosen_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i]->status == RL_APPLY_PENDING && !items[i]->suspicion.on &&
            items[i]->turned_away != insert) {
            chosen[chosen_count++] = items[i];
        }
    }
    r->insert = insert;
    return chosen_count == 0 || write_range(r, chosen, chosen_count, codes, err);
}

/* Each suspect alone. */
static bool run_suspects(run *r, rl_apply_item *const *items, size_t count, rl_error *err) {
    bool all = true;
    int code;
    for (size_t i = 0; i < count && !r->ill; i++) {
        rl_apply_item *item = items[i];
        if (item->status != RL_APPLY_PENDING || !item->suspicion.on) {
            continue;
        }
        r->insert = true;
        bool settled = write_range(r, &item, 1, &code, err);
        if (settled && item->status == RL_APPLY_PENDING) { /* turned away just now */
            r->insert = false;
            settled = write_range(r, &item, 1, &code, err);
        }
        all = all && settled;
    }
    return all && !r->ill;
}

static size_t count_suspects(rl_apply_item *const *items, size_t count) {
    size_t suspects = 0;
    for (size_t i = 0; i < count; i++) {
        suspects += items[i]->status == RL_APPLY_PENDING && items[i]->suspicion.on;
    }
    return suspects;
}

bool rl_apply_run(const rl_apply_target *target, rl_apply_item *const *items, size_t count,
                  rl_apply_counts *counts, rl_error *err) {
    if (count == 0) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        items[i]->attempts += items[i]->status == RL_APPLY_PENDING;
        items[i]->turned_away = false;
    }
    run r = {.target = target, .counts = counts, .suspects = count_suspects(items, count)};
    r.client = rl_mongo_take(target->mongo);
    bool suspects = run_suspects(&r, items, count, err);
    bool rest = !r.ill && run_round(&r, items, count, true, err);
    rest = !r.ill && run_round(&r, items, count, false, err) && rest;
    for (size_t i = 0; r.sentinel_failed && i < count; i++) {
        rl_suspicion_clear(&items[i]->suspicion);
    }
    rl_mongo_give_back(target->mongo, r.client);
    return suspects && rest;
}
