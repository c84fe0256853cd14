/* utf8.h: bytes from programs into JSON text.
 *
 * Programs write what they like; JSON must be Unicode. Ill-formed sequences are replaced by U+FFFD as the
 * WHATWG Encoding Standard's UTF-8 decoder does (one for each maximal subpart).
 */
#ifndef RL_CODEC_UTF8_H
#define RL_CODEC_UTF8_H

#include "lib/base/buffer.h"

/* Whether `bytes` are well-formed UTF-8 (Unicode 15, table 3-7: no surrogates, no overlong forms). NUL is fine. */
bool rl_utf8_valid(rl_bytes bytes);

/* Appends `bytes` to `out` with every ill-formed part replaced. Sets `*ret_replaced` if there was one. false when
 * memory is short or `out` is full. */
bool rl_utf8_append(rl_buffer *out, rl_bytes bytes, bool *ret_replaced);

#endif
