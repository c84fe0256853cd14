/* Comparing what was expected with what came. The first byte of an input chooses the mode, the second the tolerances,
 * the third where the rest is cut in two. What must hold: anything equals itself; EXACT implies the other two; and
 * the order of the two sides does not matter where no tolerance is relative. */
#include <math.h>
#include <stdlib.h>

#include "services/runner/compare.h"
#include "services/runner/decimal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

static void look_at_number(rl_bytes text) {
    rl_decimal decimal;
    if (text.size == 0 || !rl_decimal_parse(text, &decimal) || decimal.kind != RL_DECIMAL_FINITE) {
        return;
    }
    long double value = rl_decimal_value(&decimal);
    require(!isnan(value) && (value == 0 || signbit(value) == (decimal.negative ? 1 : 0)));
    require(rl_decimal_equal(&decimal, &decimal));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const double tolerances[] = {0, 1e-6, 0.5, 1e300, -1, (double)INFINITY, (double)NAN, 1e-300};
    if (size < 3) {
        return 0;
    }
    rl_comparison how = {
        .mode = (rl_comparison_mode)(data[0] % RL_COMPARE_COUNT),
        .absolute = tolerances[data[1] % 8],
        .relative = tolerances[data[1] / 8 % 8],
    };
    size_t rest = size - 3;
    size_t cut = rest * data[2] / 256;
    rl_bytes expected = rl_bytes_make(data + 3, cut);
    rl_bytes actual = rl_bytes_make(data + 3 + cut, rest - cut);
    bool same = rl_compare(&how, expected, actual);
    require(rl_compare(&how, expected, expected) && rl_compare(&how, actual, actual));
    require(same || !rl_bytes_equal(expected, actual));
    if (how.relative == 0) {
        require(rl_compare(&how, actual, expected) == same);
    }
    look_at_number(expected);
    look_at_number(actual);
    return 0;
}
