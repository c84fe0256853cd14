#include "lib/codec/framing.h"

#include <stdint.h>

#include "tests/support/suite.h"

static void expect_canonical(const char *schema, const char *canonical) {
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, SIZE_MAX);
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_framing_canonical_form(rl_bytes_of(schema), &out, &err), "%s: %s", schema, err.message);
    ck_assert_str_eq(out.data, canonical);
}

START_TEST(fingerprints_match_the_published_vectors) {
    ck_assert_uint_eq(rl_framing_fingerprint(rl_bytes_of("\"int\"")), UINT64_C(0x7275d51a3f395c8f));
    ck_assert_uint_eq(rl_framing_fingerprint(rl_bytes_of("\"null\"")), UINT64_C(0x63dd24e7cc258f8a));
    ck_assert_uint_eq(rl_framing_fingerprint(rl_bytes_of("")), UINT64_C(0xc15d213aa4d7a795));
}
END_TEST

START_TEST(canonical_form_strips_orders_and_qualifies) {
    expect_canonical("{\"type\": \"int\"}", "\"int\"");
    expect_canonical("[\"null\", {\"type\": \"long\", \"logicalType\": \"timestamp-micros\"}]",
                     "[\"null\",\"long\"]");
    expect_canonical("{\"type\":\"enum\",\"symbols\":[\"A\",\"B\"],\"default\":\"A\",\"name\":\"E\","
                     "\"namespace\":\"x.y\"}",
                     "{\"name\":\"x.y.E\",\"type\":\"enum\",\"symbols\":[\"A\",\"B\"]}");
    expect_canonical(
        "{\"fields\":[{\"doc\":\"d\",\"type\":{\"type\":\"fixed\",\"size\":4,\"name\":\"F\"},\"name\":\"a\","
        "\"default\":1},{\"type\":\"F\",\"name\":\"b\"}],\"namespace\":\"n\",\"name\":\"R\",\"type\":"
        "\"record\"}",
        "{\"name\":\"n.R\",\"type\":\"record\",\"fields\":[{\"name\":\"a\",\"type\":{\"name\":\"n.F\","
        "\"type\":\"fixed\",\"size\":4}},{\"name\":\"b\",\"type\":\"n.F\"}]}");
    expect_canonical("{\"type\":\"array\",\"items\":{\"type\":\"map\",\"values\":\"bytes\"}}",
                     "{\"type\":\"array\",\"items\":{\"type\":\"map\",\"values\":\"bytes\"}}");
}
END_TEST

START_TEST(what_is_no_schema_is_refused) {
    static const char *const wrong[] = {"", "{", "12", "{\"type\":\"record\"}",
                                        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{}]}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        RL_AUTO_BUFFER rl_buffer out;
        rl_buffer_init(&out, SIZE_MAX);
        ck_assert_msg(!rl_framing_canonical_form(rl_bytes_of(wrong[i]), &out, NULL), "%s", wrong[i]);
    }
}
END_TEST

START_TEST(a_header_parses_back) {
    unsigned char frame[RL_FRAMING_HEADER_BYTES + 2] = {0};
    rl_framing_header(UINT64_C(0x0102030405060708), frame);
    ck_assert_mem_eq(frame, "\xc3\x01\x08\x07\x06\x05\x04\x03\x02\x01", 10);
    uint64_t fingerprint = 0;
    rl_bytes body;
    ck_assert(rl_framing_parse(rl_bytes_make(frame, sizeof frame), &fingerprint, &body, NULL));
    ck_assert_uint_eq(fingerprint, UINT64_C(0x0102030405060708));
    ck_assert_uint_eq(body.size, 2);
}
END_TEST

START_TEST(short_or_unmarked_bytes_are_refused) {
    uint64_t fingerprint = 0;
    rl_bytes body;
    ck_assert(!rl_framing_parse(rl_bytes_make("\xc3\x01", 2), &fingerprint, &body, NULL));
    ck_assert(!rl_framing_parse(rl_bytes_make(NULL, 0), &fingerprint, &body, NULL));
    ck_assert(!rl_framing_parse(rl_bytes_of("hello, world"), &fingerprint, &body, NULL));
}
END_TEST

RL_SUITE("codec/framing", fingerprints_match_the_published_vectors,
         canonical_form_strips_orders_and_qualifies, what_is_no_schema_is_refused, a_header_parses_back,
         short_or_unmarked_bytes_are_refused)
