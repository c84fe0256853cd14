/* json_string.h: text as a JSON string, the one place that escapes (RFC 8259, section 7).
 *
 * What becomes of the bytes, in both alphabets:
 *     quotation mark, backslash       \" \\
 *     \b \t \n \f \r                  in these short forms
 *     other controls below U+0020     \u00xx, NUL included
 *     ill-formed UTF-8                one U+FFFD for each maximal subpart (utf8.h)
 * and where the two differ:
 *                                     RL_JSON_UTF8       RL_JSON_ASCII
 *     DEL (U+007F)                    as it is           \u007f
 *     U+0080 and above                as it is           \uxxxx, in a surrogate pair above U+FFFF
 * Both give valid JSON with the same meaning. ASCII is for what people read in a terminal, which would obey
 * control sequences (C1 among them); UTF-8 is for programs, and smaller.
 */
#ifndef RL_BASE_JSON_STRING_H
#define RL_BASE_JSON_STRING_H

#include "lib/base/buffer.h"

typedef enum { RL_JSON_UTF8, RL_JSON_ASCII } rl_json_alphabet;

/* Appends `text` with the quotation marks around it. Sets `*ret_replaced` (may be NULL) where something was
 * ill-formed and leaves it alone otherwise. false when memory is short or `out` is full: `out` then ends
 * somewhere within the string. */
bool rl_json_string_append(rl_buffer *out, rl_bytes text, rl_json_alphabet alphabet, bool *ret_replaced);

#endif
