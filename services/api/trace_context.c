/* trace_context.c: see trace_context.h. */
#include "services/api/trace_context.h"

#include <stddef.h>
#include <string.h>

#define LENGTH 55 /* version 00: 2 + 1 + 32 + 1 + 16 + 1 + 2 */
#define LONGEST 256

/* `count` lower-case hex digits; `ret_zero` says whether all are 0. */
static bool is_hex(const char *text, size_t count, bool *ret_zero) {
    *ret_zero = true;
    for (size_t i = 0; i < count; i++) {
        const char c = text[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
        *ret_zero &= c == '0';
    }
    return true;
}

/* What later versions add is unknown but for its form; it goes into a record as text. */
static bool is_printable(const char *text) {
    while (*text > ' ' && *text < 0x7f) {
        text++;
    }
    return *text == '\0';
}

bool rl_traceparent_valid(const char *text) {
    const size_t length = text ? strnlen(text, LONGEST + 1) : 0;
    if (length < LENGTH || length > LONGEST || text[2] != '-' || text[35] != '-' || text[52] != '-') {
        return false;
    }
    bool version_zero;
    bool trace_zero;
    bool parent_zero;
    bool flags_zero;
    if (!is_hex(text, 2, &version_zero) || !is_hex(text + 3, 32, &trace_zero) ||
        !is_hex(text + 36, 16, &parent_zero) || !is_hex(text + 53, 2, &flags_zero)) {
        return false;
    }
    if (trace_zero || parent_zero || strncmp(text, "ff", 2) == 0) {
        return false;
    }
    if (version_zero || length == LENGTH) {
        return length == LENGTH;
    }
    return text[LENGTH] == '-' && is_printable(text + LENGTH);
}
