#include "services/runner/compare.h"

#include <float.h>
#include <locale.h>
#include <math.h>

#include "tests/support/suite.h"

static const rl_comparison exact = {.mode = RL_COMPARE_EXACT};
static const rl_comparison trimmed = {.mode = RL_COMPARE_TRIMMED};
static const rl_comparison numeric = {.mode = RL_COMPARE_NUMERIC};

static bool same(const rl_comparison *how, const char *expected, const char *actual) {
    return rl_compare(how, rl_bytes_of(expected), rl_bytes_of(actual));
}

static bool within(double absolute, double relative, const char *expected, const char *actual) {
    const rl_comparison how = {RL_COMPARE_NUMERIC, absolute, relative};
    return same(&how, expected, actual);
}

START_TEST(exact_means_every_byte) {
    ck_assert(same(&exact, "", ""));
    ck_assert(same(&exact, "a\nb", "a\nb"));
    ck_assert(!same(&exact, "a\n", "a"));
    ck_assert(!same(&exact, "a", "a "));
    ck_assert(rl_compare(&exact, rl_bytes_make("a\0b", 3), rl_bytes_make("a\0b", 3)));
    ck_assert(!rl_compare(&exact, rl_bytes_make("a\0b", 3), rl_bytes_make("a\0c", 3)));
}
END_TEST

START_TEST(trimmed_forgives_the_ends_of_lines_and_of_the_text) {
    static const char *const alike[] = {"1\n2",         "1\n2\n",     "1 \n2",
                                        "1\t\r\n2\r\n", "1\n2\n\n\n", "1\n2 \v\f\n \n"};
    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
        ck_assert_msg(same(&trimmed, "1\n2\n", alike[i]), "case %zu", i);
        ck_assert_msg(same(&trimmed, alike[i], "1\n2"), "case %zu", i);
    }
    ck_assert(same(&trimmed, "", " \n\t\n"));
}
END_TEST

START_TEST(trimmed_forgives_nothing_else) {
    static const char *const others[] = {"",       "1",      "1\n", "1\n3", " 1\n2",   "1\n 2",
                                         "\n1\n2", "1\n\n2", "1 2", "12",   "1\n2\n3", "1\n2\n\n3"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ck_assert_msg(!same(&trimmed, "1\n2\n", others[i]), "case %zu", i);
        ck_assert_msg(!same(&trimmed, others[i], "1\n2\n"), "case %zu", i);
    }
    ck_assert(!same(&trimmed, "a  b", "a b"));
    ck_assert(!same(&trimmed, "A", "a"));
}
END_TEST

START_TEST(trimmed_takes_bytes_that_are_no_text) {
    ck_assert(rl_compare(&trimmed, rl_bytes_make("\xff\xfe\0x \n", 6), rl_bytes_make("\xff\xfe\0x", 4)));
    ck_assert(!rl_compare(&trimmed, rl_bytes_make("\xff\xfe\0x", 4), rl_bytes_make("\xff\xfe\0y", 4)));
    ck_assert(rl_compare(&trimmed, rl_bytes_make("42\0", 3), rl_bytes_make("42", 2)));
    ck_assert(!rl_compare(&trimmed, rl_bytes_make("4\0002", 3), rl_bytes_make("42", 2)));
    ck_assert(rl_compare(&trimmed, rl_bytes_make(NULL, 0), rl_bytes_make("\n", 1)));
    ck_assert(!same(&trimmed, "a\xc2\xa0", "a")); /* a no-break space is text */
}
END_TEST

START_TEST(numeric_takes_words_wherever_they_stand) {
    ck_assert(same(&numeric, "1 2\n3\n", "  1\n2   3"));
    ck_assert(same(&numeric, "", "\n \n"));
    ck_assert(!same(&numeric, "1 2", "1 2 3"));
    ck_assert(!same(&numeric, "1 2 3", "1 2"));
    ck_assert(!same(&numeric, "12", "1 2"));
    ck_assert(!same(&numeric, "", "0"));
}
END_TEST

START_TEST(numeric_compares_other_words_byte_for_byte) {
    ck_assert(within(1e-6, 1e-6, "Case #1: 0.5", "Case #1: 0.5000001"));
    ck_assert(!within(1e-6, 1e-6, "Case #1: 0.5", "case #1: 0.5"));
    ck_assert(!within(1, 1, "x1", "x2"));
    ck_assert(!within(1e9, 1e9, "1", "one"));
    ck_assert(!within(1e9, 1e9, "0x10", "0x11"));
    ck_assert(!within(1e9, 1e9, "1,5", "1,6"));
    ck_assert(same(&numeric, "\xff\xfe", "\xff\xfe\n"));
    ck_assert(!same(&numeric, "\xff\xfe", "\xff\xfd"));
}
END_TEST

START_TEST(a_tolerance_holds_on_both_sides_and_at_its_edge) {
    ck_assert(within(1e-9, 0, "1.0", "1.000000001"));
    ck_assert(within(1e-9, 0, "1.0", "0.999999999"));
    ck_assert(!within(1e-9, 0, "1.0", "1.0000000011"));
    ck_assert(within(0.1, 0, "0.2", "0.3"));
    ck_assert(within(0.1, 0, "-0.05", "0.05"));
    ck_assert(!within(0.1, 0, "-0.05", "0.0501"));
    ck_assert(within(0, 0.01, "100", "101"));
    ck_assert(within(0, 0.01, "-100", "-99"));
    ck_assert(!within(0, 0.01, "100", "101.1"));
    ck_assert(!within(0, 0.01, "0", "1e-300"));
    ck_assert(within(1e-6, 1e-6, "0", "1e-7"));
    ck_assert(within(1e-6, 1e-6, "1e12", "1000000999999"));
    ck_assert(within(0, 0.5, "1e400", "1.2e400"));
}
END_TEST

START_TEST(without_a_tolerance_numbers_are_equal_or_not) {
    ck_assert(same(&numeric, "1.50", "15e-1"));
    ck_assert(same(&numeric, "0", "-0.0"));
    ck_assert(!same(&numeric, "1", "1.0000000000000000000000001"));
    ck_assert(!same(&numeric, "123456789012345678901234567890", "123456789012345678901234567891"));
}
END_TEST

START_TEST(a_small_tolerance_tells_long_integers_apart) {
    ck_assert(!within(0.5, 0, "1234567890123456", "1234567890123457"));
    ck_assert(within(1, 0, "1234567890123456", "1234567890123457"));
}
END_TEST

START_TEST(what_is_not_finite_equals_only_itself) {
    ck_assert(same(&numeric, "inf", "Infinity"));
    ck_assert(!within(1e300, 1e300, "inf", "-inf"));
    ck_assert(!within(1e300, 1e300, "inf", "1e9999"));
    ck_assert(!within(1e300, 1e300, "1e99999", "2e99999"));
    ck_assert(same(&numeric, "nan", "-NaN"));
    ck_assert(!within(1e300, 1e300, "nan", "0"));
    ck_assert(!within(1e300, 1e300, "nan", "inf"));
}
END_TEST

START_TEST(tolerances_that_make_no_sense_are_none) {
    static const double odd[] = {-1, (double)INFINITY, -(double)INFINITY, (double)NAN};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        ck_assert(!within(odd[i], odd[i], "1", "2"));
        ck_assert(!within(odd[i], odd[i], "0", "1"));
        ck_assert(within(odd[i], odd[i], "1", "1.0"));
    }
    ck_assert(within(DBL_MAX, 0, "1", "-1e308"));
    ck_assert(!within(0, DBL_MAX, "0", "1"));
}
END_TEST

START_TEST(a_locale_with_a_decimal_comma_changes_nothing) {
    /* Where the locale is not installed this checks nothing, and setlocale says so by leaving "C" in force. */
    setlocale(LC_ALL, "de_DE.UTF-8");
    ck_assert(within(0.1, 0, "1.5", "1.6"));
    ck_assert(!within(0.1, 0, "1,5", "1,6"));
    setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(an_unknown_mode_is_trimmed) {
    const rl_comparison how = {.mode = RL_COMPARE_COUNT};
    ck_assert(same(&how, "a", "a \n"));
}
END_TEST

/* Each a shape that a careless comparison takes quadratic time for; the suite's time limit is what fails it. */
START_TEST(a_hostile_megabyte_is_compared_at_once) {
    enum { SIZE = 1 << 20 };
    static char a[SIZE];
    static char b[SIZE];
    static const char *const shapes[] = {" ", "\n", "x ", "1\n", " \n", "9", "\0", "1e4000 ", ".", "x\r\n"};
    const rl_comparison hows[] = {exact, trimmed, numeric, {RL_COMPARE_NUMERIC, 1, 0.5}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        size_t size = shapes[i][0] ? strlen(shapes[i]) : 1;
        for (size_t at = 0; at < SIZE; at++) {
            a[at] = shapes[i][at % size];
            b[at] = a[at];
        }
        b[SIZE - 1] = 'y';
        for (size_t how = 0; how < sizeof hows / sizeof *hows; how++) {
            ck_assert(rl_compare(&hows[how], rl_bytes_make(a, SIZE), rl_bytes_make(a, SIZE)));
            ck_assert(!rl_compare(&hows[how], rl_bytes_make(a, SIZE), rl_bytes_make(b, SIZE)));
        }
    }
}
END_TEST

RL_SUITE("runner/compare", exact_means_every_byte, trimmed_forgives_the_ends_of_lines_and_of_the_text,
         trimmed_forgives_nothing_else, trimmed_takes_bytes_that_are_no_text,
         numeric_takes_words_wherever_they_stand, numeric_compares_other_words_byte_for_byte,
         a_tolerance_holds_on_both_sides_and_at_its_edge, without_a_tolerance_numbers_are_equal_or_not,
         a_small_tolerance_tells_long_integers_apart, what_is_not_finite_equals_only_itself,
         tolerances_that_make_no_sense_are_none, a_locale_with_a_decimal_comma_changes_nothing,
         an_unknown_mode_is_trimmed, a_hostile_megabyte_is_compared_at_once)
