#include "lib/codec/utf8.h"

#include <stdint.h>

#include "tests/support/suite.h"

#define R "\xef\xbf\xbd"

static void expect(const char *in, size_t size, const char *out, bool replaced) {
    RL_AUTO_BUFFER rl_buffer buffer;
    rl_buffer_init(&buffer, SIZE_MAX);
    bool did = false;
    ck_assert(rl_utf8_append(&buffer, rl_bytes_make(in, size), &did));
    ck_assert_str_eq(buffer.data ? buffer.data : "", out);
    ck_assert_int_eq(did, replaced);
    ck_assert_int_eq(rl_utf8_valid(rl_bytes_make(in, size)), !replaced);
}

START_TEST(well_formed_text_is_kept) {
    expect("", 0, "", false);
    expect("plain", 5, "plain", false);
    expect("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", false);
    ck_assert(rl_utf8_valid(rl_bytes_make("a\0b", 3)));
}
END_TEST

START_TEST(each_maximal_subpart_becomes_one_replacement) {
    expect("\xff", 1, R, true);
    expect("a\x80"
           "b",
           3, "a" R "b", true);
    expect("\xe2\x82", 2, R, true); /* cut short */
    expect("\xf0\x9f\x98"
           "x",
           4, R "x", true);
    expect("\xc0\xaf", 2, R R, true);             /* overlong */
    expect("\xe0\x80\xaf", 3, R R R, true);       /* overlong */
    expect("\xed\xa0\x80", 3, R R R, true);       /* a surrogate */
    expect("\xf4\x90\x80\x80", 4, R R R R, true); /* past U+10FFFF */
}
END_TEST

START_TEST(a_full_buffer_is_told) {
    RL_AUTO_BUFFER rl_buffer buffer;
    rl_buffer_init(&buffer, 3);
    bool replaced = false;
    ck_assert(!rl_utf8_append(&buffer, rl_bytes_of("\xff\xff"), &replaced));
}
END_TEST

RL_SUITE("codec/utf8", well_formed_text_is_kept, each_maximal_subpart_becomes_one_replacement,
         a_full_buffer_is_told)
