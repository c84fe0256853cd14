/* relay.h: the stream of an attached container, between a client and the Engine.
 *
 * Bytes are passed as they are, in both directions, as fast as the slower side takes them; the end of one direction
 * is passed on as such, because the agent inside takes the end of its input for the end of its runner. It lasts as long as
 * the container, which may wait for its submission: there is no time-out once it has begun.
 *
 * Thread: the connection's. Memory: RL_RELAY_BYTES for each direction, on the stack.
 */
#ifndef RL_PROXY_RELAY_H
#define RL_PROXY_RELAY_H

#include "tools/docker-proxy/route.h"
#include "tools/docker-proxy/upstream.h"

#define RL_RELAY_BYTES 16384

/* Attaches to the container of `route`, tells the client and passes bytes until an end is closed or `stop_fd` can be read.
 * false where it did not come to that: INVALID with the Engine's status as the code, or TRANSIENT where it gave no
 * answer. */
bool rl_relay_run(const rl_upstream *upstream, const rl_route *route, int client_fd, int stop_fd,
                  rl_error *err);

#endif
