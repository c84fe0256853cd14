/* bulk_reply.c: see the header. A reply comes from outside: what has another shape than expected is
 * passed over, and then the counts do not add up, which the caller notices. */
#include "lib/sink/bulk_reply.h"

#include <string.h>

#include "lib/store/mongo.h"

#define UNNAMED_ERROR 8 /* UnknownError: an entry of writeErrors without a code */

static size_t read_count(const bson_t *reply, const char *key) {
    bson_iter_t it;
    if (!bson_iter_init_find(&it, reply, key) || !BSON_ITER_HOLDS_INT(&it)) {
        return 0;
    }
    int64_t count = bson_iter_as_int64(&it);
    return count > 0 ? (size_t)count : 0;
}

/* Opens the array `key`; false where there is none. */
static bool open_array(const bson_t *reply, const char *key, bson_iter_t *ret_entries) {
    bson_iter_t it;
    return bson_iter_init_find(&it, reply, key) && BSON_ITER_HOLDS_ARRAY(&it) &&
           bson_iter_recurse(&it, ret_entries);
}

static bool is_only_id(const bson_iter_t *pattern) {
    bson_iter_t key;
    return bson_iter_recurse(pattern, &key) && bson_iter_next(&key) && BSON_ITER_IS_KEY(&key, "_id") &&
           !bson_iter_next(&key);
}

/* What follows "index: " in a message such as "E11000 duplicate key error collection: db.c index: _id_ dup key:
 * { _id: "x" }", or "Index '" in "Duplicate key violation on the requested collection: Index '_id_'". The name comes
 * before anything that a document could have written. */
static bool names_another_index(const char *message) {
    const char *name = strstr(message, "index: ");
    name = name ? name + strlen("index: ") : strstr(message, "Index '");
    if (!name) {
        return false;
    }
    name += strncmp(name, "Index '", strlen("Index '")) == 0 ? strlen("Index '") : 0;
    return strncmp(name, "_id_", 4) != 0 || (name[4] != '\0' && name[4] != ' ' && name[4] != '\'');
}

/* Of an entry of code 11000. What says nothing means _id, which nearly always it is. */
static bool is_duplicate_elsewhere(const bson_iter_t *entry) {
    bson_iter_t it;
    if (bson_iter_recurse(entry, &it) && bson_iter_find(&it, "keyPattern") && BSON_ITER_HOLDS_DOCUMENT(&it)) {
        return !is_only_id(&it);
    }
    return bson_iter_recurse(entry, &it) && bson_iter_find(&it, "errmsg") && BSON_ITER_HOLDS_UTF8(&it) &&
           names_another_index(bson_iter_utf8(&it, NULL));
}

/* {index, code, ...}; the index is -1 where it is missing. */
static void read_entry(bson_iter_t *entry, int64_t *ret_index, int *ret_code) {
    *ret_index = -1;
    *ret_code = UNNAMED_ERROR;
    while (bson_iter_next(entry)) {
        if (!BSON_ITER_HOLDS_INT(entry)) {
            continue;
        }
        int64_t value = bson_iter_as_int64(entry);
        if (BSON_ITER_IS_KEY(entry, "index")) {
            *ret_index = value;
        } else if (BSON_ITER_IS_KEY(entry, "code") && value > 0 && value <= INT32_MAX) {
            *ret_code = (int)value;
        }
    }
}

rl_bulk_reply rl_bulk_reply_read(const bson_t *reply, int *codes, size_t count) {
    rl_bulk_reply result = {.matched = read_count(reply, "nMatched"),
                            .upserted = read_count(reply, "nUpserted")};
    for (size_t i = 0; i < count; i++) {
        codes[i] = 0;
    }
    bson_iter_t entries, entry;
    result.unconfirmed = open_array(reply, "writeConcernErrors", &entries) && bson_iter_next(&entries);
    if (!open_array(reply, "writeErrors", &entries)) {
        return result;
    }
    while (bson_iter_next(&entries)) {
        int64_t index;
        int code;
        if (!BSON_ITER_HOLDS_DOCUMENT(&entries) || !bson_iter_recurse(&entries, &entry)) {
            continue;
        }
        read_entry(&entry, &index, &code);
        if (code == RL_MONGO_DUPLICATE_KEY && is_duplicate_elsewhere(&entries)) {
            code = RL_BULK_DUPLICATE_ELSEWHERE;
        }
        if (index >= 0 && (uint64_t)index < count && codes[index] == 0) {
            codes[index] = code;
            result.errors++;
        }
    }
    return result;
}

bool rl_bulk_reply_is_complete(const rl_bulk_reply *reply, size_t count, bool upsert, bool ok) {
    return upsert ? reply->matched + reply->upserted + reply->errors == count : ok;
}
