/* server_parts.h: what server.c (life), server_connections.c (threads and connections) and server_requests.c
 * (requests) share. Nobody else includes it.
 *
 * Locks: `lock` guards `complaint` and serves with `idle` to wait for the last request at the end; the
 * counters are atomics. What is not atomic is set before civetweb starts its threads.
 */
#ifndef RL_API_SERVER_PARTS_H
#define RL_API_SERVER_PARTS_H

#include <civetweb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "services/api/client_watch.h"
#include "services/api/server.h"

struct rl_server {
    rl_api *api;
    struct mg_context *context;
    rl_watchdog *watchdog;
    int port;
    int crowd; /* connections from which on they are not kept alive */
    _Atomic int connections;
    _Atomic int under_way; /* requests being answered */
    pthread_mutex_t lock;
    pthread_cond_t idle;
    _Atomic ptrdiff_t info_distance; /* see learn() in server_connections.c; 0: not known yet */
    _Atomic bool started;
    char complaint[160]; /* civetweb's words when it did not start; not written once `started` */
};

/* What a thread of the server keeps; civetweb hands it back with every connection. */
typedef struct {
    rl_api_thread parts;
    rl_client_watch *watch;
    void *stack;  /* rl_memory_stack() of the thread */
    bool watched; /* the watch knows the connection */
    bool refused; /* civetweb refused the connection's last request, and our error form has been sent */
} rl_server_thread;

static inline rl_server *rl_server_of(const struct mg_connection *connection) {
    return mg_get_user_data(mg_get_context(connection));
}

/* NULL where memory was short when the thread began. */
static inline rl_client_watch *rl_server_watch_of(const struct mg_connection *connection) {
    const rl_server_thread *thread = mg_get_thread_pointer(connection);
    return thread ? thread->watch : NULL;
}

/* --- server_connections.c: civetweb's callbacks of these names, and one helper --- */

void *rl_server_on_thread(const struct mg_context *context, int kind);
void rl_server_on_thread_end(const struct mg_context *context, int kind, void *pointer);
int rl_server_on_connection(const struct mg_connection *connection, void **ret_data);
void rl_server_on_close(const struct mg_connection *connection);
void rl_server_on_closed(const struct mg_connection *connection);

/* A request has arrived, or what came instead of one: the client is not awaited any more. */
void rl_server_begin_work(rl_server *server, struct mg_connection *connection);

/* --- server_requests.c --- */

/* Answers the request that civetweb has read. `last`: the connection ends after it, whatever it says. Returns the
 * status. */
int rl_server_serve(rl_server *server, struct mg_connection *connection, bool last);

int rl_server_on_request(struct mg_connection *connection);
int rl_server_on_refusal(struct mg_connection *connection, int status, const char *civetweb_says);

#endif
