/* server.h: the HTTP server: civetweb set up so that every request is answered by our routes.
 *
 * civetweb 1.16 gives each connection a thread of its own, taken from a fixed number. Two things follow:
 *   - a client that is waited for holds a thread: an idle connection, one that sends its request or takes
 *     its answer slowly. Each wait has a deadline (client_watch.h). When most threads are taken the deadlines
 *     are a few seconds and answers say "Connection: close", so that threads come free for those who queue;
 *   - its threads have stacks of 100 KiB (fixed when the library was built), so nothing large stands on
 *     the stack in a route and recursion is bounded.
 *
 * No answer is HTML and no legal request is dropped: what civetweb refuses by itself passes through our
 * error form, and request targets that it gives up on in silence ("*", a full URL with another port) are
 * answered before the connection closes.
 */
#ifndef RL_API_SERVER_H
#define RL_API_SERVER_H

#include "services/api/api.h"

typedef struct rl_server rl_server;

/* Listens and serves. `api` is borrowed. FATAL with civetweb's reason where the address cannot be had. */
rl_server *rl_server_new(rl_api *api, rl_error *err);

/* Ends in good order: no more submissions, waiting requests are answered, requests under way finish (for at
 * most `grace_us`), then connections close. NULL is fine. */
void rl_server_free(rl_server *server, int64_t grace_us);

/* The port that it listens on. */
int rl_server_port(const rl_server *server);

#endif
