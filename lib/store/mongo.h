/* mongo.h: a pool of MongoDB connections, and what its errors mean to us.
 *
 * Thin: it settles the timeouts, the error format and the thread rules in one place, and otherwise hands out
 * libmongoc's own objects. libmongoc's pool watches the servers from a thread of its own; a client taken from
 * it belongs to one thread until it is given back. A server that is away is no error at creation: the first
 * operation says so, after `select_timeout_us` at the latest.
 *
 * Thread: rl_mongo itself by any number; a client or a collection by the one that took it.
 */
#ifndef RL_STORE_MONGO_H
#define RL_STORE_MONGO_H

#include <mongoc/mongoc.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

#include <stdint.h>

typedef struct rl_mongo rl_mongo;

typedef struct {
    const char *uri;           /* mongodb://host:port/database?options; its options win over what follows */
    const char *app_name;      /* shown in the server's logs */
    int64_t select_timeout_us; /* how long an operation looks for a server that can do it */
    int64_t connect_timeout_us;
    int64_t socket_timeout_us; /* the longest that one answer may take */
    uint32_t connections;      /* clients at once; rl_mongo_take waits for the next one. 0: 4 */
    int64_t take_timeout_us;   /* how long it waits at most; 0: for ever */
} rl_mongo_config;

/* Nothing is connected yet. INVALID where the URI does not parse or names no database; TRANSIENT when
 * memory is short. Silences libmongoc's own log lines, for the whole process. */
rl_mongo *rl_mongo_new(const rl_mongo_config *config, rl_error *err);

/* All clients must have been given back. NULL is fine. */
void rl_mongo_free(rl_mongo *mongo);

/* The database that the URI names. */
const char *rl_mongo_database(const rl_mongo *mongo);

/* A connection for the calling thread. Waits while all are taken: for ever, so that it is never NULL, or for
 * `take_timeout_us` where that was set. */
mongoc_client_t *rl_mongo_take(rl_mongo *mongo);
void rl_mongo_give_back(rl_mongo *mongo, mongoc_client_t *client);

/* Asks the server for an answer. Takes at most the timeouts of the configuration. */
bool rl_mongo_ping(rl_mongo *mongo, rl_error *err);

/* What the server calls itself: "7.0.77 (FerretDB 2.7.0)" or "8.0.4". For logs and tests. */
bool rl_mongo_server_version(rl_mongo *mongo, char *out, size_t size, rl_error *err);

/* Fills `err` from what libmongoc reported; `reply` (may be NULL) is the reply that came with it. TRANSIENT: no
 * server reachable, connection lost, and whatever the server answers that does not blame the document: it is the
 * server's state then, or may be, and trying again is right however long that takes (no primary, disk full, quota,
 * blocked writes, lost privileges, an error inside it). INVALID: what was asked for will never do. */
bool rl_mongo_error(rl_error *err, const bson_error_t *cause, const bson_t *reply, const char *doing);

/* The class of a server's error code, as it stands in writeErrors and writeConcernErrors too: INVALID where it
 * blames a document, TRANSIENT for every other code, known or not. Source of the codes: MongoDB's
 * error_codes.yml and the retryable-writes specification. */
rl_error_class rl_mongo_code_class(int code);

/* Whether a code neither blames the document nor names a state of the server, so that it may be either's fault:
 * InternalError, UnknownError, and all codes that this build does not know. */
bool rl_mongo_code_is_unclear(int code);

/* "duplicate key": what an upsert meets when its guard turned away a document that is there. */
#define RL_MONGO_DUPLICATE_KEY 11000

RL_DEFINE_CLEANUP(rl_mongo_slot, rl_mongo, rl_mongo_free)
RL_DEFINE_CLEANUP(rl_mongo_collection_slot, mongoc_collection_t, mongoc_collection_destroy)
RL_DEFINE_CLEANUP(rl_mongo_bulk_slot, mongoc_bulk_operation_t, mongoc_bulk_operation_destroy)
#define RL_AUTO_MONGO RL_CLEANUP(rl_mongo_slot)

#endif
