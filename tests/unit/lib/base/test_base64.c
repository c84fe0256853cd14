#include "lib/base/base64.h"

#include "tests/support/suite.h"

static void accept(const char *text, const char *expected, size_t size) {
    unsigned char to[64];
    size_t decoded = 99, at = 99;
    ck_assert_msg(rl_base64_decode(rl_bytes_of(text), to, &decoded, &at), "\"%s\" refused at %zu", text, at);
    ck_assert_uint_eq(decoded, size);
    ck_assert_mem_eq(to, expected, size);
    ck_assert_uint_ge(rl_base64_decoded_max(strlen(text)), size);
}

static void refuse(const char *text, size_t expected_at) {
    unsigned char to[64];
    size_t decoded = 0, at = 99;
    ck_assert_msg(!rl_base64_decode(rl_bytes_of(text), to, &decoded, &at), "\"%s\" accepted", text);
    ck_assert_msg(at == expected_at, "\"%s\": at %zu, expected %zu", text, at, expected_at);
}

START_TEST(the_vectors_of_the_rfc_decode) {
    accept("", "", 0);
    accept("Zg==", "f", 1);
    accept("Zm8=", "fo", 2);
    accept("Zm9v", "foo", 3);
    accept("Zm9vYg==", "foob", 4);
    accept("Zm9vYmE=", "fooba", 5);
    accept("Zm9vYmFy", "foobar", 6);
}
END_TEST

START_TEST(every_byte_value_decodes) {
    accept("AP+/fn8=", "\x00\xff\xbf\x7e\x7f", 5);
    accept("++//", "\xfb\xef\xff", 3);
}
END_TEST

START_TEST(a_character_from_outside_the_alphabet_is_found) {
    refuse("Zm9v!m9v", 4);
    refuse("Zm9vZm9-", 7);
    refuse("Zm 9v", 2);
    refuse("Zm9\nvYg==", 3);
}
END_TEST

START_TEST(padding_stands_at_the_end_only_and_is_required) {
    refuse("Zg==Zg==", 2);
    refuse("Z===", 1);
    refuse("====", 0);
    refuse("Zm9vZg", 6);
    refuse("Zm9vZg=", 7);
    refuse("Zg=a", 2);
}
END_TEST

START_TEST(bits_behind_the_last_byte_are_refused) {
    refuse("Zh==", 1);
    refuse("Zm9=", 2);
}
END_TEST

RL_SUITE("base/base64", the_vectors_of_the_rfc_decode, every_byte_value_decodes,
         a_character_from_outside_the_alphabet_is_found, padding_stands_at_the_end_only_and_is_required,
         bits_behind_the_last_byte_are_refused)
