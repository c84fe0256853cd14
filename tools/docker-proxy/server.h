/* server.h: the proxy's socket: connections, each served by a thread of its own.
 *
 * Threads, because libcurl's calls block and a stream lasts as long as its container; their number is bounded, and what is
 * beyond it gets 503. A request must be complete within a time of its first byte, and its answer taken within the same;
 * between requests a connection may rest.
 *
 * Where the Engine gives no answer, the client gets none either: to a runner the proxy's Engine is away as its own
 * would be.
 */
#ifndef RL_PROXY_SERVER_H
#define RL_PROXY_SERVER_H

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "tools/docker-proxy/gate.h"

typedef struct {
    const char *socket_path; /* made with mode 0600; one that nobody listens on is replaced */
    int64_t connections;     /* at once */
    int64_t timeout_us;      /* of a request's bytes */
    rl_gate *gate;
    rl_upstream *upstream;
    rl_log *log;         /* NULL: silence */
    rl_metrics *metrics; /* NULL: none */
} rl_server_options;

typedef struct rl_server rl_server;

/* Listens. The options' pointers are borrowed until rl_server_free. FATAL where the socket cannot be had. */
rl_server *rl_server_new(const rl_server_options *options, rl_error *err);

/* Accepts until `stop_fd` can be read. FATAL where it cannot go on. */
bool rl_server_run(rl_server *server, int stop_fd, rl_error *err);

/* Ends idle connections and streams at once and requests after a few seconds, and removes the socket. */
void rl_server_free(rl_server *server);

RL_DEFINE_CLEANUP(rl_server_slot, rl_server, rl_server_free)
#define RL_AUTO_SERVER RL_CLEANUP(rl_server_slot)

#endif
