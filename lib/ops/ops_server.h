/* ops_server.h: the internal HTTP port of a service: GET /healthz, /readyz and /metrics.
 *
 * - /healthz: the process answers: 200 {"status":"ok"}.
 * - /readyz: 200 or 503 with {"status":"ready"|"degraded"|"not ready","checks":{...}}: one entry for each check
 *   that the service registered, {"ok":true} or {"ok":false,"required":...,"reason":"..."}.
 * - /metrics: Prometheus text, the outcome of the checks included.
 * HEAD works; other methods are 405 with Allow, other paths 404, all as JSON.
 *
 * Thread: checks are called from the server's threads and must not block.
 */
#ifndef RL_OPS_OPS_SERVER_H
#define RL_OPS_OPS_SERVER_H

#include "lib/base/error.h"
#include "lib/base/metrics.h"

/* Whether one thing that the service needs is well. `reason` gets a short text where it is not. */
typedef bool (*rl_ops_check)(void *context, char reason[128]);

typedef struct {
    const char *name;
    rl_ops_check check;
    void *context;
    bool required; /* false: failing means "degraded", still 200 */
} rl_ops_readiness;

/* Appends the body of /readyz to `out`; returns the HTTP status, 200 or 503. Shared with the API's own server. */
int rl_ops_ready_body(const rl_ops_readiness *checks, size_t count, rl_buffer *out);

/* Brings the gauges runlog_check_ok, one for each check, up to date: 1 where it is well. */
void rl_ops_measure(const rl_ops_readiness *checks, size_t count, rl_metrics *metrics);

typedef struct rl_ops_server rl_ops_server;

/* Listens on `listen` ("0.0.0.0:9100"). NULL and FATAL where that address cannot be had, TRANSIENT when
 * memory is short. `checks` and `metrics` are borrowed until rl_ops_server_free. */
rl_ops_server *rl_ops_server_new(const char *listen, rl_metrics *metrics, const rl_ops_readiness *checks,
                                 size_t count, rl_error *err);

/* Stops the threads and waits for the requests being answered; takes up to 2 s. NULL is fine. */
void rl_ops_server_free(rl_ops_server *server);

/* The port that it listens on: what the system chose where `listen` said port 0. */
int rl_ops_server_port(const rl_ops_server *server);

#endif
