/* retention.c: the date and the indexes. */
#include "lib/sink/retention.h"

#include "lib/base/clock.h"

/* A submission stays on its topic for seven days; the eighth is for its time in the queue of a replay. */
#define LATEST_RESULT_US (INT64_C(8) * 86400 * RL_US_PER_S)

static int64_t later_us(int64_t from_us, int64_t us) {
    return from_us > INT64_MAX - us ? INT64_MAX : from_us + us;
}

int64_t rl_retention_expires_us(const rl_finished *finished, int64_t logged_us, int64_t retention_us) {
    const int64_t times[] = {finished->finished_us, finished->started_us, finished->queued_us, logged_us};
    int64_t from = 0;
    for (size_t i = 0; i < sizeof times / sizeof times[0] && from <= 0; i++) {
        from = times[i];
    }
    return later_us(from, retention_us);
}

int64_t rl_retention_deleted_us(const rl_deleted *deleted, int64_t logged_us, int64_t retention_us) {
    const int64_t from = deleted->deleted_us > 0 ? deleted->deleted_us : logged_us;
    return later_us(later_us(from, retention_us), LATEST_RESULT_US);
}

int64_t rl_retention_decided_us(const rl_replay_decision *decision, int64_t logged_us, int64_t retention_us) {
    const int64_t from = decision->decided_us > 0 ? decision->decided_us : logged_us;
    return later_us(later_us(from, retention_us), LATEST_RESULT_US);
}

static void append_index(bson_t *indexes, const char *position, const char *name, bool expires,
                         const char *first, const char *second) {
    bson_t index, key;
    BSON_APPEND_DOCUMENT_BEGIN(indexes, position, &index);
    BSON_APPEND_DOCUMENT_BEGIN(&index, "key", &key);
    BSON_APPEND_INT32(&key, first, 1);
    if (second) {
        BSON_APPEND_INT32(&key, second, -1);
    }
    bson_append_document_end(&index, &key);
    BSON_APPEND_UTF8(&index, "name", name);
    if (expires) {
        BSON_APPEND_INT32(&index, "expireAfterSeconds", 0);
    }
    bson_append_document_end(indexes, &index);
}

/* Codes that trying again does not cure: CannotCreateIndex, IndexAlreadyExists, IndexOptionsConflict,
 * IndexKeySpecsConflict. */
static bool stands_in_the_way(const bson_error_t *cause) {
    return cause->domain == MONGOC_ERROR_SERVER &&
           (cause->code == 67 || cause->code == 68 || cause->code == 85 || cause->code == 86);
}

/* One more index of a collection, beside the one for expiry. */
typedef struct {
    const char *name, *first, *second;
} index_spec;

static bool ensure(rl_mongo *mongo, const char *collection, const index_spec *specs, size_t count,
                   rl_error *err) {
    static const char *const positions[] = {"1", "2"};
    bson_t command = BSON_INITIALIZER, indexes, reply;
    BSON_APPEND_UTF8(&command, "createIndexes", collection);
    BSON_APPEND_ARRAY_BEGIN(&command, "indexes", &indexes);
    append_index(&indexes, "0", "expiry", true, "expiresAt", NULL);
    for (size_t i = 0; i < count; i++) {
        append_index(&indexes, positions[i], specs[i].name, false, specs[i].first, specs[i].second);
    }
    bson_append_array_end(&command, &indexes);

    mongoc_client_t *client = rl_mongo_take(mongo);
    bson_error_t cause;
    bool ok = mongoc_client_command_simple(client, rl_mongo_database(mongo), &command, NULL, &reply, &cause);
    rl_mongo_give_back(mongo, client);
    if (!ok) {
        rl_mongo_error(err, &cause, &reply, "createIndexes");
        if (err && stands_in_the_way(&cause)) {
            err->error_class = RL_INVALID;
        }
    }
    bson_destroy(&reply);
    bson_destroy(&command);
    return ok;
}

bool rl_retention_ensure_indexes(rl_mongo *mongo, const rl_sink_collections *names, rl_error *err) {
    const index_spec results[] = {{"tenant_finished", "submission.tenant", "finishedAt"}};
    const index_spec held[] = {{"generation", "generation", NULL}, {"id", "id", NULL}};
    const bool replays_made = ensure(mongo, names->replays, NULL, 0, err);
    const bool held_made = ensure(mongo, names->held, held, 2, err);
    return ensure(mongo, names->results, results, 1, err) && held_made && replays_made;
}
