#include "lib/sink/bulk_reply.h"

#include "lib/store/mongo.h"
#include "tests/support/suite.h"

static rl_bulk_reply read_json(const char *json, int *codes, size_t count) {
    bson_t reply;
    bson_error_t cause;
    ck_assert_msg(bson_init_from_json(&reply, json, -1, &cause), "%s", cause.message);
    rl_bulk_reply result = rl_bulk_reply_read(&reply, codes, count);
    bson_destroy(&reply);
    return result;
}

START_TEST(a_reply_without_errors_is_its_counts) {
    int codes[3];
    rl_bulk_reply reply =
        read_json("{\"nMatched\": 1, \"nUpserted\": 2, \"writeErrors\": [], \"upserted\": []}", codes, 3);
    ck_assert_uint_eq(reply.matched, 1);
    ck_assert_uint_eq(reply.upserted, 2);
    ck_assert_uint_eq(reply.errors, 0);
    ck_assert(!reply.unconfirmed);
    ck_assert_int_eq(codes[0] | codes[1] | codes[2], 0);
}
END_TEST

START_TEST(errors_are_found_at_their_index) {
    int codes[4];
    rl_bulk_reply reply = read_json("{\"nMatched\": 0, \"nUpserted\": 2, \"writeErrors\": ["
                                    "{\"index\": 3, \"code\": 11000, \"errmsg\": \"dup\"},"
                                    "{\"index\": 1, \"code\": 10334, \"errmsg\": \"large\"}]}",
                                    codes, 4);
    ck_assert_uint_eq(reply.errors, 2);
    ck_assert_int_eq(codes[0], 0);
    ck_assert_int_eq(codes[1], 10334);
    ck_assert_int_eq(codes[2], 0);
    ck_assert_int_eq(codes[3], 11000);
}
END_TEST

static int code_of_duplicate(const char *details) {
    char json[400];
    int codes[1];
    snprintf(json, sizeof json, "{\"writeErrors\": [{\"index\": 0, \"code\": 11000, %s}]}", details);
    ck_assert_uint_eq(read_json(json, codes, 1).errors, 1);
    return codes[0];
}

START_TEST(a_duplicate_of_the_id_is_told_from_that_of_another_index) {
    static const struct {
        const char *details;
        int code;
    } cases[] = {
        {"\"errmsg\": \"something\"", RL_MONGO_DUPLICATE_KEY},
        {"\"keyPattern\": {\"_id\": 1}, \"errmsg\": \"index: u_1\"", RL_MONGO_DUPLICATE_KEY},
        {"\"keyPattern\": {\"u\": 1}", RL_BULK_DUPLICATE_ELSEWHERE},
        {"\"keyPattern\": {\"_id\": 1, \"u\": 1}", RL_BULK_DUPLICATE_ELSEWHERE},
        {"\"keyPattern\": {}", RL_BULK_DUPLICATE_ELSEWHERE},
        {"\"errmsg\": \"E11000 duplicate key error collection: d.c index: _id_ dup key: { _id: \\\"a\\\" }\"",
         RL_MONGO_DUPLICATE_KEY},
        {"\"errmsg\": \"E11000 duplicate key error collection: d.c index: u_1 dup key: { u: \\\"index: "
         "_id_\\\" }\"",
         RL_BULK_DUPLICATE_ELSEWHERE},
        {"\"errmsg\": \"Duplicate key violation on the requested collection: Index '_id_'\"",
         RL_MONGO_DUPLICATE_KEY},
        {"\"errmsg\": \"Duplicate key violation on the requested collection: Index 'u_1'\"",
         RL_BULK_DUPLICATE_ELSEWHERE},
        {"\"errmsg\": \"Duplicate key violation on the requested collection: Index '_id_2'\"",
         RL_BULK_DUPLICATE_ELSEWHERE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int code = code_of_duplicate(cases[i].details);
        ck_assert_msg(code == cases[i].code, "%d for %s", code, cases[i].details);
    }
}
END_TEST

START_TEST(a_write_that_the_majority_has_not_confirmed_is_seen) {
    int codes[1];
    rl_bulk_reply reply = read_json(
        "{\"nUpserted\": 1, \"writeConcernErrors\": [{\"code\": 64, \"errmsg\": \"timeout\"}]}", codes, 1);
    ck_assert(reply.unconfirmed);
}
END_TEST

START_TEST(what_a_reply_should_not_hold_is_passed_over) {
    int codes[2];
    rl_bulk_reply reply =
        read_json("{\"nMatched\": -4, \"nUpserted\": \"2\", \"writeErrors\": ["
                  "7, {\"index\": 2, \"code\": 1}, {\"index\": -1, \"code\": 1}, {\"code\": 1},"
                  "{\"index\": 0, \"code\": 5}, {\"index\": 0, \"code\": 6}, {\"index\": 1}]}",
                  codes, 2);
    ck_assert_uint_eq(reply.matched, 0);
    ck_assert_uint_eq(reply.upserted, 0);
    ck_assert_uint_eq(reply.errors, 2);
    ck_assert_int_eq(codes[0], 5);
    ck_assert_int_ne(codes[1], 0);
}
END_TEST

START_TEST(an_empty_reply_accounts_for_nothing) {
    int codes[1] = {99};
    rl_bulk_reply reply = read_json("{}", codes, 1);
    ck_assert_uint_eq(reply.matched + reply.upserted + reply.errors, 0);
    ck_assert_int_eq(codes[0], 0);
}
END_TEST

START_TEST(an_upserting_bulk_is_complete_when_its_counts_add_up) {
    const rl_bulk_reply reply = {.matched = 1, .upserted = 2, .errors = 1};
    ck_assert(rl_bulk_reply_is_complete(&reply, 4, true, false));
    ck_assert(!rl_bulk_reply_is_complete(&reply, 5, true, false));
    ck_assert(!rl_bulk_reply_is_complete(&reply, 5, true, true));
}
END_TEST

START_TEST(a_bulk_without_upsert_that_failed_half_way_is_not_complete) {
    /* The first message had an error of its own, the second was never answered. */
    const rl_bulk_reply reply = {.matched = 1, .errors = 1};
    ck_assert(!rl_bulk_reply_is_complete(&reply, 4, false, false));
    const rl_bulk_reply fine = {.matched = 1};
    ck_assert(rl_bulk_reply_is_complete(&fine, 4, false, true));
}
END_TEST

RL_SUITE("sink/bulk_reply", an_upserting_bulk_is_complete_when_its_counts_add_up,
         a_bulk_without_upsert_that_failed_half_way_is_not_complete, a_reply_without_errors_is_its_counts,
         errors_are_found_at_their_index, a_duplicate_of_the_id_is_told_from_that_of_another_index,
         a_write_that_the_majority_has_not_confirmed_is_seen, what_a_reply_should_not_hold_is_passed_over,
         an_empty_reply_accounts_for_nothing)
