/* trace.c: fixed places in a fixed form. */
#include "lib/base/trace.h"

#include <stdint.h>
#include <stdlib.h>

/* Where the parts begin, and how long they are. */
#define VERSION_LENGTH 2
#define TRACE_AT 3
#define TRACE_LENGTH 32
#define SPAN_AT 36
#define SPAN_LENGTH 16
#define FLAGS_AT 53
#define LONGEST 256 /* of a later version; nobody sends so much */

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

bool rl_trace_is_valid(rl_bytes text) {
    const char *at = text.data;
    bool version_zero, trace_zero, span_zero, flags_zero;
    if (text.size < RL_TRACEPARENT_LENGTH || text.size > LONGEST || at[TRACE_AT - 1] != '-' ||
        at[SPAN_AT - 1] != '-' || at[FLAGS_AT - 1] != '-') {
        return false;
    }
    if (!is_hex(at, VERSION_LENGTH, &version_zero) || !is_hex(at + TRACE_AT, TRACE_LENGTH, &trace_zero) ||
        !is_hex(at + SPAN_AT, SPAN_LENGTH, &span_zero) || !is_hex(at + FLAGS_AT, 2, &flags_zero)) {
        return false;
    }
    if (trace_zero || span_zero || memcmp(at, "ff", VERSION_LENGTH) == 0) {
        return false;
    }
    return text.size == RL_TRACEPARENT_LENGTH || (!version_zero && at[RL_TRACEPARENT_LENGTH] == '-');
}

/* `count` random bytes as hex digits; never all 0, which would be no id. */
static void draw(char *out, size_t count) {
    uint8_t bytes[TRACE_LENGTH / 2];
    arc4random_buf(bytes, count);
    bytes[count - 1] |= (uint8_t)1;
    for (size_t i = 0; i < count; i++) {
        static const char digits[] = "0123456789abcdef";
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

void rl_trace_begin(char ret[RL_TRACEPARENT_SIZE]) {
    memcpy(ret, "00-00000000000000000000000000000000-0000000000000000-00", RL_TRACEPARENT_SIZE);
    draw(ret + TRACE_AT, TRACE_LENGTH / 2);
    draw(ret + SPAN_AT, SPAN_LENGTH / 2);
}

bool rl_trace_continue(rl_bytes parent, char ret[RL_TRACEPARENT_SIZE]) {
    ret[0] = '\0';
    if (!rl_trace_is_valid(parent)) {
        return false;
    }
    const char *from = parent.data;
    const char last = from[FLAGS_AT + 1];
    const int digit = last <= '9' ? last - '0' : last - 'a' + 10;
    memcpy(ret, from, RL_TRACEPARENT_LENGTH);
    memcpy(ret, "00", VERSION_LENGTH);
    draw(ret + SPAN_AT, SPAN_LENGTH / 2);
    memcpy(ret + FLAGS_AT, digit & 1 ? "01" : "00", 3);
    return true;
}

rl_trace_ids rl_trace_ids_of(const char *traceparent) {
    rl_trace_ids ids = {.trace = "", .span = ""};
    if (traceparent && strlen(traceparent) >= RL_TRACEPARENT_LENGTH) {
        memcpy(ids.trace, traceparent + TRACE_AT, TRACE_LENGTH);
        memcpy(ids.span, traceparent + SPAN_AT, SPAN_LENGTH);
    }
    return ids;
}
