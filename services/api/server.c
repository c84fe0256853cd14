/* server.c: see server.h.
 *
 * Locks: `lock` guards `complaint` and serves with `idle` to wait for the last request at the end; the
 * counters are atomics.
 */
#include "services/api/server.h"

#include <civetweb.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "lib/base/clock.h"
#include "services/api/client_watch.h"
#include "services/api/http_head.h"
#include "services/api/http_request.h"
#include "services/api/http_response.h"
#include "services/api/routes.h"

/* civetweb's own limits come this much later: they are for systems on which sockets cannot be looked up. */
#define SLACK_US RL_US_PER_S

/* How long a client may be waited for while threads are scarce. */
#define SCARCE_US (1 * RL_US_PER_S)
#define SCARCE_TRANSFER_US (5 * RL_US_PER_S)

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
    _Atomic ptrdiff_t info_distance; /* see learn(); 0: not known yet */
    _Atomic bool started;
    char complaint[160]; /* civetweb's words when it did not start; not written once `started` */
};

typedef struct {
    rl_api_thread parts;
    rl_client_watch *watch;
    bool watched; /* the watch knows the connection */
    bool refused; /* civetweb refused the connection's last request, and our error form has been sent */
} server_thread;

static rl_server *server_of(const struct mg_connection *connection) {
    return mg_get_user_data(mg_get_context(connection));
}

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

static rl_client_watch *watch_of(const struct mg_connection *connection) {
    const server_thread *thread = mg_get_thread_pointer(connection);
    return thread ? thread->watch : NULL;
}

/* `info` may be NULL: then the watch begins later. */
static void begin_watch(server_thread *thread, const struct mg_request_info *info) {
    if (thread && info && !thread->watched) {
        thread->watched = true;
        rl_client_watch_begin(thread->watch, info->remote_addr, info->remote_port, info->server_port);
    }
}

/* A request has arrived, or what came instead of one. */
static void begin_work(rl_server *server, struct mg_connection *connection) {
    const struct mg_request_info *info = mg_get_request_info(connection);
    learn(server, connection, info);
    begin_watch(mg_get_thread_pointer(connection), info);
    rl_client_watch_enter(watch_of(connection), RL_CLIENT_NOT_AWAITED);
}

/* --- one request --- */

static void end_request(rl_server *server) {
    if (atomic_fetch_sub(&server->under_way, 1) == 1 && atomic_load(&server->api->draining)) {
        pthread_mutex_lock(&server->lock);
        pthread_cond_signal(&server->idle);
        pthread_mutex_unlock(&server->lock);
    }
}

/* A body that nobody read ends the connection: skipping it would be waiting for it. */
static void decide_close(const rl_server *server, rl_http_request *request) {
    request->close = request->close || atomic_load(&server->api->draining) ||
                     atomic_load(&server->connections) >= server->crowd || !request->body_read;
}

/* Sends; then the client is awaited to ask for more or to close. */
static void send_answer(rl_server *server, rl_http_request *request, const rl_http_response *response) {
    decide_close(server, request);
    if (request->close) {
        mg_disable_connection_keep_alive(request->connection);
    }
    rl_client_watch_enter(request->watch, RL_CLIENT_ANSWER);
    const bool sent =
        rl_http_send(request->connection, response, request->method == RL_HTTP_HEAD, request->close);
    rl_client_watch_enter(request->watch, sent && !request->close ? RL_CLIENT_IDLE : RL_CLIENT_GOODBYE);
    if (!sent) {
        mg_disable_connection_keep_alive(request->connection); /* the client has left */
    } else if (request->close && !request->body_read) {
        rl_http_drain(request);
    }
}

/* `last`: the connection ends after this request, whatever it says. Returns the status. */
static int serve(rl_server *server, struct mg_connection *connection, bool last) {
    server_thread *thread = mg_get_thread_pointer(connection);
    RL_AUTO_HTTP_RESPONSE rl_http_response response;
    rl_http_request request;
    rl_route_id route = RL_ROUTE_NONE;
    const char *problem = "";
    atomic_fetch_add(&server->under_way, 1);
    begin_work(server, connection);
    rl_http_response_init(&response);
    const int refused = rl_http_request_init(&request, connection, &problem);
    request.watch = watch_of(connection);
    request.close |= last;
    if (refused) {
        rl_http_error(&response, refused, problem);
    } else if (!thread) {
        rl_http_unavailable(&response, 1, "Out of memory");
    } else {
        route = rl_route_dispatch(server->api, &thread->parts, &request, &response);
    }
    /* Counted before it is sent: who has read the answer finds it in the metrics. */
    rl_api_metrics_request(server->api->metrics, route, response.status);
    send_answer(server, &request, &response);
    end_request(server);
    return response.status;
}

static int on_request(struct mg_connection *connection) {
    return serve(server_of(connection), connection, false);
}

/* --- what civetweb refuses by itself --- */

/* The methods that civetweb knows; any other one it calls a bad request. */
static bool is_known_method(const char *name) {
    static const char known[] = " GET POST PUT DELETE HEAD OPTIONS CONNECT PATCH PROPFIND MKCOL LOCK UNLOCK "
                                "PROPPATCH COPY MOVE REPORT ";
    char word[24];
    const int size = snprintf(word, sizeof(word), " %s ", name);
    return size > 0 && (size_t)size < sizeof(word) && strstr(known, word);
}

/* Whether a request was refused for nothing but its method: then the routes have the better answer. Its
 * fields are not parsed. */
static bool is_foreign_method(const struct mg_request_info *info) {
    return isdigit((unsigned char)info->http_version[0]) && !is_known_method(info->request_method);
}

/* "http://host" and "http://host?query" are targets without a path (RFC 9112, section 3.2.2), which civetweb
 * calls no URI. */
static bool is_target_without_path(const char *target) {
    const size_t scheme = strncasecmp(target, "http://", 7) == 0 ? 7 : 0;
    const size_t authority = strcspn(target + scheme, "/?");
    return scheme > 0 && authority > 0 && target[scheme + authority] != '/';
}

/* Whether what civetweb calls a bad request is one that the routes can answer. `our_status`: what
 * rl_http_request_init says. */
static bool is_for_the_routes(const struct mg_request_info *info, int status, int our_status) {
    if (status != 400 || !info->request_method || !info->request_uri || !info->http_version) {
        return false;
    }
    return is_foreign_method(info) || (our_status == 0 && is_target_without_path(info->request_uri));
}

static void describe_refusal(const char *civetweb_says, int status, rl_http_response *response) {
    switch (status) {
    case 411:
        rl_http_error(response, 400, "Malformed Content-Length");
        break;
    case 400: /* civetweb does not say which */
    case 413:
        rl_http_error(response, 400, "Malformed, incomplete or too large request head (at most 16384 bytes)");
        break;
    default:
        rl_http_error(response, status >= 400 && status < 600 ? status : 500, civetweb_says);
        break;
    }
}

static int on_refusal(struct mg_connection *connection, int status, const char *civetweb_says) {
    rl_server *server = server_of(connection);
    server_thread *thread = mg_get_thread_pointer(connection);
    RL_AUTO_HTTP_RESPONSE rl_http_response response;
    rl_http_request request;
    const char *problem = "";
    const bool too_late = rl_client_watch_expired(watch_of(connection));
    if (thread) {
        thread->refused = true;
    }
    begin_work(server, connection);
    rl_http_response_init(&response);
    const int our_status = rl_http_request_init(&request, connection, &problem);
    request.watch = watch_of(connection);
    rl_route_id route = RL_ROUTE_NONE;
    if (too_late) {
        rl_http_error(&response, 408, "The request did not arrive in time");
    } else if (thread && is_for_the_routes(request.info, status, our_status)) {
        route = rl_route_dispatch(server->api, &thread->parts, &request, &response);
    } else if (status == 400 && our_status == 501) { /* civetweb says no more than "bad" */
        rl_http_error(&response, our_status, problem);
    } else {
        describe_refusal(civetweb_says, status, &response);
    }
    request.close = true;
    request.body_read = false; /* nobody knows what follows */
    rl_api_metrics_request(server->api->metrics, route, response.status);
    send_answer(server, &request, &response);
    return 0;
}

/* --- connections and threads --- */

static int on_connection(const struct mg_connection *connection, void **ret_data) {
    (void)ret_data;
    server_thread *thread = mg_get_thread_pointer(connection);
    if (thread) {
        thread->refused = false;
        thread->watched = false;
        begin_watch(thread, early_info(server_of(connection), connection));
    }
    const int now = atomic_fetch_add(&server_of(connection)->connections, 1) + 1;
    rl_metric_set(server_of(connection)->api->metrics->connections, now);
    return 0;
}

/* The last moment to answer a request whose target civetweb did not take for its own. */
static void on_close(const struct mg_connection *connection) {
    const struct mg_request_info *info = mg_get_request_info(connection);
    const server_thread *thread = mg_get_thread_pointer(connection);
    if (info) {
        learn(server_of(connection), connection, info);
    }
    if (info && info->request_method && info->request_uri && !info->local_uri_raw && thread &&
        !thread->refused) {
        /* civetweb promises callers no more than a const view here; writing is still possible. */
        (void)serve(server_of(connection), (struct mg_connection *)(uintptr_t)connection, true);
    }
    rl_client_watch_end(watch_of(connection));
}

static void on_closed(const struct mg_connection *connection) {
    const int now = atomic_fetch_sub(&server_of(connection)->connections, 1) - 1;
    rl_metric_set(server_of(connection)->api->metrics->connections, now);
}

static void free_thread(server_thread *thread) {
    rl_client_watch_free(thread->watch);
    rl_waiter_free(thread->parts.waiter);
    rl_publish_ticket_free(thread->parts.ticket);
    free(thread);
}

static void *on_thread(const struct mg_context *context, int kind) {
    const rl_server *server = mg_get_user_data(context);
    server_thread *thread = kind == 1 ? calloc(1, sizeof(*thread)) : NULL;
    if (!thread) {
        return NULL;
    }
    thread->parts.waiter = rl_waiter_new();
    thread->parts.ticket = rl_publish_ticket_new();
    thread->watch = rl_client_watch_new(server->watchdog);
    if (!thread->parts.waiter || !thread->parts.ticket || !thread->watch) {
        free_thread(thread);
        return NULL;
    }
    return thread;
}

static void on_thread_end(const struct mg_context *context, int kind, void *pointer) {
    (void)context;
    (void)kind;
    if (pointer) {
        free_thread(pointer);
    }
}

/* civetweb's own log lines: about sockets and start-up, never about bodies. */
static int on_log(const struct mg_connection *connection, const char *message) {
    const struct mg_context *context = connection ? mg_get_context(connection) : NULL;
    rl_server *server = context ? mg_get_user_data(context) : NULL;
    if (server) {
        if (!atomic_load(&server->started)) {
            pthread_mutex_lock(&server->lock);
            (void)snprintf(server->complaint, sizeof(server->complaint), "%s", message);
            pthread_mutex_unlock(&server->lock);
        }
        rl_log(server->api->log, RL_LOG_DEBUG, "http.complaint", RL_S("message", message));
    }
    return 1;
}

/* --- life --- */

typedef struct {
    char threads[24], backlog[24], request_ms[24], keep_alive_ms[24], head[24];
} numbers;

static void print_numbers(const rl_api_config *config, numbers *n) {
    (void)snprintf(n->threads, sizeof(n->threads), "%" PRId64, config->threads);
    (void)snprintf(n->backlog, sizeof(n->backlog), "%" PRId64, config->backlog);
    (void)snprintf(n->request_ms, sizeof(n->request_ms), "%" PRId64,
                   (config->request_timeout_us + SLACK_US) / RL_US_PER_MS);
    (void)snprintf(n->keep_alive_ms, sizeof(n->keep_alive_ms), "%" PRId64,
                   (config->keep_alive_us + SLACK_US) / RL_US_PER_MS);
    (void)snprintf(n->head, sizeof(n->head), "%d", RL_HTTP_HEAD_BYTES);
}

static bool start(rl_server *server, rl_error *err) {
    const rl_api_config *config = server->api->config;
    numbers n;
    print_numbers(config, &n);
    const char *options[] = {"listening_ports",
                             config->listen,
                             "num_threads",
                             n.threads,
                             "listen_backlog",
                             n.backlog,
                             "connection_queue",
                             n.backlog,
                             "request_timeout_ms",
                             n.request_ms,
                             "enable_keep_alive",
                             "yes",
                             "keep_alive_timeout_ms",
                             n.keep_alive_ms,
                             "tcp_nodelay",
                             "1",
                             "max_request_size",
                             n.head,
                             "decode_url",
                             "no",
                             "enable_directory_listing",
                             "no",
                             NULL};
    const struct mg_callbacks callbacks = {
        .begin_request = on_request,
        .http_error = on_refusal,
        .init_connection = on_connection,
        .connection_close = on_close,
        .connection_closed = on_closed,
        .init_thread = on_thread,
        .exit_thread = on_thread_end,
        .log_message = on_log,
    };
    server->context = mg_start(&callbacks, server, options);
    atomic_store(&server->started, server->context != NULL);
    if (!server->context) {
        return rl_error_set(err, RL_FATAL, 0, "cannot listen on %s: %s", config->listen, server->complaint);
    }
    struct mg_server_port ports[1] = {{0}};
    if (mg_get_server_ports(server->context, 1, ports) == 1) {
        server->port = ports[0].port;
    }
    return true;
}

static bool start_watchdog(rl_server *server, rl_error *err) {
    const rl_api_config *config = server->api->config;
    const rl_watchdog_config limits = {
        .usual_us = {[RL_CLIENT_HEAD] = config->request_timeout_us,
                     [RL_CLIENT_IDLE] = config->keep_alive_us,
                     [RL_CLIENT_BODY] = config->body_timeout_us,
                     [RL_CLIENT_ANSWER] = config->body_timeout_us,
                     [RL_CLIENT_GOODBYE] = RL_HTTP_DRAIN_US},
        .scarce_us = {[RL_CLIENT_HEAD] = SCARCE_US,
                      [RL_CLIENT_IDLE] = SCARCE_US,
                      [RL_CLIENT_BODY] = SCARCE_TRANSFER_US,
                      [RL_CLIENT_ANSWER] = SCARCE_TRANSFER_US,
                      [RL_CLIENT_GOODBYE] = SCARCE_US},
        .connections = &server->connections,
        .crowd = server->crowd,
        .cut = server->api->metrics->clients_cut,
    };
    server->watchdog = rl_watchdog_new(&limits, err);
    return server->watchdog != NULL;
}

rl_server *rl_server_new(rl_api *api, rl_error *err) {
    rl_server *server = calloc(1, sizeof(*server));
    if (!server) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    server->api = api;
    server->crowd = (int)(api->config->threads - api->config->threads / 8);
    pthread_mutex_init(&server->lock, NULL);
    rl_cond_init(&server->idle);
    (void)mg_init_library(0); /* no TLS: the only feature that could fail */
    if (!start_watchdog(server, err) || !start(server, err)) {
        rl_server_free(server, 0);
        return NULL;
    }
    return server;
}

static void await_requests(rl_server *server, int64_t grace_us) {
    const int64_t deadline_us = rl_clock_us() + grace_us;
    pthread_mutex_lock(&server->lock);
    while (atomic_load(&server->under_way) > 0 && rl_clock_us() < deadline_us) {
        rl_cond_wait_until(&server->idle, &server->lock, deadline_us);
    }
    pthread_mutex_unlock(&server->lock);
}

void rl_server_free(rl_server *server, int64_t grace_us) {
    if (!server) {
        return;
    }
    atomic_store(&server->api->draining, true);
    rl_waiters_close(server->api->waiters);
    if (server->context) {
        await_requests(server, grace_us);
        mg_stop(server->context);
    }
    (void)mg_exit_library();
    rl_watchdog_free(server->watchdog);
    pthread_cond_destroy(&server->idle);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

int rl_server_port(const rl_server *server) {
    return server->port;
}
