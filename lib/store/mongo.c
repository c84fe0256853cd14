/* mongo.c: the pool and the map of errors. */
#include "lib/store/mongo.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

struct rl_mongo {
    mongoc_uri_t *uri;
    mongoc_client_pool_t *pool;
};

#define DEFAULT_CONNECTIONS 4

/* ---- the pool ------------------------------------------------------------------------------------------ */

static void set_timeout(mongoc_uri_t *uri, const char *option, int64_t timeout_us) {
    if (timeout_us <= 0 || mongoc_uri_has_option(uri, option)) {
        return;
    }
    int64_t ms = timeout_us / RL_US_PER_MS;
    mongoc_uri_set_option_as_int32(uri, option, ms < 1 ? 1 : ms > INT32_MAX ? INT32_MAX : (int32_t)ms);
}

/* What the driver says of a URI may quote it, password and all, and errors are logged: its words are left out. */
static mongoc_uri_t *parse_uri(const rl_mongo_config *config, rl_error *err) {
    bson_error_t cause;
    mongoc_uri_t *uri = mongoc_uri_new_with_error(config->uri, &cause);
    if (!uri) {
        rl_error_set(
            err, RL_INVALID, (int)cause.code,
            "MongoDB URI: it cannot be read (code %u); mongodb://HOST:PORT/DATABASE is expected, and in a "
            "user or password %% : / ? # [ ] @ are written %%25 %%3A %%2F %%3F %%23 %%5B %%5D %%40",
            (unsigned)cause.code);
        return NULL;
    }
    if (!mongoc_uri_get_database(uri) || !*mongoc_uri_get_database(uri)) {
        rl_error_set(err, RL_INVALID, 0, "MongoDB URI: it names no database");
        mongoc_uri_destroy(uri);
        return NULL;
    }
    set_timeout(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, config->select_timeout_us);
    set_timeout(uri, MONGOC_URI_CONNECTTIMEOUTMS, config->connect_timeout_us);
    set_timeout(uri, MONGOC_URI_SOCKETTIMEOUTMS, config->socket_timeout_us);
    set_timeout(uri, MONGOC_URI_WAITQUEUETIMEOUTMS, config->take_timeout_us);
    return uri;
}

rl_mongo *rl_mongo_new(const rl_mongo_config *config, rl_error *err) {
    mongoc_init(); /* libmongoc does it once, however often it is called */
    mongoc_log_set_handler(NULL, NULL);
    RL_CLEANUP(rl_mongo_slot) rl_mongo *mongo = calloc(1, sizeof *mongo);
    if (!mongo) {
        rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return NULL;
    }
    mongo->uri = parse_uri(config, err);
    if (!mongo->uri) {
        return NULL;
    }
    bson_error_t cause;
    mongo->pool = mongoc_client_pool_new_with_error(mongo->uri, &cause);
    if (!mongo->pool) {
        rl_error_set(
            err, RL_INVALID, (int)cause.code,
            "MongoDB client: the driver does not take what the URI says (domain %u, code %u): its options, "
            "TLS files, or with mongodb+srv the host's DNS records",
            (unsigned)cause.domain, (unsigned)cause.code);
        return NULL;
    }
    /* Version 2 tells the server's own codes apart from the driver's. */
    mongoc_client_pool_set_error_api(mongo->pool, MONGOC_ERROR_API_VERSION_2);
    mongoc_client_pool_max_size(mongo->pool, config->connections ? config->connections : DEFAULT_CONNECTIONS);
    if (config->app_name) {
        mongoc_client_pool_set_appname(mongo->pool, config->app_name);
    }
    return RL_STEAL(mongo);
}

void rl_mongo_free(rl_mongo *mongo) {
    if (!mongo) {
        return;
    }
    if (mongo->pool) {
        mongoc_client_pool_destroy(mongo->pool);
    }
    if (mongo->uri) {
        mongoc_uri_destroy(mongo->uri);
    }
    free(mongo);
}

const char *rl_mongo_database(const rl_mongo *mongo) {
    return mongoc_uri_get_database(mongo->uri);
}

mongoc_client_t *rl_mongo_take(rl_mongo *mongo) {
    return mongoc_client_pool_pop(mongo->pool);
}

void rl_mongo_give_back(rl_mongo *mongo, mongoc_client_t *client) {
    mongoc_client_pool_push(mongo->pool, client);
}

/* ---- commands ------------------------------------------------------------------------------------------ */

/* Runs {name: 1} on the admin database. The caller destroys `reply` in any case. */
static bool run_command(rl_mongo *mongo, const char *name, bson_t *reply, rl_error *err) {
    bson_t command = BSON_INITIALIZER;
    bson_append_int32(&command, name, -1, 1);
    bson_error_t cause;
    mongoc_client_t *client = rl_mongo_take(mongo);
    if (!client) {
        bson_init(reply);
        bson_destroy(&command);
        return rl_error_set(err, RL_TRANSIENT, 0, "MongoDB %s: all connections are in use", name);
    }
    bool ok = mongoc_client_command_simple(client, "admin", &command, NULL, reply, &cause);
    rl_mongo_give_back(mongo, client);
    bson_destroy(&command);
    return ok || rl_mongo_error(err, &cause, reply, name);
}

bool rl_mongo_ping(rl_mongo *mongo, rl_error *err) {
    bson_t reply;
    bool ok = run_command(mongo, "ping", &reply, err);
    bson_destroy(&reply);
    return ok;
}

bool rl_mongo_server_version(rl_mongo *mongo, char *out, size_t size, rl_error *err) {
    bson_t reply;
    bool ok = run_command(mongo, "buildInfo", &reply, err);
    if (ok) {
        bson_iter_t it, ferret;
        const char *version = "unknown";
        if (bson_iter_init_find(&it, &reply, "version") && BSON_ITER_HOLDS_UTF8(&it)) {
            version = bson_iter_utf8(&it, NULL);
        }
        if (bson_iter_init(&it, &reply) && bson_iter_find_descendant(&it, "ferretdb.version", &ferret) &&
            BSON_ITER_HOLDS_UTF8(&ferret)) {
            snprintf(out, size, "%s (FerretDB %s)", version, bson_iter_utf8(&ferret, NULL));
        } else {
            snprintf(out, size, "%s", version);
        }
    }
    bson_destroy(&reply);
    return ok;
}

/* ---- errors -------------------------------------------------------------------------------------------- */

rl_error_class rl_mongo_code_class(int code) {
    switch (code) {
    case 2:     /* BadValue */
    case 9:     /* FailedToParse */
    case 14:    /* TypeMismatch */
    case 22:    /* InvalidBSON */
    case 52:    /* DollarPrefixedFieldName */
    case 53:    /* InvalidIdField */
    case 54:    /* NotSingleValueField */
    case 55:    /* InvalidDBRef */
    case 56:    /* EmptyFieldName */
    case 57:    /* DottedFieldName */
    case 121:   /* DocumentValidationFailure */
    case 10334: /* BSONObjectTooLarge */
    case 17280: /* KeyTooLong */
    case 17419: /* the document would be too large after the update */
    case 17420: /* the same, for an upsert */
        return RL_INVALID;
    default:
        return RL_TRANSIENT;
    }
}

/* Codes by which a server speaks about itself. */
static bool names_a_state_of_the_server(int code) {
    switch (code) {
    case 6:     /* HostUnreachable */
    case 7:     /* HostNotFound */
    case 13:    /* Unauthorized */
    case 18:    /* AuthenticationFailed */
    case 24:    /* LockTimeout */
    case 46:    /* LockBusy */
    case 50:    /* MaxTimeMSExpired */
    case 64:    /* WriteConcernTimeout */
    case 89:    /* NetworkTimeout */
    case 91:    /* ShutdownInProgress */
    case 100:   /* UnsatisfiableWriteConcern: too few members are up */
    case 112:   /* WriteConflict */
    case 133:   /* FailedToSatisfyReadPreference */
    case 134:   /* ReadConcernMajorityNotAvailableYet */
    case 189:   /* PrimarySteppedDown */
    case 202:   /* NetworkInterfaceExceededTimeLimit */
    case 262:   /* ExceededTimeLimit */
    case 365:   /* TemporarilyUnavailable */
    case 371:   /* UserWritesBlocked: by an administrator, or because the disk is nearly full */
    case 462:   /* IngressRequestRateLimitExceeded */
    case 8000:  /* AtlasError: quotas among others */
    case 9001:  /* SocketException */
    case 10058: /* the name of NotWritablePrimary before version 3 */
    case 10107: /* NotWritablePrimary */
    case 11600: /* InterruptedAtShutdown */
    case 11601: /* Interrupted */
    case 11602: /* InterruptedDueToReplStateChange */
    case 13388: /* StaleConfig */
    case 13435: /* NotPrimaryNoSecondaryOk */
    case 13436: /* NotPrimaryOrSecondary */
    case 14031: /* OutOfDiskSpace */
        return true;
    default:
        return false;
    }
}

bool rl_mongo_code_is_unclear(int code) {
    return rl_mongo_code_class(code) != RL_INVALID && !names_a_state_of_the_server(code);
}

/* Errors that the driver found by itself, without an answer from the server. */
static rl_error_class driver_class(const bson_error_t *cause) {
    bool argument = cause->domain == MONGOC_ERROR_COMMAND && cause->code == MONGOC_ERROR_COMMAND_INVALID_ARG;
    return cause->domain == MONGOC_ERROR_BSON || argument ? RL_INVALID : RL_TRANSIENT;
}

bool rl_mongo_error(rl_error *err, const bson_error_t *cause, const bson_t *reply, const char *doing) {
    rl_error_class error_class;
    if (reply && (mongoc_error_has_label(reply, "RetryableWriteError") ||
                  mongoc_error_has_label(reply, "TransientTransactionError"))) {
        error_class = RL_TRANSIENT;
    } else if (cause->domain == MONGOC_ERROR_SERVER || cause->domain == MONGOC_ERROR_WRITE_CONCERN) {
        error_class = rl_mongo_code_class((int)cause->code);
    } else {
        error_class = driver_class(cause);
    }
    return rl_error_set(err, error_class, (int)cause->code, "MongoDB %s: %s", doing, cause->message);
}
