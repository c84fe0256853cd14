/* store.c: see store.h.
 *
 * Whether the server stalls is seen from two atomics: how many lookups are under way, and when one last
 * began with no other before it or ended. They need not agree to the microsecond.
 */
#include "services/api/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/stopper.h"
#include "lib/store/result_document.h"

#define SELECT_TIMEOUT_US (2 * RL_US_PER_S)
#define CONNECT_TIMEOUT_US (2 * RL_US_PER_S)
#define SOCKET_TIMEOUT_US (10 * RL_US_PER_S)
#define TAKE_TIMEOUT_US RL_US_PER_S
#define STALL_US (2 * RL_US_PER_S)
#define PING_UP_US (3 * RL_US_PER_S)
#define PING_DOWN_US (RL_US_PER_S / 2)

struct rl_store {
    rl_mongo *mongo;
    _Atomic bool up;
    _Atomic int under_way;       /* lookups that wait for the server's answer */
    _Atomic int64_t progress_us; /* monotonic */
    pthread_t pinger;
    bool pinging;
    rl_stopper stopper;
};

static void *ping(void *context) {
    rl_store *store = context;
    bool up;
    do {
        up = rl_mongo_ping(store->mongo, NULL);
        atomic_store(&store->up, up);
    } while (rl_stopper_pause_us(&store->stopper, up ? PING_UP_US : PING_DOWN_US));
    return NULL;
}

rl_store *rl_store_new(const char *uri, int connections, rl_error *err) {
    RL_AUTO_STORE rl_store *store = calloc(1, sizeof(*store));
    if (!store) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    rl_stopper_init(&store->stopper);
    const rl_mongo_config config = {
        .uri = uri,
        .app_name = "runlog-api",
        .select_timeout_us = SELECT_TIMEOUT_US,
        .connect_timeout_us = CONNECT_TIMEOUT_US,
        .socket_timeout_us = SOCKET_TIMEOUT_US,
        .connections = (uint32_t)connections + 1, /* one for the pinger */
        .take_timeout_us = TAKE_TIMEOUT_US,
    };
    store->mongo = rl_mongo_new(&config, err);
    if (!store->mongo) {
        return NULL;
    }
    const int failed = pthread_create(&store->pinger, NULL, ping, store);
    if (failed) {
        rl_error_set_errno(err, RL_TRANSIENT, failed, "cannot start the MongoDB watch");
        return NULL;
    }
    store->pinging = true;
    return RL_STEAL(store);
}

void rl_store_free(rl_store *store) {
    if (!store) {
        return;
    }
    if (store->pinging) {
        rl_stopper_stop(&store->stopper);
        pthread_join(store->pinger, NULL);
    }
    rl_mongo_free(store->mongo);
    rl_stopper_destroy(&store->stopper);
    free(store);
}

static rl_store_status read_document(const bson_t *document, rl_arena *arena, rl_finished *ret,
                                     rl_error *err) {
    if (rl_result_document_is_deleted(document)) {
        return RL_STORE_DELETED;
    }
    return rl_result_document_read(document, arena, ret, err) ? RL_STORE_FOUND : RL_STORE_FAILED;
}

static rl_store_status find_one(mongoc_collection_t *collection, const bson_t *filter, rl_arena *arena,
                                rl_finished *ret, rl_error *err) {
    const bson_t *document;
    bson_error_t cause;
    rl_store_status status = RL_STORE_ABSENT;
    bson_t options = BSON_INITIALIZER;
    bson_append_int64(&options, "limit", -1, 1);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(collection, filter, &options, NULL);
    if (mongoc_cursor_next(cursor, &document)) {
        status = read_document(document, arena, ret, err);
    } else if (mongoc_cursor_error(cursor, &cause)) {
        rl_mongo_error(err, &cause, NULL, "cannot look up a result");
        status = RL_STORE_FAILED;
    }
    mongoc_cursor_destroy(cursor);
    bson_destroy(&options);
    return status;
}

/* --- one lookup --- */

static void begin(rl_store *store) {
    if (atomic_load(&store->under_way) == 0) {
        atomic_store(&store->progress_us, rl_clock_us());
    }
    atomic_fetch_add(&store->under_way, 1);
}

static void end(rl_store *store) {
    atomic_store(&store->progress_us, rl_clock_us());
    atomic_fetch_sub(&store->under_way, 1);
}

static bool stalls(const rl_store *store) {
    return atomic_load(&store->under_way) > 0 && rl_clock_us() - atomic_load(&store->progress_us) > STALL_US;
}

bool rl_store_up(const rl_store *store) {
    return atomic_load(&store->up) && !stalls(store);
}

static rl_store_status ask(rl_store *store, mongoc_client_t *client, const char *id, rl_arena *arena,
                           rl_finished *ret, rl_error *err) {
    bson_t filter = BSON_INITIALIZER;
    bson_append_utf8(&filter, "_id", -1, id, -1);
    mongoc_collection_t *collection =
        mongoc_client_get_collection(client, rl_mongo_database(store->mongo), RL_STORE_COLLECTION);
    begin(store);
    const rl_store_status status = find_one(collection, &filter, arena, ret, err);
    end(store);
    mongoc_collection_destroy(collection);
    bson_destroy(&filter);
    return status;
}

static rl_store_status refuse(rl_error *err, const char *why) {
    rl_error_set(err, RL_TRANSIENT, 0, "%s", why);
    return RL_STORE_FAILED;
}

rl_store_status rl_store_find(rl_store *store, const char *id, rl_arena *arena, rl_finished *ret,
                              rl_error *err) {
    static const char away[] = "MongoDB does not answer";
    rl_error reason = RL_ERROR_INIT;
    if (!rl_store_up(store)) {
        return refuse(err, away);
    }
    mongoc_client_t *client = rl_mongo_take(store->mongo);
    if (!client) {
        return refuse(err, "all connections to MongoDB are in use");
    }
    /* Looked at again: the wait for the connection may have been the beginning of an outage. */
    if (!rl_store_up(store)) {
        rl_mongo_give_back(store->mongo, client);
        return refuse(err, away);
    }
    const rl_store_status status = ask(store, client, id, arena, ret, &reason);
    rl_mongo_give_back(store->mongo, client);
    if (status == RL_STORE_FAILED && reason.error_class == RL_TRANSIENT) {
        atomic_store(&store->up, false); /* until the pinger says otherwise */
    }
    if (err) {
        *err = reason;
    }
    return status;
}
