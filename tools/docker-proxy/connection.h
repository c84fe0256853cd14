/* connection.h: one client, request by request.
 *
 * Thread: its own.
 */
#ifndef RL_PROXY_CONNECTION_H
#define RL_PROXY_CONNECTION_H

#include "lib/base/log.h"
#include "lib/base/log_limit.h"
#include "lib/base/metrics.h"
#include "tools/docker-proxy/gate.h"

/* What connections share. */
typedef struct {
    rl_gate *gate;
    rl_upstream *upstream;
    rl_log *log; /* NULL: silence */
    rl_log_limit refusals, failures;
    rl_metric *passed, *refused, *failed; /* requests; NULL: not counted */
    int64_t timeout_us;
    int stop_fd; /* can be read when it is time to end */
} rl_connection_context;

/* Serves until an end is closed or it is time to stop; `fd` stays the caller's. */
void rl_connection_serve(rl_connection_context *context, int fd);

/* Answers 503 and nothing else; does not block. */
void rl_connection_turn_away(int fd);

#endif
