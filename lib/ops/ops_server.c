/* ops_server.c: the internal port, on civetweb.
 *
 * Theory of operation: every request goes through the callback `begin_request`, before civetweb looks for
 * files or handlers of its own, and is answered there; what civetweb refuses by itself (a malformed request)
 * passes `http_error`. So nothing but our JSON and the metrics text ever leaves this port. Two worker threads
 * are plenty for a probe and a scraper; each answer closes its connection, so that an idle scraper cannot
 * keep one of them.
 */
#include "lib/ops/ops_server.h"

#include <civetweb.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/json_string.h"

#define RL_OPS_BODY_LIMIT ((size_t)4 * 1024 * 1024)
#define RL_OPS_JSON "application/json"

struct rl_ops_server {
    struct mg_context *context;
    rl_metrics *metrics;
    const rl_ops_readiness *checks;
    size_t count;
    _Atomic bool started;
    char complaint[160]; /* civetweb's last log line: why mg_start failed; not written once `started` */
};

/* In ASCII: probes end up in terminals. A reason may have been cut inside a character. */
static bool append_json_string(rl_buffer *out, const char *text) {
    return rl_json_string_append(out, rl_bytes_of(text), RL_JSON_ASCII, NULL);
}

static bool append_check(rl_buffer *out, const rl_ops_readiness *check, bool well, const char *reason) {
    if (!append_json_string(out, check->name)) {
        return false;
    }
    if (well) {
        return rl_buffer_append_text(out, ":{\"ok\":true}");
    }
    return rl_buffer_printf(
               out, ":{\"ok\":false,\"required\":%s,\"reason\":", check->required ? "true" : "false") &&
           append_json_string(out, reason) && rl_buffer_append(out, "}", 1);
}

int rl_ops_ready_body(const rl_ops_readiness *checks, size_t count, rl_buffer *out) {
    rl_buffer entries RL_AUTO_BUFFER;
    rl_buffer_init(&entries, RL_OPS_BODY_LIMIT);
    bool required_well = true;
    bool all_well = true;
    bool written = true;
    for (size_t i = 0; i < count; i++) {
        char reason[128] = "";
        bool well = checks[i].check(checks[i].context, reason);
        reason[sizeof reason - 1] = '\0';
        all_well = all_well && well;
        required_well = required_well && (well || !checks[i].required);
        written = written && (i == 0 || rl_buffer_append(&entries, ",", 1)) &&
                  append_check(&entries, &checks[i], well, reason);
    }
    const char *status = !required_well ? "not ready" : all_well ? "ready" : "degraded";
    written = written && rl_buffer_printf(out, "{\"status\":\"%s\",\"checks\":{", status) &&
              rl_buffer_append(out, entries.data ? entries.data : "", entries.size) &&
              rl_buffer_append_text(out, "}}");
    return required_well && written ? 200 : 503;
}

void rl_ops_measure(const rl_ops_readiness *checks, size_t count, rl_metrics *metrics) {
    for (size_t i = 0; i < count; i++) {
        char reason[128] = "";
        char labels[64];
        (void)snprintf(labels, sizeof labels, "check=\"%s\"", checks[i].name);
        rl_metric_set(rl_metrics_gauge(metrics, "runlog_check_ok", labels,
                                       "1 where what the service needs is well, as /readyz says."),
                      checks[i].check(checks[i].context, reason));
    }
}

static void send_answer(struct mg_connection *connection, int status, const char *type,
                        const char *extra_headers, rl_bytes body) {
    const struct mg_request_info *request = mg_get_request_info(connection);
    bool head = request->request_method != NULL && strcmp(request->request_method, "HEAD") == 0;
    mg_printf(connection,
              "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
              "%sConnection: close\r\n\r\n",
              status, mg_get_response_code_text(connection, status), type, body.size, extra_headers);
    if (!head && body.size > 0) {
        /* A peer that has gone away concerns nobody: civetweb closes the connection next. */
        (void)mg_write(connection, body.data, body.size);
    }
}

static void send_json(struct mg_connection *connection, int status, const char *extra_headers,
                      const char *text) {
    send_answer(connection, status, RL_OPS_JSON, extra_headers, rl_bytes_of(text));
}

static void send_ready(struct mg_connection *connection, const rl_ops_server *server) {
    rl_buffer body RL_AUTO_BUFFER;
    rl_buffer_init(&body, RL_OPS_BODY_LIMIT);
    int status = rl_ops_ready_body(server->checks, server->count, &body);
    send_answer(connection, status, RL_OPS_JSON, "", rl_buffer_bytes(&body));
}

static void send_metrics(struct mg_connection *connection, const rl_ops_server *server) {
    rl_buffer body RL_AUTO_BUFFER;
    rl_buffer_init(&body, RL_OPS_BODY_LIMIT);
    rl_ops_measure(server->checks, server->count, server->metrics);
    if (!rl_metrics_render(server->metrics, &body)) {
        send_json(connection, 503, "", "{\"error\":\"Out of memory\"}");
        return;
    }
    send_answer(connection, 200, "text/plain; version=0.0.4; charset=utf-8", "", rl_buffer_bytes(&body));
}

/* civetweb: called for each request before anything else is done with it. Non-zero: answered. */
static int begin_request(struct mg_connection *connection) {
    const struct mg_request_info *request = mg_get_request_info(connection);
    const rl_ops_server *server = request->user_data;
    const char *path = request->local_uri ? request->local_uri : "";
    bool health = strcmp(path, "/healthz") == 0;
    bool ready = strcmp(path, "/readyz") == 0;
    bool metrics = strcmp(path, "/metrics") == 0;
    if (!health && !ready && !metrics) {
        send_json(connection, 404, "", "{\"error\":\"Not found\"}");
        return 404;
    }
    if (strcmp(request->request_method, "GET") != 0 && strcmp(request->request_method, "HEAD") != 0) {
        send_json(connection, 405, "Allow: GET, HEAD\r\n", "{\"error\":\"Method not allowed\"}");
        return 405;
    }
    if (health) {
        send_json(connection, 200, "", "{\"status\":\"ok\"}");
    } else if (ready) {
        send_ready(connection, server);
    } else {
        send_metrics(connection, server);
    }
    return 200;
}

/* civetweb: called where it would send an HTML page. 0: answered here. */
static int http_error(struct mg_connection *connection, int status, const char *message) {
    (void)message;
    char body[96];
    (void)snprintf(body, sizeof body, "{\"error\":\"%s\"}", mg_get_response_code_text(connection, status));
    send_json(connection, status, "", body);
    return 0;
}

/* civetweb: its log. Kept for the error of rl_ops_server_new; a library does not log. */
static int keep_complaint(const struct mg_connection *connection, const char *message) {
    const struct mg_context *context = mg_get_context(connection);
    rl_ops_server *server = context ? mg_get_user_data(context) : NULL;
    if (server != NULL && !atomic_load(&server->started)) {
        (void)snprintf(server->complaint, sizeof server->complaint, "%s", message);
    }
    return 1;
}

rl_ops_server *rl_ops_server_new(const char *listen, rl_metrics *metrics, const rl_ops_readiness *checks,
                                 size_t count, rl_error *err) {
    rl_ops_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return NULL;
    }
    server->metrics = metrics;
    server->checks = checks;
    server->count = count;
    const struct mg_callbacks callbacks = {
        .begin_request = begin_request,
        .http_error = http_error,
        .log_message = keep_complaint,
    };
    const char *options[] = {
        "listening_ports",
        listen,
        "num_threads",
        "2",
        "request_timeout_ms",
        "10000",
        "tcp_nodelay",
        "1",
        "max_request_size",
        "4096",
        "enable_keep_alive",
        "no",
        NULL,
    };
    rl_ops_measure(checks, count, metrics); /* makes the gauges while nobody else makes others */
    mg_init_library(0);                     /* counts its callers, as mg_exit_library does */
    server->context = mg_start(&callbacks, server, options);
    atomic_store(&server->started, server->context != NULL);
    if (server->context == NULL) {
        rl_error_set(err, RL_FATAL, 0, "cannot listen on %s: %s", listen,
                     server->complaint[0] ? server->complaint : "the HTTP server does not start");
        mg_exit_library();
        free(server);
        return NULL;
    }
    return server;
}

int rl_ops_server_port(const rl_ops_server *server) {
    struct mg_server_port port;
    return mg_get_server_ports(server->context, 1, &port) == 1 ? port.port : 0;
}

void rl_ops_server_free(rl_ops_server *server) {
    if (server == NULL) {
        return;
    }
    mg_stop(server->context);
    mg_exit_library();
    free(server);
}
