/* trace.h: which trace a submission belongs to: the traceparent of W3C Trace Context
 * (https://www.w3.org/TR/trace-context-1/#traceparent-header).
 *
 *     00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *     version, trace id, span id of who sends it, flags; all of it lower-case hex digits
 *
 * The trace id stays the same from the client to the result; whoever does a part of the work draws a span id
 * of its own and sends that on. Nothing here records spans: the ids stand in headers and log lines, where a
 * tracing system and a reader of logs find them.
 *
 * What is sent is always version 00 and carries of the flags only "sampled", the one which that version defines.
 *
 * Thread: any; there is no state.
 */
#ifndef RL_BASE_TRACE_H
#define RL_BASE_TRACE_H

#include <stdbool.h>

#include "lib/base/buffer.h"

#define RL_TRACEPARENT_LENGTH 55 /* of version 00 */
#define RL_TRACEPARENT_SIZE (RL_TRACEPARENT_LENGTH + 1)

/* Whether `text` can be continued: version 00 in full; a later version if it begins in the same form. */
bool rl_trace_is_valid(rl_bytes text);

/* Begins a trace of our own: random ids, not sampled. */
void rl_trace_begin(char ret[RL_TRACEPARENT_SIZE]);

/* A span of our own in the trace of `parent`. Where that is not valid: false and "", as the specification wants
 * such a header to be ignored. */
bool rl_trace_continue(rl_bytes parent, char ret[RL_TRACEPARENT_SIZE]);

/* The two ids for a log line; both are empty where `traceparent` is "" or NULL. */
typedef struct {
    char trace[33];
    char span[17];
} rl_trace_ids;
rl_trace_ids rl_trace_ids_of(const char *traceparent);

#endif
