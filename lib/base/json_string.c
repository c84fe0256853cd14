/* json_string.c: runs that need no escape are copied whole, what stands between them goes one by one. */
#include "lib/base/json_string.h"

#include <stdint.h>

#include "lib/base/utf8.h"

/* Most text is nothing else: it is passed over without being decoded. */
static bool is_plain_ascii(unsigned char byte) {
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static bool is_plain(uint32_t code_point, rl_json_alphabet alphabet) {
    if (code_point < 0x20 || code_point == '"' || code_point == '\\' || code_point == RL_UTF8_ILL_FORMED) {
        return false;
    }
    return alphabet == RL_JSON_UTF8 || code_point < 0x7f;
}

/* The letter of the short form; 0 where there is none. */
static char short_form(uint32_t code_point) {
    switch (code_point) {
    case '"':
    case '\\':
        return (char)code_point;
    case '\b':
        return 'b';
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\f':
        return 'f';
    case '\r':
        return 'r';
    default:
        return 0;
    }
}

static bool append_escape(rl_buffer *out, uint32_t code_point) {
    char letter = short_form(code_point);
    if (letter) {
        const char pair[2] = {'\\', letter};
        return rl_buffer_append(out, pair, sizeof pair);
    }
    if (code_point <= 0xffff) {
        return rl_buffer_printf(out, "\\u%04x", (unsigned)code_point);
    }
    uint32_t rest = code_point - 0x10000; /* RFC 8259 takes the pair from UTF-16 */
    return rl_buffer_printf(out, "\\u%04x\\u%04x", (unsigned)(0xd800 + (rest >> 10)),
                            (unsigned)(0xdc00 + (rest & 0x3ff)));
}

static bool append_replacement(rl_buffer *out, rl_json_alphabet alphabet) {
    return alphabet == RL_JSON_ASCII ? append_escape(out, 0xfffd)
                                     : rl_buffer_append_text(out, RL_UTF8_REPLACEMENT);
}

static bool append_run(rl_buffer *out, const unsigned char *data, size_t from, size_t to) {
    return from == to || rl_buffer_append(out, data + from, to - from);
}

bool rl_json_string_append(rl_buffer *out, rl_bytes text, rl_json_alphabet alphabet, bool *ret_replaced) {
    const unsigned char *data = text.data;
    size_t from = 0; /* of the run that is not copied yet */
    bool ok = rl_buffer_append(out, "\"", 1);
    for (size_t i = 0, length; i < text.size && ok; i += length) {
        uint32_t code_point;
        length = 1;
        if (is_plain_ascii(data[i])) {
            continue;
        }
        length = rl_utf8_next(data + i, text.size - i, &code_point);
        if (is_plain(code_point, alphabet)) {
            continue;
        }
        ok = append_run(out, data, from, i);
        from = i + length;
        if (code_point != RL_UTF8_ILL_FORMED) {
            ok = ok && append_escape(out, code_point);
            continue;
        }
        ok = ok && append_replacement(out, alphabet);
        if (ret_replaced) {
            *ret_replaced = true;
        }
    }
    return ok && append_run(out, data, from, text.size) && rl_buffer_append(out, "\"", 1);
}
