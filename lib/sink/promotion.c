/* promotion.c: see the header. */
#include "lib/sink/promotion.h"

#include <stdlib.h>
#include <string.h>

#include "lib/sink/held.h"

struct rl_promotion {
    size_t max_records, max_bytes;
    size_t count;
    size_t bytes;
    bool failed; /* memory was short */
    char **keys; /* of held documents; as the following, `count` of `max_records` */
    bson_t **results;
    rl_apply_item *items;
    rl_apply_item **pointers;
};

rl_promotion *rl_promotion_new(size_t max_records, size_t max_bytes) {
    rl_promotion *p = calloc(1, sizeof *p);
    if (!p) {
        return NULL;
    }
    p->max_records = max_records;
    p->max_bytes = max_bytes;
    p->keys = calloc(max_records, sizeof *p->keys);
    p->results = calloc(max_records, sizeof *p->results);
    p->items = calloc(max_records, sizeof *p->items);
    p->pointers = calloc(max_records, sizeof *p->pointers);
    if (!p->keys || !p->results || !p->items || !p->pointers) {
        rl_promotion_free(p);
        return NULL;
    }
    return p;
}

static void let_go(rl_promotion *p) {
    for (size_t i = 0; i < p->count; i++) {
        free(p->keys[i]);
        bson_destroy(p->results[i]);
    }
    p->count = p->bytes = 0;
}

void rl_promotion_free(rl_promotion *p) {
    if (!p) {
        return;
    }
    let_go(p);
    free(p->keys);
    free(p->results);
    free(p->items);
    free(p->pointers);
    free(p);
}

/* ---- taking -------------------------------------------------------------------------------------------- */

/* One that has another form was changed by hand: it stays where it is. */
static bool take_one(void *context, const bson_t *held) {
    rl_promotion *p = context;
    const char *key;
    int64_t generation;
    bson_t result;
    if (!rl_held_document_read(held, &key, &generation, &result)) {
        return true;
    }
    bson_t *copy = bson_copy(&result);
    char *own = strdup(key);
    if (!own || !copy) {
        free(own);
        bson_destroy(copy);
        p->failed = true;
        return false;
    }
    p->keys[p->count] = own;
    p->results[p->count] = copy;
    p->items[p->count] = (rl_apply_item){.generation = generation, .document = copy};
    p->pointers[p->count] = &p->items[p->count];
    p->count++;
    p->bytes += copy->len;
    return p->count < p->max_records && p->bytes < p->max_bytes;
}

static bool take(rl_promotion *p, rl_mongo *mongo, const rl_sink_collections *names, bson_t *filter,
                 bool *ret_more, rl_error *err) {
    bson_t clause;
    BSON_APPEND_DOCUMENT_BEGIN(filter, "refused", &clause);
    BSON_APPEND_BOOL(&clause, "$ne", true);
    bson_append_document_end(filter, &clause);
    p->failed = false;
    bool ok = rl_query_find(mongo, names->held, filter, NULL, (int64_t)p->max_records, take_one, p, err);
    if (ok && p->failed) {
        ok = rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    if (!ok) {
        let_go(p);
    }
    *ret_more = p->count == p->max_records || p->bytes >= p->max_bytes;
    return ok;
}

bool rl_promotion_take_generation(rl_promotion *p, rl_mongo *mongo, const rl_sink_collections *names,
                                  int64_t generation, bool *ret_more, rl_error *err) {
    bson_t filter = BSON_INITIALIZER;
    BSON_APPEND_INT64(&filter, "generation", generation);
    bool ok = take(p, mongo, names, &filter, ret_more, err);
    bson_destroy(&filter);
    return ok;
}

bool rl_promotion_take_keys(rl_promotion *p, rl_mongo *mongo, const rl_sink_collections *names,
                            const rl_bytes *keys, size_t count, bool *ret_more, rl_error *err) {
    bson_t filter = BSON_INITIALIZER;
    *ret_more = false;
    rl_query_in(&filter, "_id", keys, count);
    bool ok = count == 0 || take(p, mongo, names, &filter, ret_more, err);
    bson_destroy(&filter);
    return ok;
}

/* ---- finishing ----------------------------------------------------------------------------------------- */

/* All of it is written or refused. */
static bool clear_away(const rl_promotion *p, rl_mongo *mongo, const rl_sink_collections *names,
                       rl_error *err) {
    size_t done = 0;
    RL_AUTO_FREE rl_bytes *keys = calloc(p->count, sizeof *keys);
    if (!keys) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    for (size_t i = 0; i < p->count; i++) {
        if (p->items[i].status == RL_APPLY_DONE) {
            keys[done++] = rl_bytes_of(p->keys[i]);
        } else if (!rl_held_mark_refused(mongo, names, p->keys[i], err)) {
            return false;
        }
    }
    return rl_held_remove(mongo, names, keys, done, NULL, err);
}

bool rl_promotion_finish(rl_promotion *p, rl_mongo *mongo, const rl_sink_collections *names,
                         rl_patience patience, rl_promotion_counts *counts, rl_error *err) {
    if (p->count == 0) {
        return true;
    }
    rl_apply_counts applied = {0};
    const rl_apply_target target = {mongo, names->results, patience};
    bool ok = rl_apply_run(&target, p->pointers, p->count, &applied, err);
    counts->promoted += applied.applied;
    counts->outdone += applied.stale;
    counts->refused += applied.refused;
    if (!ok || !clear_away(p, mongo, names, err)) {
        return false;
    }
    let_go(p);
    return true;
}

size_t rl_promotion_suspects(const rl_promotion *p) {
    size_t suspects = 0;
    for (size_t i = 0; i < p->count; i++) {
        suspects += p->items[i].status == RL_APPLY_PENDING && p->items[i].suspicion.on;
    }
    return suspects;
}
