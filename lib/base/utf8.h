/* utf8.h: bytes from programs into Unicode text.
 *
 * Programs write what they like; JSON, Avro strings and BSON must be Unicode. Ill-formed sequences are
 * replaced by U+FFFD as the WHATWG Encoding Standard's UTF-8 decoder does (one for each maximal subpart).
 * Well-formed is what Unicode 15, table 3-7 lists: no surrogates, no overlong forms. NUL is fine.
 */
#ifndef RL_BASE_UTF8_H
#define RL_BASE_UTF8_H

#include <stdint.h>

#include "lib/base/buffer.h"

#define RL_UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define RL_UTF8_ILL_FORMED UINT32_MAX

/* Reads one character from the `left` (at least 1) bytes at `at`. Returns how many bytes it takes, 1 to 4. Where
 * they are ill-formed `*ret_code_point` is RL_UTF8_ILL_FORMED, and the length that of the maximal subpart. */
size_t rl_utf8_next(const unsigned char *at, size_t left, uint32_t *ret_code_point);

/* Whether `bytes` are well-formed UTF-8. */
bool rl_utf8_valid(rl_bytes bytes);

/* Appends `bytes` to `out` with every ill-formed part replaced. Sets `*ret_replaced` if there was one. false when
 * memory is short or `out` is full. */
bool rl_utf8_append(rl_buffer *out, rl_bytes bytes, bool *ret_replaced);

#endif
