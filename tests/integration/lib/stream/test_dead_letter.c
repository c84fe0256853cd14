/* A record set aside, read back from a real broker. */
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/dead_letter.h"
#include "lib/stream/message.h"
#include "tests/support/kafka.h"
#include "tests/support/suite.h"

#define PATIENCE_US (20 * RL_US_PER_S)

typedef struct {
    rl_producer *producer;
    const char *dead_letter_topic;
} setting;

static const rl_error why = {RL_INVALID, 0, "no schema has this fingerprint"};

/* Sets each record read aside. */
static bool set_aside(void *context, const rd_kafka_message_t *message) {
    const setting *s = context;
    const rl_dead_letter letter = {
        .topic = s->dead_letter_topic, .message = message, .why = &why, .attempt = 2, .service = "the-test"};
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_dead_letter_send(s->producer, &letter, NULL, NULL, &err), "%s", err.message);
    return true;
}

static void check_header(const rd_kafka_message_t *message, const char *name, const char *expected) {
    rl_bytes value = {0};
    ck_assert_msg(rl_message_header(message, name, &value), "no header %s", name);
    ck_assert_msg(rl_bytes_equal(value, rl_bytes_of(expected)), "%s: %.*s instead of %s", name,
                  (int)value.size, (const char *)value.data, expected);
}

static bool check_letter(void *context, const rd_kafka_message_t *message) {
    const char *origin = context;
    ck_assert(rl_bytes_equal(rl_message_key(message), rl_bytes_of("key")));
    ck_assert(rl_bytes_equal(rl_message_value(message), rl_bytes_make("\0\xff raw", 6)));
    check_header(message, RL_HEADER_TRACEPARENT, "00-trace");
    check_header(message, "original-size", "6");
    check_header(message, "truncated", "false");
    check_header(message, "error.class", "INVALID");
    check_header(message, "error.message", why.message);
    check_header(message, "origin.topic", origin);
    check_header(message, "origin.partition", "0");
    check_header(message, "origin.offset", "0");
    check_header(message, "attempt", "2");
    check_header(message, "service", "the-test");
    rl_bytes when = {0};
    ck_assert(rl_message_header(message, "time", &when));
    ck_assert_uint_eq(when.size, RL_RFC3339_SIZE - 1);
    rl_header own[RL_DEAD_LETTER_MAX_HEADERS];
    size_t count = 0;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_dead_letter_own_headers(message, own, &count, &err), "%s", err.message);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(own[0].name, RL_HEADER_TRACEPARENT);
    ck_assert(rl_bytes_equal(own[0].value, rl_bytes_of("00-trace")));
    return true;
}

static setting open_setting(char origin[RL_TEST_NAME_SIZE], char letters[RL_TEST_NAME_SIZE]) {
    rl_test_name(origin, "origin");
    rl_test_name(letters, "dlq");
    rl_test_create_topic(origin, 1);
    rl_test_create_topic(letters, 1);
    const rl_stream_config stream = rl_test_stream();
    rl_error err = RL_ERROR_INIT;
    setting s = {rl_producer_new(&stream, PATIENCE_US, &err), letters};
    ck_assert_msg(s.producer != NULL, "%s", err.message);
    return s;
}

START_TEST(a_dead_letter_holds_the_record_as_it_came_and_says_why) {
    char origin[RL_TEST_NAME_SIZE], letters[RL_TEST_NAME_SIZE];
    setting s = open_setting(origin, letters);
    const rl_header header = {RL_HEADER_TRACEPARENT, rl_bytes_of("00-trace")};
    const rl_record record = {.topic = origin,
                              .partition = 0,
                              .key = rl_bytes_of("key"),
                              .value = rl_bytes_make("\0\xff raw", 6),
                              .headers = &header,
                              .header_count = 1};
    ck_assert(rl_producer_send_wait(s.producer, &record, NULL, NULL));
    ck_assert(rl_test_read(origin, PATIENCE_US, set_aside, &s));
    ck_assert(rl_test_read(letters, PATIENCE_US, check_letter, origin));
    rl_producer_free(s.producer);
}
END_TEST

static bool check_cut(void *context, const rd_kafka_message_t *message) {
    (void)context;
    ck_assert_uint_eq(rl_message_value(message).size, RL_DEAD_LETTER_MAX_BYTES);
    check_header(message, "truncated", "true");
    check_header(message, "original-size", "8388609");
    return true;
}

START_TEST(a_record_past_8_mib_is_cut) {
    char origin[RL_TEST_NAME_SIZE], letters[RL_TEST_NAME_SIZE];
    setting s = open_setting(origin, letters);
    size_t size = RL_DEAD_LETTER_MAX_BYTES + 1;
    RL_AUTO_FREE char *bytes = calloc(1, size);
    const rl_record record = {
        .topic = origin, .partition = 0, .key = rl_bytes_of("key"), .value = rl_bytes_make(bytes, size)};
    ck_assert(rl_producer_send_wait(s.producer, &record, NULL, NULL));
    ck_assert(rl_test_read(origin, PATIENCE_US, set_aside, &s));
    ck_assert(rl_test_read(letters, PATIENCE_US, check_cut, NULL));
    rl_producer_free(s.producer);
}
END_TEST

#define BULK ((size_t)120 * 1024)

static bool check_bulky(void *context, const rd_kafka_message_t *message) {
    size_t key_size = *(const size_t *)context;
    rl_bytes bulk = {0};
    ck_assert_uint_eq(rl_message_key(message).size, key_size);
    ck_assert(rl_message_header(message, "bulk-0", &bulk));
    ck_assert_uint_eq(bulk.size, BULK);
    ck_assert(rl_message_header(message, "bulk-1", &bulk));
    ck_assert(!rl_message_header(message, "bulk-2", &bulk));
    check_header(message, "truncated", "true");
    check_header(message, "original-size", "9437184");
    check_header(message, "error.message", why.message);
    return true;
}

/* The broker counts bytes as they are compressed, a client of ours as they are not: so a client unlike ours writes a
 * record of 9 MiB with 18 headers of 120 KiB and a key. */
static void check_record_of(size_t key_size) {
    char origin[RL_TEST_NAME_SIZE], letters[RL_TEST_NAME_SIZE];
    setting s = open_setting(origin, letters);
    rl_stream_config stream = rl_test_stream();
    stream.properties = "message.max.bytes=40000000";
    rl_producer *other = rl_producer_new(&stream, PATIENCE_US, NULL);
    enum { HEADERS = 18, VALUE = 9 * 1024 * 1024 };
    RL_AUTO_FREE char *zeros = calloc(1, VALUE);
    rl_header headers[HEADERS];
    char names[HEADERS][16];
    for (size_t i = 0; i < HEADERS; i++) {
        snprintf(names[i], sizeof names[i], "bulk-%zu", i);
        headers[i] = (rl_header){names[i], rl_bytes_make(zeros, BULK)};
    }
    const rl_record record = {.topic = origin,
                              .partition = 0,
                              .key = rl_bytes_make(zeros, key_size),
                              .value = rl_bytes_make(zeros, VALUE),
                              .headers = headers,
                              .header_count = HEADERS};
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_producer_send_wait(other, &record, NULL, &err), "%s", err.message);
    ck_assert(rl_test_read(origin, PATIENCE_US, set_aside, &s));
    ck_assert(rl_test_read(letters, PATIENCE_US, check_bulky, &key_size));
    rl_producer_free(other);
    rl_producer_free(s.producer);
}

START_TEST(a_record_whose_headers_and_key_are_too_much_beside_it_is_set_aside_all_the_same) {
    check_record_of(3);
    check_record_of((size_t)2 * 1024 * 1024);
}
END_TEST

RL_SUITE("lib/stream/dead_letter", a_dead_letter_holds_the_record_as_it_came_and_says_why,
         a_record_past_8_mib_is_cut,
         a_record_whose_headers_and_key_are_too_much_beside_it_is_set_aside_all_the_same)
