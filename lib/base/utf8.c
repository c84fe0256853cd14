#include "lib/base/utf8.h"

/* How long a sequence that begins with `lead` is; 0 where none does. */
static size_t length_of(unsigned char lead) {
    return lead < 0x80                    ? 1
           : lead >= 0xc2 && lead <= 0xdf ? 2
           : (lead & 0xf0) == 0xe0        ? 3
           : lead >= 0xf0 && lead <= 0xf4 ? 4
                                          : 0;
}

size_t rl_utf8_next(const unsigned char *at, size_t left, uint32_t *ret_code_point) {
    unsigned char lead = at[0];
    size_t length = length_of(lead);
    uint32_t code_point = length > 1 ? lead & (0x7fU >> length) : lead;
    /* Bounds of the second byte; of those after it, any continuation will do. */
    unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (size_t i = 1; i < length; i++) {
        if (i >= left || at[i] < low || at[i] > high) {
            *ret_code_point = RL_UTF8_ILL_FORMED;
            return i;
        }
        code_point = code_point << 6 | (at[i] & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    *ret_code_point = length ? code_point : RL_UTF8_ILL_FORMED;
    return length ? length : 1;
}

bool rl_utf8_valid(rl_bytes bytes) {
    const unsigned char *data = bytes.data;
    uint32_t code_point = 0;
    for (size_t i = 0; i < bytes.size && code_point != RL_UTF8_ILL_FORMED;) {
        i += rl_utf8_next(data + i, bytes.size - i, &code_point);
    }
    return code_point != RL_UTF8_ILL_FORMED;
}

bool rl_utf8_append(rl_buffer *out, rl_bytes bytes, bool *ret_replaced) {
    const unsigned char *data = bytes.data;
    size_t start = 0; /* of the well-formed run not yet copied */
    for (size_t i = 0, length; i < bytes.size; i += length) {
        uint32_t code_point;
        length = rl_utf8_next(data + i, bytes.size - i, &code_point);
        if (code_point != RL_UTF8_ILL_FORMED) {
            continue;
        }
        *ret_replaced = true;
        if (!rl_buffer_append(out, data + start, i - start) ||
            !rl_buffer_append_text(out, RL_UTF8_REPLACEMENT)) {
            return false;
        }
        start = i + length;
    }
    return bytes.size == start || rl_buffer_append(out, data + start, bytes.size - start);
}
