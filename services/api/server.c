/* server.c: the server's life: civetweb's settings, the watchdog's, and the end in good order. See server.h. */
#include "services/api/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "services/api/http_head.h"
#include "services/api/http_request.h"
#include "services/api/server_parts.h"

/* civetweb's own limits come this much later: they are for systems on which sockets cannot be looked up. */
#define SLACK_US RL_US_PER_S

/* How long a client may be waited for while threads are scarce. */
#define SCARCE_US (1 * RL_US_PER_S)
#define SCARCE_TRANSFER_US (5 * RL_US_PER_S)

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
        .begin_request = rl_server_on_request,
        .http_error = rl_server_on_refusal,
        .init_connection = rl_server_on_connection,
        .connection_close = rl_server_on_close,
        .connection_closed = rl_server_on_closed,
        .init_thread = rl_server_on_thread,
        .exit_thread = rl_server_on_thread_end,
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
