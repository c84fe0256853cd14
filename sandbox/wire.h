/* wire.h: integers, byte strings and texts as protocol.h lays them out.
 *
 * A writer that keeps counting after its buffer is full serves both measuring and writing. A reader that
 * becomes `bad` once and stays so lets a decoder read field after field and ask once, at the end. Both are
 * values on the caller's stack. Pure; thread: any.
 */
#ifndef RL_SANDBOX_WIRE_H
#define RL_SANDBOX_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rl_wire_writer {
    uint8_t *out;
    size_t capacity;
    size_t used; /* may pass capacity: then it only counts */
} rl_wire_writer;

void rl_wire_put_raw(rl_wire_writer *w, const void *data, size_t size);
void rl_wire_put_u8(rl_wire_writer *w, uint8_t value);
void rl_wire_put_u32(rl_wire_writer *w, uint32_t value);
void rl_wire_put_u64(rl_wire_writer *w, uint64_t value);
void rl_wire_put_i64(rl_wire_writer *w, int64_t value);
void rl_wire_put_bytes(rl_wire_writer *w, const void *data, size_t size); /* u32 size, then the bytes */
void rl_wire_put_text(rl_wire_writer *w, const char *text); /* the same and a NUL; NULL counts as "" */

typedef struct rl_wire_reader {
    const uint8_t *next;
    size_t left;
    const char *bad; /* NULL while all is well; then the first complaint */
} rl_wire_reader;

/* Makes the reader bad, for ever; `why` is a static string. Later reads give zero, NULL or "". */
void rl_wire_complain(rl_wire_reader *r, const char *why);

/* The next `size` bytes in place; NULL when there are not as many. */
const uint8_t *rl_wire_take(rl_wire_reader *r, size_t size);
uint8_t rl_wire_get_u8(rl_wire_reader *r);
uint32_t rl_wire_get_u32(rl_wire_reader *r);
uint64_t rl_wire_get_u64(rl_wire_reader *r);

/* A signed number that must be at least `least`; `why` is the complaint when it is not. */
int64_t rl_wire_get_i64(rl_wire_reader *r, int64_t least, const char *why);

/* Bytes in place, *size of them. */
const uint8_t *rl_wire_get_bytes(rl_wire_reader *r, size_t *size);

/* A C string in place, at most `max` bytes long. "" when the reader is bad, so that a half-decoded struct
 * holds no wild pointer. */
const char *rl_wire_get_text(rl_wire_reader *r, size_t max);

/* Whether all fields were good and nothing is left; else *why says what was wrong. */
bool rl_wire_end(rl_wire_reader *r, const char **why);

#endif
