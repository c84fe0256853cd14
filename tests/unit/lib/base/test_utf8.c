#include "lib/base/utf8.h"

#include <stdint.h>

#include "tests/support/suite.h"

#define R RL_UTF8_REPLACEMENT

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

START_TEST(code_points_are_read) {
    const struct {
        const char *text;
        size_t length;
        uint32_t code_point;
    } cases[] = {{"A", 1, 'A'},
                 {"\xc2\x80", 2, 0x80},
                 {"\xdf\xbf", 2, 0x7ff},
                 {"\xe0\xa0\x80", 3, 0x800},
                 {"\xef\xbf\xbf", 3, 0xffff},
                 {"\xf0\x90\x80\x80", 4, 0x10000},
                 {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
                 {"\x80", 1, RL_UTF8_ILL_FORMED},
                 {"\xf0\x9f\x98", 3, RL_UTF8_ILL_FORMED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t code_point;
        const unsigned char *text = (const unsigned char *)cases[i].text;
        ck_assert_uint_eq(rl_utf8_next(text, strlen(cases[i].text), &code_point), cases[i].length);
        ck_assert_uint_eq(code_point, cases[i].code_point);
    }
}
END_TEST

RL_SUITE("base/utf8", well_formed_text_is_kept, each_maximal_subpart_becomes_one_replacement,
         a_full_buffer_is_told, code_points_are_read)
