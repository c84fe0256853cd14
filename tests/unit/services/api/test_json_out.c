#include "services/api/json_out.h"
#include "suite.h"

static rl_buffer out;
static rl_json json;

static void set_up(void) {
    rl_buffer_init(&out, 1 << 20);
    rl_json_init(&json, &out);
}

static void tear_down(void) {
    rl_buffer_free(&out);
}

static void expect(const char *expected) {
    ck_assert(rl_json_ok(&json));
    ck_assert_str_eq(out.data, expected);
}

START_TEST(commas_stand_between_values_only) {
    rl_json_open(&json, '{');
    rl_json_key(&json, "a");
    rl_json_open(&json, '[');
    rl_json_int(&json, 1);
    rl_json_null(&json);
    rl_json_bool(&json, true);
    rl_json_close(&json, ']');
    rl_json_key(&json, "b");
    rl_json_open(&json, '{');
    rl_json_close(&json, '}');
    rl_json_key(&json, "c");
    rl_json_ms(&json, 1234567);
    rl_json_close(&json, '}');
    expect("{\"a\":[1,null,true],\"b\":{},\"c\":1234.567}");
}
END_TEST

START_TEST(control_characters_quotes_and_nul_are_escaped) {
    rl_json_text(&json, rl_bytes_make("a\0b\"\\\n\r\t\b\f\x1f\x7f", 12));
    expect("\"a\\u0000b\\\"\\\\\\n\\r\\t\\b\\f\\u001f\x7f\"");
}
END_TEST

START_TEST(ill_formed_utf8_is_replaced_and_reported) {
    rl_json_text(&json, rl_bytes_make("x\xff\"", 3));
    expect("\"x\xef\xbf\xbd\\\"\"");
    ck_assert(json.replaced);
}
END_TEST

START_TEST(well_formed_utf8_is_left_alone) {
    rl_json_text(&json, rl_bytes_of("\xc3\xa4\xf0\x9f\x98\x80"));
    expect("\"\xc3\xa4\xf0\x9f\x98\x80\"");
    ck_assert(!json.replaced);
}
END_TEST

/* Test vectors of RFC 4648, section 10. */
START_TEST(base64_follows_the_rfc) {
    const char *vectors[][2] = {
        {"f", "\"Zg==\""},         {"fo", "\"Zm8=\""},         {"foo", "\"Zm9v\""}, {"foob", "\"Zm9vYg==\""},
        {"fooba", "\"Zm9vYmE=\""}, {"foobar", "\"Zm9vYmFy\""}, {"", "\"\""}};
    json.base64 = true;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        json.comma = false;
        rl_json_output(&json, rl_bytes_of(vectors[i][0]));
        expect(vectors[i][1]);
        rl_buffer_free(&out);
    }
}
END_TEST

START_TEST(a_full_buffer_fails_for_good) {
    rl_buffer_free(&out);
    rl_buffer_init(&out, 4);
    rl_json_text(&json, rl_bytes_of("too long"));
    rl_json_int(&json, 1);
    ck_assert(!rl_json_ok(&json));
    ck_assert_uint_le(out.size, 4);
}
END_TEST

START_TEST(a_time_that_never_was_is_null) {
    rl_json_time(&json, 0);
    rl_json_time(&json, INT64_C(1767323045678901));
    expect("null,\"2026-01-02T03:04:05.678901Z\"");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("json_out");
    TCase *tests = tcase_create("text");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, commas_stand_between_values_only);
    tcase_add_test(tests, control_characters_quotes_and_nul_are_escaped);
    tcase_add_test(tests, ill_formed_utf8_is_replaced_and_reported);
    tcase_add_test(tests, well_formed_utf8_is_left_alone);
    tcase_add_test(tests, base64_follows_the_rfc);
    tcase_add_test(tests, a_full_buffer_fails_for_good);
    tcase_add_test(tests, a_time_that_never_was_is_null);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
