#include "services/runner/compare.h"

#include <float.h>
#include <math.h>

#include "services/runner/decimal.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r' || c == '\0';
}

static bool is_space(char c) {
    return is_blank(c) || c == '\n';
}

/* Without what `drops` says of its end. */
static rl_bytes without_end(rl_bytes text, bool (*drops)(char)) {
    const char *data = text.data;
    while (text.size > 0 && drops(data[text.size - 1])) {
        text.size--;
    }
    return text;
}

static rl_bytes without_front(rl_bytes text, size_t size) {
    return rl_bytes_make((const char *)text.data + size, text.size - size);
}

/* ---- line by line ---- */

/* Takes a line off the front, without its newline and the blanks before that. */
static rl_bytes take_line(rl_bytes *rest) {
    const char *newline = memchr(rest->data, '\n', rest->size);
    size_t size = newline ? (size_t)(newline - (const char *)rest->data) : rest->size;
    rl_bytes line = rl_bytes_make(rest->data, size);
    *rest = without_front(*rest, newline ? size + 1 : size);
    return without_end(line, is_blank);
}

static bool same_lines(rl_bytes expected, rl_bytes actual) {
    expected = without_end(expected, is_space);
    actual = without_end(actual, is_space);
    while (expected.size > 0 && actual.size > 0) {
        if (!rl_bytes_equal(take_line(&expected), take_line(&actual))) {
            return false;
        }
    }
    /* A rest does not end in blanks, so that it holds a line that the other side has not. */
    return expected.size == actual.size;
}

/* ---- word by word ---- */

/* Takes a word off the front; an empty one at the end. */
static rl_bytes take_word(rl_bytes *rest) {
    const char *data = rest->data;
    size_t begin = 0;
    while (begin < rest->size && is_space(data[begin])) {
        begin++;
    }
    size_t end = begin;
    while (end < rest->size && !is_space(data[end])) {
        end++;
    }
    rl_bytes word = rl_bytes_make(rest->size > 0 ? data + begin : NULL, end - begin);
    *rest = rest->size > 0 ? without_front(*rest, end) : *rest;
    return word;
}

static double tolerance(double asked) {
    return isfinite(asked) && asked > 0 ? asked : 0;
}

/* Rounding is no difference: what the two may be off by, and the tolerance itself, which is binary, is allowed on top. */
static bool is_near(const rl_comparison *how, const rl_decimal *expected, const rl_decimal *actual) {
    long double wanted = rl_decimal_value(expected);
    long double found = rl_decimal_value(actual);
    long double absolute = tolerance(how->absolute);
    long double relative = tolerance(how->relative) * fabsl(wanted);
    long double allowed = absolute > relative ? absolute : relative;
    if (!isfinite(wanted) || !isfinite(found) || allowed <= 0) {
        return false;
    }
    long double rounding = RL_DECIMAL_ERROR * (fabsl(wanted) + fabsl(found)) + DBL_EPSILON * allowed;
    return fabsl(wanted - found) <= allowed + rounding;
}

static bool same_word(const rl_comparison *how, rl_bytes expected, rl_bytes actual) {
    if (rl_bytes_equal(expected, actual)) {
        return true;
    }
    rl_decimal wanted;
    rl_decimal found;
    if (expected.size == 0 || actual.size == 0 || !rl_decimal_parse(expected, &wanted) ||
        !rl_decimal_parse(actual, &found) || wanted.kind != found.kind) {
        return false;
    }
    switch (wanted.kind) {
    case RL_DECIMAL_NAN:
        return true;
    case RL_DECIMAL_INFINITE:
        return wanted.negative == found.negative;
    case RL_DECIMAL_FINITE:
        break;
    }
    return rl_decimal_equal(&wanted, &found) || is_near(how, &wanted, &found);
}

static bool same_words(const rl_comparison *how, rl_bytes expected, rl_bytes actual) {
    for (;;) {
        rl_bytes wanted = take_word(&expected);
        rl_bytes found = take_word(&actual);
        if (!same_word(how, wanted, found)) {
            return false;
        }
        if (wanted.size == 0) {
            return true;
        }
    }
}

bool rl_compare(const rl_comparison *how, rl_bytes expected, rl_bytes actual) {
    switch (how->mode) {
    case RL_COMPARE_EXACT:
        return rl_bytes_equal(expected, actual);
    case RL_COMPARE_NUMERIC:
        return same_words(how, expected, actual);
    case RL_COMPARE_TRIMMED:
    case RL_COMPARE_COUNT:
        break;
    }
    return same_lines(expected, actual);
}
