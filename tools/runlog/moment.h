/* moment.h: points in time as people write them.
 *
 * Thread: any.
 */
#ifndef RL_TOOLS_MOMENT_H
#define RL_TOOLS_MOMENT_H

#include <stdint.h>

#include "lib/base/error.h"

/* RFC 3339 ("2026-11-24T02:15:00Z", with an offset or a fraction too), a date alone (its first moment in UTC), or how long ago:
 * "90s", "15m", "2h", "7d", counted back from `now_us`. Wall clock. INVALID where it is none of these. */
bool rl_moment_parse(const char *text, int64_t now_us, int64_t *ret_us, rl_error *err);

#define RL_MOMENT_HELP "2h (ago; also s, m, d), a date, or RFC 3339: 2026-11-24T02:15:00Z"

#endif
