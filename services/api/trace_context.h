/* trace_context.h: the W3C header traceparent (https://www.w3.org/TR/trace-context-1/#traceparent-header).
 *
 * A caller's trace goes on through the log; a header that is not valid is ignored, as the specification
 * asks.
 */
#ifndef RL_API_TRACE_CONTEXT_H
#define RL_API_TRACE_CONTEXT_H

#include <stdbool.h>

/* Whether `text` (may be NULL) is a traceparent to pass on: version 00 in full; a later version if it
 * begins in the same form. */
bool rl_traceparent_valid(const char *text);

#endif
