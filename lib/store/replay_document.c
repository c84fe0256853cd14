/* replay_document.c: see the header. */
#include "lib/store/replay_document.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/utf8.h"

static bool fits(bool appended, rl_error *err) {
    return appended || rl_error_set(err, RL_INVALID, 0, "the document does not fit into BSON");
}

bool rl_held_document_key(const char *id, int64_t generation, char out[RL_STORE_HELD_KEY_BYTES],
                          rl_error *err) {
    if (strlen(id) > RL_STORE_ID_MAX_BYTES) {
        return rl_error_set(err, RL_INVALID, 0, "the record's id is too long");
    }
    snprintf(out, RL_STORE_HELD_KEY_BYTES, "%s/%" PRId64, id, generation);
    return true;
}

bool rl_held_document_write(const rl_finished *finished, int64_t expires_us, bson_t *document,
                            rl_error *err) {
    char key[RL_STORE_HELD_KEY_BYTES];
    bson_t result = BSON_INITIALIZER;
    bool ok = rl_held_document_key(finished->id, finished->generation, key, err) &&
              rl_result_document_write(finished, expires_us, &result, err) &&
              fits(BSON_APPEND_UTF8(document, "_id", key) && BSON_APPEND_UTF8(document, "id", finished->id) &&
                       BSON_APPEND_INT64(document, "generation", finished->generation) &&
                       BSON_APPEND_DOCUMENT(document, "result", &result) &&
                       BSON_APPEND_DATE_TIME(document, "expiresAt", expires_us / RL_US_PER_MS),
                   err);
    bson_destroy(&result);
    return ok;
}

bool rl_held_document_read(const bson_t *held, const char **ret_key, int64_t *ret_generation,
                           bson_t *ret_result) {
    bson_iter_t key, generation, result;
    if (!bson_iter_init_find(&key, held, "_id") || !BSON_ITER_HOLDS_UTF8(&key) ||
        !bson_iter_init_find(&generation, held, "generation") || !BSON_ITER_HOLDS_INT(&generation) ||
        !bson_iter_init_find(&result, held, "result") || !BSON_ITER_HOLDS_DOCUMENT(&result)) {
        return false;
    }
    const uint8_t *bytes;
    uint32_t size;
    bson_iter_document(&result, &size, &bytes);
    if (!bson_init_static(ret_result, bytes, size)) {
        return false;
    }
    *ret_key = bson_iter_utf8(&key, NULL);
    *ret_generation = bson_iter_as_int64(&generation);
    return true;
}

static const char *decision_name(rl_decision decision) {
    return decision == RL_DECISION_APPLIED ? "applied" : "discarded";
}

bool rl_decision_document_write(const rl_replay_decision *what, rl_decision decision, int64_t expires_us,
                                bson_t *document, rl_error *err) {
    const rl_bytes replay = rl_bytes_of(what->replay);
    if (replay.size == 0 || replay.size > RL_STORE_ID_MAX_BYTES || !rl_utf8_valid(replay)) {
        return rl_error_set(err, RL_INVALID, 0, "the replay's id is empty, too long or not UTF-8");
    }
    if (what->generation <= 0) {
        return rl_error_set(err, RL_INVALID, 0, "generation %" PRId64 " is no replay's", what->generation);
    }
    return fits(BSON_APPEND_INT64(document, "_id", what->generation) &&
                    BSON_APPEND_UTF8(document, "replay", what->replay) &&
                    BSON_APPEND_UTF8(document, "decision", decision_name(decision)) &&
                    BSON_APPEND_DATE_TIME(document, "decidedAt", what->decided_us / RL_US_PER_MS) &&
                    BSON_APPEND_INT64(document, "decidedUs", what->decided_us) &&
                    BSON_APPEND_DATE_TIME(document, "expiresAt", expires_us / RL_US_PER_MS),
                err);
}

rl_decision rl_decision_document_read(const bson_t *document, int64_t *ret_generation) {
    bson_iter_t id, decision;
    if (!bson_iter_init_find(&id, document, "_id") || !BSON_ITER_HOLDS_INT(&id) ||
        !bson_iter_init_find(&decision, document, "decision") || !BSON_ITER_HOLDS_UTF8(&decision)) {
        return RL_DECISION_NONE;
    }
    const char *name = bson_iter_utf8(&decision, NULL);
    *ret_generation = bson_iter_as_int64(&id);
    return strcmp(name, "applied") == 0     ? RL_DECISION_APPLIED
           : strcmp(name, "discarded") == 0 ? RL_DECISION_DISCARDED
                                            : RL_DECISION_NONE;
}
