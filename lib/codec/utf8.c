#include "lib/codec/utf8.h"

#include <stdint.h>

static const char REPLACEMENT[] = "\xef\xbf\xbd";

/* Length of the well-formed sequence at `at`, or 0; then `*ret_bad` is the length of the maximal subpart
 * that one U+FFFD stands for. Bounds of the second byte: Unicode 15, table 3-7. */
static size_t sequence(const unsigned char *at, size_t left, size_t *ret_bad) {
    unsigned char lead = at[0];
    *ret_bad = 1;
    if (lead < 0x80) {
        return 1;
    }
    size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                    : (lead & 0xf0) == 0xe0        ? 3
                    : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                   : 0;
    unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (size_t i = 1; i < length; i++) {
        if (i >= left || at[i] < low || at[i] > high) {
            *ret_bad = i;
            return 0;
        }
        low = 0x80;
        high = 0xbf;
    }
    return length;
}

bool rl_utf8_valid(rl_bytes bytes) {
    const unsigned char *data = bytes.data;
    size_t bad;
    for (size_t i = 0; i < bytes.size;) {
        size_t length = sequence(data + i, bytes.size - i, &bad);
        if (length == 0) {
            return false;
        }
        i += length;
    }
    return true;
}

bool rl_utf8_append(rl_buffer *out, rl_bytes bytes, bool *ret_replaced) {
    const unsigned char *data = bytes.data;
    size_t start = 0; /* of the well-formed run not yet copied */
    size_t i = 0;
    while (i < bytes.size) {
        size_t bad;
        size_t length = sequence(data + i, bytes.size - i, &bad);
        if (length > 0) {
            i += length;
            continue;
        }
        *ret_replaced = true;
        if (!rl_buffer_append(out, data + start, i - start) || !rl_buffer_append_text(out, REPLACEMENT)) {
            return false;
        }
        i += bad;
        start = i;
    }
    return bytes.size == start || rl_buffer_append(out, data + start, bytes.size - start);
}
