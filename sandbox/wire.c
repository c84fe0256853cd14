/* wire.c: see wire.h. Nothing here adds to or multiplies a size from the wire before comparing it with what
 * is left.
 */
#include "sandbox/wire.h"

#include <string.h>

/* ---- writing ---- */

void rl_wire_put_raw(rl_wire_writer *w, const void *data, size_t size) {
    if (size > 0 && w->used <= w->capacity && size <= w->capacity - w->used) {
        memcpy(w->out + w->used, data, size);
    }
    w->used += size;
}

void rl_wire_put_u8(rl_wire_writer *w, uint8_t value) {
    rl_wire_put_raw(w, &value, 1);
}

void rl_wire_put_u32(rl_wire_writer *w, uint32_t value) {
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value};
    rl_wire_put_raw(w, bytes, sizeof bytes);
}

void rl_wire_put_u64(rl_wire_writer *w, uint64_t value) {
    rl_wire_put_u32(w, (uint32_t)(value >> 32));
    rl_wire_put_u32(w, (uint32_t)value);
}

void rl_wire_put_i64(rl_wire_writer *w, int64_t value) {
    rl_wire_put_u64(w, (uint64_t)value);
}

void rl_wire_put_bytes(rl_wire_writer *w, const void *data, size_t size) {
    rl_wire_put_u32(w, (uint32_t)size);
    rl_wire_put_raw(w, data, size);
}

void rl_wire_put_text(rl_wire_writer *w, const char *text) {
    const char *known = text != NULL ? text : "";
    size_t size = strlen(known);
    rl_wire_put_u32(w, (uint32_t)size);
    rl_wire_put_raw(w, known, size + 1);
}

/* ---- reading ---- */

void rl_wire_complain(rl_wire_reader *r, const char *why) {
    if (r->bad == NULL) {
        r->bad = why;
    }
    r->left = 0;
}

const uint8_t *rl_wire_take(rl_wire_reader *r, size_t size) {
    if (r->bad != NULL || size > r->left) {
        rl_wire_complain(r, "payload ends inside a field");
        return NULL;
    }
    const uint8_t *at = r->next;
    r->next += size;
    r->left -= size;
    return at;
}

uint8_t rl_wire_get_u8(rl_wire_reader *r) {
    const uint8_t *at = rl_wire_take(r, 1);
    return at != NULL ? *at : 0;
}

uint32_t rl_wire_get_u32(rl_wire_reader *r) {
    const uint8_t *at = rl_wire_take(r, 4);
    if (at == NULL) {
        return 0;
    }
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | (uint32_t)at[3];
}

uint64_t rl_wire_get_u64(rl_wire_reader *r) {
    uint64_t high = rl_wire_get_u32(r);
    return high << 32 | rl_wire_get_u32(r);
}

int64_t rl_wire_get_i64(rl_wire_reader *r, int64_t least, const char *why) {
    uint64_t raw = rl_wire_get_u64(r);
    int64_t value = 0;
    memcpy(&value, &raw, sizeof value);
    if (value < least) {
        rl_wire_complain(r, why);
    }
    return value;
}

const uint8_t *rl_wire_get_bytes(rl_wire_reader *r, size_t *size) {
    *size = rl_wire_get_u32(r);
    const uint8_t *at = rl_wire_take(r, *size);
    if (at == NULL) {
        *size = 0;
    }
    return at;
}

const char *rl_wire_get_text(rl_wire_reader *r, size_t max) {
    size_t size = rl_wire_get_u32(r);
    if (size > max) {
        rl_wire_complain(r, "text is too long");
        return "";
    }
    const uint8_t *at = rl_wire_take(r, size + 1);
    if (at == NULL) {
        return "";
    }
    if (memchr(at, 0, size + 1) != at + size) {
        rl_wire_complain(r, "text holds a NUL or lacks its last one");
        return "";
    }
    return (const char *)at;
}

bool rl_wire_end(rl_wire_reader *r, const char **why) {
    if (r->bad == NULL && r->left != 0) {
        r->bad = "bytes after the last field";
    }
    *why = r->bad;
    return r->bad == NULL;
}
