#include "lib/base/base64.h"

#include <stdint.h>

/* The six bits of a character; 64 where it has none. */
static uint32_t value_of(unsigned char c) {
    if (c >= 'A' && c <= 'Z') {
        return (uint32_t)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (uint32_t)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (uint32_t)(c - '0') + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* How many characters of the last group carry bits: 2 to 4. */
static size_t unpadded(const unsigned char *group) {
    return group[3] != '=' ? 4 : group[2] != '=' ? 3 : 2;
}

/* Decodes the first `count` characters of a group into `count` - 1 bytes. false with the bad character's index. */
static bool decode_group(const unsigned char *group, size_t count, unsigned char *to, size_t *ret_at) {
    uint32_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t value = value_of(group[i]);
        if (value == 64) {
            *ret_at = i;
            return false;
        }
        bits |= value << (18 - 6 * i);
    }
    for (size_t i = 0; i + 1 < count; i++) {
        to[i] = (unsigned char)(bits >> (16 - 8 * i));
    }
    const uint32_t spare = (UINT32_C(1) << (24 - 8 * (count - 1))) - 1;
    *ret_at = count - 1;
    return count == 4 || (bits & spare) == 0;
}

bool rl_base64_decode(rl_bytes text, unsigned char *to, size_t *ret_size, size_t *ret_at) {
    const unsigned char *from = text.data;
    const size_t whole = text.size / 4 * 4;
    *ret_size = 0;
    for (size_t i = 0; i < whole; i += 4) {
        const size_t count = i + 4 == text.size ? unpadded(from + i) : 4;
        size_t at = 0;
        if (!decode_group(from + i, count, to + *ret_size, &at)) {
            *ret_at = i + at;
            return false;
        }
        *ret_size += count - 1;
    }
    *ret_at = text.size;
    return whole == text.size;
}
