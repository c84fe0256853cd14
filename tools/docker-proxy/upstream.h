/* upstream.h: the Docker Engine behind the proxy, asked by libcurl over its unix socket.
 *
 * Thread: a link belongs to one thread at a time; what links share is read-only but for the end of all requests.
 */
#ifndef RL_PROXY_UPSTREAM_H
#define RL_PROXY_UPSTREAM_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

typedef struct {
    const char *socket_path;
    _Atomic int64_t end_us; /* monotonic; requests still under way then are given up. 0: no such time */
} rl_upstream;

/* One connection with the Engine, kept between requests. */
typedef struct rl_upstream_link rl_upstream_link;

typedef struct {
    const char *method;
    const char *target;
    rl_bytes body;      /* JSON, or empty */
    int64_t timeout_us; /* 0: as long as the client is there */
    int client_fd;      /* given up when nobody is at its other end any more; -1: does not matter */
} rl_upstream_request;

/* Before any thread starts. FATAL. */
bool rl_upstream_prepare(rl_error *err);

/* NULL and TRANSIENT when memory is short. `upstream` is borrowed. */
rl_upstream_link *rl_upstream_link_new(rl_upstream *upstream, rl_error *err);
void rl_upstream_link_free(rl_upstream_link *link);

/* Asks; the status and the body of the answer (at most the buffer's limit). TRANSIENT where there is none. */
bool rl_upstream_ask(rl_upstream_link *link, const rl_upstream_request *request, int *ret_status,
                     rl_buffer *ret_body, rl_error *err);

/* A new connection to the Engine's socket, not blocking; -1 with TRANSIENT, or FATAL for a path that is too long. */
int rl_upstream_connect(const rl_upstream *upstream, rl_error *err);

RL_DEFINE_CLEANUP(rl_upstream_link_slot, rl_upstream_link, rl_upstream_link_free)
#define RL_AUTO_UPSTREAM_LINK RL_CLEANUP(rl_upstream_link_slot)

#endif
