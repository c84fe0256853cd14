/* decimal.c: the point is skipped wherever digits are walked over; the exponent says where it stood. */
#include "services/runner/decimal.h"

#include <float.h>
#include <math.h>

#define EXPONENT_MAX (INT64_C(1) << 50) /* further digits do not change it; sums with sizes stay in range */
#define DIGITS_MAX 19                   /* that a 64-bit integer holds */
#define POWER_MAX 20000                 /* of ten; every binary number ends long before it */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_word(const char *at, const char *end, const char *word) {
    size_t size = strlen(word);
    if ((size_t)(end - at) != size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (lower(at[i]) != word[i]) {
            return false;
        }
    }
    return true;
}

/* Takes a sign off the front. */
static bool take_sign(const char **at, const char *end) {
    bool negative = *at < end && **at == '-';
    if (negative || (*at < end && **at == '+')) {
        ++*at;
    }
    return negative;
}

/* The part from `e` on, all of it. */
static bool parse_exponent(const char *at, const char *end, int64_t *ret) {
    bool negative = take_sign(&at, end);
    int64_t value = 0;
    if (at == end) {
        return false;
    }
    for (; at < end; at++) {
        if (!is_digit(*at)) {
            return false;
        }
        value = value < EXPONENT_MAX ? value * 10 + (*at - '0') : EXPONENT_MAX;
    }
    *ret = negative ? -value : value;
    return true;
}

/* Digits with a point among them: finds the significant ones. Returns where they end, NULL where there are none. */
static const char *parse_digits(const char *at, const char *end, rl_decimal *ret) {
    const char *first = NULL;
    const char *last = NULL;
    const char *point = NULL;
    size_t count = 0;
    int64_t exponent =
        0; /* digits before the point from the first significant one; minus the zeros behind it */
    for (; at < end && (is_digit(*at) || (*at == '.' && !point)); at++) {
        if (*at == '.') {
            point = at;
            continue;
        }
        count++;
        if (*at != '0') {
            first = first ? first : at;
            last = at;
        }
        if (!point) {
            exponent += first ? 1 : 0;
        } else if (!first) {
            exponent--;
        }
    }
    if (count == 0) {
        return NULL;
    }
    ret->digits = first ? rl_bytes_make(first, (size_t)(last - first) + 1) : rl_bytes_make(NULL, 0);
    ret->exponent = exponent;
    return at;
}

bool rl_decimal_parse(rl_bytes text, rl_decimal *ret) {
    const char *at = text.data;
    const char *end = at + text.size;
    *ret = (rl_decimal){.kind = RL_DECIMAL_FINITE};
    ret->negative = take_sign(&at, end);
    if (is_word(at, end, "nan")) {
        ret->kind = RL_DECIMAL_NAN;
        return true;
    }
    if (is_word(at, end, "inf") || is_word(at, end, "infinity")) {
        ret->kind = RL_DECIMAL_INFINITE;
        return true;
    }
    at = parse_digits(at, end, ret);
    if (!at) {
        return false;
    }
    int64_t exponent = 0;
    if (at < end && (lower(*at) != 'e' || !parse_exponent(at + 1, end, &exponent))) {
        return false;
    }
    ret->exponent += exponent;
    return true;
}

/* The next digit, or -1 at the end. */
static int next_digit(const char **at, const char *end) {
    if (*at < end && **at == '.') {
        ++*at;
    }
    return *at < end ? *(*at)++ - '0' : -1;
}

bool rl_decimal_equal(const rl_decimal *a, const rl_decimal *b) {
    if (a->digits.size == 0 || b->digits.size == 0) {
        return a->digits.size == b->digits.size;
    }
    if (a->negative != b->negative || a->exponent != b->exponent) {
        return false;
    }
    const char *at_a = a->digits.data;
    const char *at_b = b->digits.data;
    const char *end_a = at_a + a->digits.size;
    const char *end_b = at_b + b->digits.size;
    for (;;) {
        int digit_a = next_digit(&at_a, end_a);
        int digit_b = next_digit(&at_b, end_b);
        if (digit_a != digit_b) {
            return false;
        }
        if (digit_a < 0) {
            return true;
        }
    }
}

/* Ten to `power`, by squaring: exact up to 27. From there on each squaring doubles what it is off by, so that it comes to
 * some 250 units of the last place at the end of the range (RL_DECIMAL_ERROR). */
static long double power_of_ten(int64_t power) {
    long double result = 1;
    long double square = 10;
    for (; power > 0; power /= 2) {
        if (power % 2 != 0) {
            result *= square;
        }
        square *= square;
    }
    return result;
}

long double rl_decimal_value(const rl_decimal *decimal) {
    if (decimal->digits.size == 0) {
        return 0;
    }
    const char *at = decimal->digits.data;
    const char *end = at + decimal->digits.size;
    uint64_t mantissa = 0;
    int taken = 0;
    for (int digit = 0; taken < DIGITS_MAX && (digit = next_digit(&at, end)) >= 0; taken++) {
        mantissa = mantissa * 10 + (uint64_t)digit;
    }
    int64_t power = decimal->exponent - taken;
    power = power > POWER_MAX ? POWER_MAX : power < -POWER_MAX ? -POWER_MAX : power;
    long double value = power >= 0 ? (long double)mantissa * power_of_ten(power)
                                   : (long double)mantissa / power_of_ten(-power);
    return decimal->negative ? -value : value;
}
