#include "services/runner/decimal.h"

#include <math.h>

#include "tests/support/suite.h"

static rl_decimal parsed(const char *text) {
    rl_decimal decimal;
    ck_assert_msg(rl_decimal_parse(rl_bytes_of(text), &decimal), "%s is no number", text);
    return decimal;
}

static bool equal(const char *a, const char *b) {
    rl_decimal left = parsed(a);
    rl_decimal right = parsed(b);
    return rl_decimal_equal(&left, &right);
}

static void assert_value(const char *text, long double value) {
    rl_decimal decimal = parsed(text);
    long double found = rl_decimal_value(&decimal);
    ck_assert_msg(fabsl(found - value) <= RL_DECIMAL_ERROR * fabsl(value), "%s is %.21Lg", text, found);
}

START_TEST(what_programs_print_is_a_number) {
    assert_value("0", 0);
    assert_value("-0", 0);
    assert_value("42", 42);
    assert_value("+42", 42);
    assert_value("-42.50", -42.5L);
    assert_value(".5", .5L);
    assert_value("5.", 5);
    assert_value("0005", 5);
    assert_value("1e3", 1000);
    assert_value("1E+3", 1000);
    assert_value("1e-3", 0.001L);
    assert_value("0.000123e4", 1.23L);
    assert_value("100.25", 100.25L);
    assert_value("18446744073709551616", 18446744073709551616.0L);
    assert_value("1.7976931348623157e308", 1.7976931348623157e308L);
    assert_value("5e-324", 5e-324L);
    assert_value("1e4000", 1e4000L);
    assert_value("1e-4000", 1e-4000L);
}
END_TEST

START_TEST(what_is_no_number_is_none) {
    static const char *const cases[] = {
        "+",     "-",    ".",    "-.",     "e5",    ".e5",       "1e",   "1e+", "1e5.",
        "1.2.3", "1,5",  "0x10", "1f",     "1 ",    " 1",        "--1",  "+-1", "1e--1",
        "in",    "infi", "nano", "nan(0)", "1_000", "1\xc2\xa0", "\xff", "١",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rl_decimal decimal;
        ck_assert_msg(!rl_decimal_parse(rl_bytes_of(cases[i]), &decimal), "%s is a number", cases[i]);
    }
    rl_decimal decimal;
    ck_assert(!rl_decimal_parse(rl_bytes_make("1\0", 2), &decimal));
    ck_assert(!rl_decimal_parse(rl_bytes_make("1", 0), &decimal));
}
END_TEST

START_TEST(infinities_and_nan_are_known_in_any_case) {
    ck_assert_int_eq(parsed("inf").kind, RL_DECIMAL_INFINITE);
    ck_assert_int_eq(parsed("-Infinity").kind, RL_DECIMAL_INFINITE);
    ck_assert(parsed("-INF").negative);
    ck_assert_int_eq(parsed("NaN").kind, RL_DECIMAL_NAN);
    ck_assert_int_eq(parsed("-nan").kind, RL_DECIMAL_NAN);
}
END_TEST

START_TEST(equal_is_exact_however_it_is_written) {
    ck_assert(equal("1.50", "15e-1"));
    ck_assert(equal("1000", "1e3"));
    ck_assert(equal("0.00100", "1e-3"));
    ck_assert(equal("-0", "0.000e7"));
    ck_assert(equal("007", "+7."));
    ck_assert(equal("12.34", "0.1234E2"));
    ck_assert(!equal("1.5", "-1.5"));
    ck_assert(!equal("1", "10"));
    ck_assert(!equal("1", "1.0000000000000000000000000000000000000001"));
    ck_assert(!equal("0", "1e-999999999"));
    ck_assert(!equal("123456789012345678901234567890", "123456789012345678901234567891"));
}
END_TEST

START_TEST(hostile_exponents_and_lengths_are_cut) {
    rl_decimal decimal = parsed("1e99999999999999999999999999999999");
    ck_assert(isinf(rl_decimal_value(&decimal)));
    decimal = parsed("-1e-99999999999999999999999999999999");
    ck_assert(rl_decimal_value(&decimal) == 0);
    enum { SIZE = 1 << 20 };
    static char digits[SIZE];
    memset(digits, '9', sizeof digits);
    ck_assert(rl_decimal_parse(rl_bytes_make(digits, sizeof digits), &decimal));
    ck_assert(isinf(rl_decimal_value(&decimal)));
    digits[0] = '.';
    ck_assert(rl_decimal_parse(rl_bytes_make(digits, sizeof digits), &decimal));
    ck_assert(fabsl(rl_decimal_value(&decimal) - 1) < 1e-17L);
    memset(digits, '0', sizeof digits);
    ck_assert(rl_decimal_parse(rl_bytes_make(digits, sizeof digits), &decimal));
    ck_assert_uint_eq(decimal.digits.size, 0);
}
END_TEST

RL_SUITE("runner/decimal", what_programs_print_is_a_number, what_is_no_number_is_none,
         infinities_and_nan_are_known_in_any_case, equal_is_exact_however_it_is_written,
         hostile_exponents_and_lengths_are_cut)
