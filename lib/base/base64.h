/* base64.h: bytes out of base64 text.
 *
 * Source: RFC 4648, section 4: the alphabet with + and /, padding required. Strict, as section 3 advises: no line
 * breaks or other characters from outside the alphabet, no bits set behind the last byte, so that no two texts stand
 * for the same bytes.
 *
 * Pure. Thread: any.
 */
#ifndef RL_BASE_BASE64_H
#define RL_BASE_BASE64_H

#include "lib/base/buffer.h"

/* How many bytes `size` characters stand for at most. */
static inline size_t rl_base64_decoded_max(size_t size) {
    return size / 4 * 3;
}

/* Decodes `text` into `to`, which has room for rl_base64_decoded_max(text.size) bytes. false where it is not base64;
 * `*ret_at` then says which character is wrong, counted from 0 (the text's size where it breaks off). */
bool rl_base64_decode(rl_bytes text, unsigned char *to, size_t *ret_size, size_t *ret_at);

#endif
