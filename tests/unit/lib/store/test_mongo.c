#include "lib/store/mongo.h"

#include "tests/support/suite.h"

static rl_error_class class_of(uint32_t domain, uint32_t code, const bson_t *reply) {
    bson_error_t cause;
    rl_error err = RL_ERROR_INIT;
    bson_set_error(&cause, domain, code, "said so");
    ck_assert(!rl_mongo_error(&err, &cause, reply, "replace"));
    ck_assert_str_eq(err.message, "MongoDB replace: said so");
    return err.error_class;
}

START_TEST(no_server_no_connection_and_no_primary_are_transient) {
    ck_assert_int_eq(class_of(MONGOC_ERROR_SERVER_SELECTION, MONGOC_ERROR_SERVER_SELECTION_FAILURE, NULL),
                     RL_TRANSIENT);
    ck_assert_int_eq(class_of(MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, NULL), RL_TRANSIENT);
    ck_assert_int_eq(class_of(MONGOC_ERROR_SERVER, 10107, NULL), RL_TRANSIENT);
    ck_assert_int_eq(class_of(MONGOC_ERROR_SERVER, 91, NULL), RL_TRANSIENT);
}
END_TEST

START_TEST(what_a_server_says_about_itself_is_transient) {
    static const uint32_t codes[] = {13, 18, 91, 262, 371, 8000, 10107, 14031};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        ck_assert_int_eq(class_of(MONGOC_ERROR_SERVER, codes[i], NULL), RL_TRANSIENT);
        ck_assert(!rl_mongo_code_is_unclear((int)codes[i]));
    }
    ck_assert_int_eq(class_of(MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE, NULL), RL_TRANSIENT);
}
END_TEST

START_TEST(a_code_that_blames_nobody_is_transient_and_unclear) {
    static const uint32_t codes[] = {1, 8, 73, 166, 424242};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        ck_assert_int_eq(class_of(MONGOC_ERROR_SERVER, codes[i], NULL), RL_TRANSIENT);
        ck_assert(rl_mongo_code_is_unclear((int)codes[i]));
    }
    ck_assert(!rl_mongo_code_is_unclear(121));
}
END_TEST

START_TEST(a_document_that_does_not_fit_is_invalid) {
    ck_assert_int_eq(class_of(MONGOC_ERROR_BSON, MONGOC_ERROR_BSON_INVALID, NULL), RL_INVALID);
    ck_assert_int_eq(class_of(MONGOC_ERROR_SERVER, 10334, NULL), RL_INVALID);
}
END_TEST

START_TEST(the_servers_label_wins_over_the_code) {
    bson_t reply = BSON_INITIALIZER, labels;
    BSON_APPEND_ARRAY_BEGIN(&reply, "errorLabels", &labels);
    BSON_APPEND_UTF8(&labels, "0", "RetryableWriteError");
    bson_append_array_end(&reply, &labels);
    ck_assert_int_eq(class_of(MONGOC_ERROR_SERVER, 4242, &reply), RL_TRANSIENT);
    bson_destroy(&reply);
}
END_TEST

START_TEST(a_uri_must_parse_and_name_a_database) {
    const char *const uris[] = {"http://mongo/runlog", "mongodb://mongo:27017", "mongodb://mongo:27017/", ""};
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        rl_error err = RL_ERROR_INIT;
        const rl_mongo_config config = {.uri = uris[i]};
        ck_assert_ptr_null(rl_mongo_new(&config, &err));
        ck_assert_int_eq(err.error_class, RL_INVALID);
    }
}
END_TEST

START_TEST(an_error_about_a_uri_never_quotes_it) {
    const char *const uris[] = {
        "mongodb://runlog:s3:cret@mongo:27017/runlog",
        "mongodb://runlog:s3@cret@mongo:27017/runlog",
        "mongodb://runlog:s3/cret@mongo:27017/runlog",
        "mongodb://runlog:s3%cret@mongo:27017/runlog",
        "mongodb://runlog:s3:cret",
        "mongodb://s3:cret:x@mongo:27017/runlog",
        "mongodb://mongo:27017/runlog?s3=cret&=&s3cret",
        "mongodb://mongo:27017/s3 cret",
    };
    size_t refused = 0;
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        rl_error err = RL_ERROR_INIT;
        const rl_mongo_config config = {.uri = uris[i]};
        RL_AUTO_MONGO rl_mongo *mongo = rl_mongo_new(&config, &err);
        refused += !mongo;
        ck_assert_msg(strstr(err.message, "cret") == NULL, "%s", err.message);
        ck_assert_msg(strstr(err.message, "s3") == NULL, "%s", err.message);
        ck_assert(i > 0 || !mongo);
    }
    ck_assert_uint_ge(refused, 4);
}
END_TEST

START_TEST(a_server_that_is_away_is_noticed_by_the_first_operation_only) {
    rl_error err = RL_ERROR_INIT;
    /* Port 1 of this machine: nothing listens, the refusal is immediate. */
    const rl_mongo_config config = {.uri = "mongodb://127.0.0.1:1/db", .select_timeout_us = 50000};
    RL_AUTO_MONGO rl_mongo *mongo = rl_mongo_new(&config, &err);
    ck_assert_msg(mongo != NULL, "%s", err.message);
    ck_assert_str_eq(rl_mongo_database(mongo), "db");
    ck_assert(!rl_mongo_ping(mongo, &err));
    ck_assert_int_eq(err.error_class, RL_TRANSIENT);
}
END_TEST

RL_SUITE("store/mongo", no_server_no_connection_and_no_primary_are_transient,
         what_a_server_says_about_itself_is_transient, a_code_that_blames_nobody_is_transient_and_unclear,
         a_document_that_does_not_fit_is_invalid, the_servers_label_wins_over_the_code,
         a_uri_must_parse_and_name_a_database, an_error_about_a_uri_never_quotes_it,
         a_server_that_is_away_is_noticed_by_the_first_operation_only)
