/* server_connections.c: civetweb's threads and connections: what each thread keeps, and the watch over each client. */
#include <stdlib.h>

#include "lib/base/memory.h"
#include "services/api/server_parts.h"

/* --- watching the client --- */

/* civetweb 1.16 tells a connection's addresses only once it has read from it, though it knows them before
 * and though its silence is what must be watched. The structure with the addresses is a part of the
 * connection's own: where it lies is the same for all, and is learned from the first one that is told. Until
 * then only civetweb's own time limits hold. */
static void learn(rl_server *server, const struct mg_connection *connection,
                  const struct mg_request_info *info) {
    atomic_store(&server->info_distance, (const char *)info - (const char *)connection);
}

static const struct mg_request_info *early_info(const rl_server *server,
                                                const struct mg_connection *connection) {
    const ptrdiff_t distance = atomic_load(&server->info_distance);
    return distance ? (const void *)((const char *)connection + distance) : NULL;
}

/* `info` may be NULL: then the watch begins later. */
static void begin_watch(rl_server_thread *thread, const struct mg_request_info *info) {
    if (thread && info && !thread->watched) {
        thread->watched = true;
        rl_client_watch_begin(thread->watch, info->remote_addr, info->remote_port, info->server_port);
    }
}

void rl_server_begin_work(rl_server *server, struct mg_connection *connection) {
    const struct mg_request_info *info = mg_get_request_info(connection);
    learn(server, connection, info);
    begin_watch(mg_get_thread_pointer(connection), info);
    rl_client_watch_enter(rl_server_watch_of(connection), RL_CLIENT_NOT_AWAITED);
}

/* --- connections and threads --- */

int rl_server_on_connection(const struct mg_connection *connection, void **ret_data) {
    (void)ret_data;
    rl_server_thread *thread = mg_get_thread_pointer(connection);
    if (thread) {
        thread->refused = false;
        thread->watched = false;
        begin_watch(thread, early_info(rl_server_of(connection), connection));
    }
    const int now = atomic_fetch_add(&rl_server_of(connection)->connections, 1) + 1;
    rl_metric_set(rl_server_of(connection)->api->metrics->connections, now);
    return 0;
}

/* The last moment to answer a request whose target civetweb did not take for its own. */
void rl_server_on_close(const struct mg_connection *connection) {
    const struct mg_request_info *info = mg_get_request_info(connection);
    const rl_server_thread *thread = mg_get_thread_pointer(connection);
    if (info) {
        learn(rl_server_of(connection), connection, info);
    }
    if (info && info->request_method && info->request_uri && !info->local_uri_raw && thread &&
        !thread->refused) {
        /* civetweb promises callers no more than a const view here; writing is still possible. */
        (void)rl_server_serve(rl_server_of(connection), (struct mg_connection *)(uintptr_t)connection, true);
    }
    rl_client_watch_end(rl_server_watch_of(connection));
}

/* The thread is idle now, perhaps for long: connections go to any of hundreds. */
void rl_server_on_closed(const struct mg_connection *connection) {
    const int now = atomic_fetch_sub(&rl_server_of(connection)->connections, 1) - 1;
    rl_metric_set(rl_server_of(connection)->api->metrics->connections, now);
    const rl_server_thread *thread = mg_get_thread_pointer(connection);
    rl_memory_trim_stack(thread ? thread->stack : NULL);
}

static void free_thread(rl_server_thread *thread) {
    rl_client_watch_free(thread->watch);
    rl_waiter_free(thread->parts.waiter);
    rl_publish_ticket_free(thread->parts.ticket);
    free(thread);
}

void *rl_server_on_thread(const struct mg_context *context, int kind) {
    const rl_server *server = mg_get_user_data(context);
    rl_server_thread *thread = kind == 1 ? calloc(1, sizeof(*thread)) : NULL;
    if (!thread) {
        return NULL;
    }
    thread->stack = rl_memory_stack();
    thread->parts.waiter = rl_waiter_new();
    thread->parts.ticket = rl_publish_ticket_new();
    thread->watch = rl_client_watch_new(server->watchdog);
    if (!thread->parts.waiter || !thread->parts.ticket || !thread->watch) {
        free_thread(thread);
        return NULL;
    }
    return thread;
}

void rl_server_on_thread_end(const struct mg_context *context, int kind, void *pointer) {
    (void)context;
    (void)kind;
    if (pointer) {
        free_thread(pointer);
    }
}
