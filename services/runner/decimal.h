/* decimal.h: decimal numbers as programs print them, out of bytes.
 *
 *     number    = [sign] (digits [. [digits]] | . digits) [(e | E) [sign] digits]
 *               | [sign] (inf | infinity | nan)        in any case
 *
 * Nothing else is one: no blanks, no hexadecimal, no separators of thousands, no decimal comma, whatever the locale.
 *
 * A number of any length is held as what it is, views of its digits and an exponent, so that two can be compared
 * exactly; as a binary number it takes bounded time, whatever its digits and exponent.
 *
 * Pure. Thread: any.
 */
#ifndef RL_RUNNER_DECIMAL_H
#define RL_RUNNER_DECIMAL_H

#include <float.h>
#include <stdint.h>

#include "lib/base/buffer.h"

typedef enum { RL_DECIMAL_FINITE, RL_DECIMAL_INFINITE, RL_DECIMAL_NAN } rl_decimal_kind;

typedef struct {
    rl_decimal_kind kind;
    bool negative;
    rl_bytes
        digits; /* from the first that is not 0 to the last that is not; may hold the point. Empty: zero */
    int64_t exponent; /* the value is 0.digits times ten to it; cut far beyond any binary number's */
} rl_decimal;

/* The whole of `text`. false where that is no number. The result points into it. */
bool rl_decimal_parse(rl_bytes text, rl_decimal *ret);

/* Whether two finite ones are equal, exactly; 0 and -0 are. */
bool rl_decimal_equal(const rl_decimal *a, const rl_decimal *b);

/* A finite one in binary, off by RL_DECIMAL_ERROR times its size at most; 0 or an infinity where it is beyond reach. */
long double rl_decimal_value(const rl_decimal *decimal);

/* Roundings on the way, and digits beyond those that an integer holds, which are left aside: the larger where a long double
 * has more of them. */
#define RL_DECIMAL_ERROR (512 * LDBL_EPSILON > 1e-17L ? 512 * LDBL_EPSILON : 1e-17L)

#endif
