#include "lib/base/json_string.h"

#include "tests/support/suite.h"

#define EURO "\xe2\x82\xac"
#define FACE "\xf0\x9f\x98\x80"
#define R "\xef\xbf\xbd"

static void expect_bytes(rl_bytes in, const char *utf8, const char *ascii, bool replaced) {
    const char *expected[] = {[RL_JSON_UTF8] = utf8, [RL_JSON_ASCII] = ascii};
    for (rl_json_alphabet alphabet = RL_JSON_UTF8; alphabet <= RL_JSON_ASCII; alphabet++) {
        RL_AUTO_BUFFER rl_buffer out;
        rl_buffer_init(&out, 1024);
        bool did = false;
        ck_assert(rl_json_string_append(&out, in, alphabet, &did));
        ck_assert_str_eq(out.data, expected[alphabet]);
        ck_assert_int_eq(did, replaced);
    }
}

static void expect(const char *in, const char *utf8, const char *ascii, bool replaced) {
    expect_bytes(rl_bytes_of(in), utf8, ascii, replaced);
}

START_TEST(printable_ascii_is_left_alone) {
    expect("", "\"\"", "\"\"", false);
    expect_bytes(rl_bytes_make(NULL, 0), "\"\"", "\"\"", false);
    expect(" a/b~", "\" a/b~\"", "\" a/b~\"", false);
}
END_TEST

START_TEST(quotes_backslashes_and_controls_are_escaped_in_both_alphabets) {
    const char *text = "\"a\\u0000b\\\"\\\\\\n\\r\\t\\b\\f\\u001f\"";
    expect_bytes(rl_bytes_make("a\0b\"\\\n\r\t\b\f\x1f", 11), text, text, false);
}
END_TEST

START_TEST(delete_is_escaped_in_ascii_only) {
    expect("a\x7fz", "\"a\x7fz\"", "\"a\\u007fz\"", false);
}
END_TEST

START_TEST(other_characters_are_escaped_in_ascii_only) {
    expect("\xc2\x9b" EURO FACE, "\"\xc2\x9b" EURO FACE "\"", "\"\\u009b\\u20ac\\ud83d\\ude00\"", false);
}
END_TEST

START_TEST(ill_formed_parts_are_replaced_and_reported) {
    expect("x\xff\"", "\"x" R "\\\"\"", "\"x\\ufffd\\\"\"", true);
    expect("caf\xc3", "\"caf" R "\"", "\"caf\\ufffd\"", true);                  /* cut inside a character */
    expect("\xed\xa0\x80", "\"" R R R "\"", "\"\\ufffd\\ufffd\\ufffd\"", true); /* a surrogate */
}
END_TEST

START_TEST(the_report_is_optional) {
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, 16);
    ck_assert(rl_json_string_append(&out, rl_bytes_of("\xff"), RL_JSON_UTF8, NULL));
}
END_TEST

START_TEST(a_full_buffer_is_told_at_whatever_length) {
    for (size_t limit = 0; limit < 12; limit++) {
        RL_AUTO_BUFFER rl_buffer out;
        rl_buffer_init(&out, limit);
        ck_assert(!rl_json_string_append(&out, rl_bytes_of("ab\x01z\n"), RL_JSON_UTF8, NULL));
    }
}
END_TEST

RL_SUITE("base/json_string", printable_ascii_is_left_alone,
         quotes_backslashes_and_controls_are_escaped_in_both_alphabets, delete_is_escaped_in_ascii_only,
         other_characters_are_escaped_in_ascii_only, ill_formed_parts_are_replaced_and_reported,
         the_report_is_optional, a_full_buffer_is_told_at_whatever_length)
