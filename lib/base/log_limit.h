/* log_limit.h: a bound for log lines that somebody outside can provoke.
 *
 * A line for each bad record or failed request makes the log useless and, where its reader is slow, stops
 * the service: writing to a full pipe blocks. So of each kind of such a line only the first few in a span of
 * time are written; the next one that is says how many were not. Counting everything is what metrics are for.
 *
 *     int64_t withheld;
 *     if (rl_log_limit_pass(&limit, rl_clock_us(), &withheld)) {
 *         rl_log(log, RL_LOG_WARN, "result.undecodable", ..., RL_I("withheld", withheld));
 *     }
 *
 * Thread: any. Where several meet at the beginning of a span, a few more lines may pass.
 */
#ifndef RL_BASE_LOG_LIMIT_H
#define RL_BASE_LOG_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define RL_LOG_LIMIT_LINES 10
#define RL_LOG_LIMIT_SPAN_US (INT64_C(10) * 1000000)

/* One for each kind of line. All zero is a fresh one. */
typedef struct {
    _Atomic int64_t since_us; /* when the span began, monotonic */
    _Atomic int64_t passed;   /* lines in it, those that were not written included */
    _Atomic int64_t withheld; /* lines since the last that was written */
} rl_log_limit;

/* Whether a line may be written at `now_us` (rl_clock_us); then `*ret_withheld` is the number of those since
 * the last one that were not. */
bool rl_log_limit_pass(rl_log_limit *limit, int64_t now_us, int64_t *ret_withheld);

#endif
