/* bulk_reply.c: see the header. A reply comes from outside: what has another shape than expected is
 * passed over, and then the counts do not add up, which the caller notices. */
#include "services/result-sink/bulk_reply.h"

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
