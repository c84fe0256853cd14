/* lookup.h: what has become of a submission.
 *
 * The tail first; then, unless the tail is certain that there is nothing to find, or that it has the first result of
 * its generation, MongoDB. An id whose
 * result can no longer come (longest time in the queue plus ten minutes) counts as expired, if the tail has
 * read the log to its end: while Kafka is away, a runner may be holding the result.
 *
 * Thread: any.
 */
#ifndef RL_API_LOOKUP_H
#define RL_API_LOOKUP_H

#include "services/api/api.h"

typedef enum {
    RL_LOOKUP_FINISHED,
    RL_LOOKUP_PENDING,
    RL_LOOKUP_EXPIRED,
    RL_LOOKUP_UNKNOWN,     /* deleted */
    RL_LOOKUP_UNAVAILABLE, /* MongoDB or the log would have to be asked, and does not answer (`err`) */
} rl_lookup_status;

/* Whether a submission of this time may still wait or run, as far as time tells. */
bool rl_lookup_may_be_queued(const rl_api *api, const rl_id_parts *parts);

/* `parts` are those of `id`, verified. Everything in `ret` lives in `arena`. */
rl_lookup_status rl_lookup(rl_api *api, const char *id, const rl_id_parts *parts, rl_arena *arena,
                           rl_finished *ret, rl_error *err);

#endif
