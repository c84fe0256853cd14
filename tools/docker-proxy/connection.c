/* connection.c: see connection.h. */
#include "tools/docker-proxy/connection.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/base/clock.h"
#include "tools/docker-proxy/answer.h"
#include "tools/docker-proxy/relay.h"

#define READ_SIZE 8192
#define ANSWER_MAX ((size_t)16 * 1024 * 1024) /* as gate.c takes from the Engine */
#define REST_US                                                                                              \
    (600 * RL_US_PER_S) /* between two requests; libcurl gives a connection up after two minutes */

typedef struct {
    rl_connection_context *context;
    int fd;
    rl_request_parser *parser;
    rl_upstream_link *link;
} connection;

/* ---- reading ---- */

/* Whether there is something to read before `deadline_us`, and it is not time to stop. */
static bool wait_readable(const connection *client, int64_t deadline_us) {
    for (;;) {
        const int64_t left_us = deadline_us - rl_clock_us();
        struct pollfd polled[2] = {{.fd = client->fd, .events = POLLIN},
                                   {.fd = client->context->stop_fd, .events = POLLIN}};
        const int count = left_us <= 0 ? 0 : poll(polled, 2, (int)(left_us / RL_US_PER_MS) + 1);
        if (count == 0 || (count < 0 && errno != EINTR) || polled[1].revents != 0) {
            return false;
        }
        if (count > 0 && polled[0].revents != 0) {
            return true;
        }
    }
}

/* The next request. BAD with code 0: there is none, because the client has closed, rests for too long, or it is time to
 * stop. */
static rl_request_status read_request(connection *client, rl_proxy_request *ret, rl_error *err) {
    char bytes[READ_SIZE];
    int64_t deadline_us = rl_clock_us() + REST_US;
    bool begun = false;
    for (;;) {
        if (!wait_readable(client, deadline_us)) {
            rl_error_set(err, RL_INVALID, begun ? 408 : 0, "the request did not come in time");
            return RL_REQUEST_BAD;
        }
        const ssize_t got = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            continue;
        }
        if (got <= 0) {
            rl_error_set(err, RL_INVALID, 0, "the client has closed");
            return RL_REQUEST_BAD;
        }
        if (!begun) {
            begun = true;
            deadline_us = rl_clock_us() + client->context->timeout_us;
        }
        const rl_request_status status =
            rl_request_parser_feed(client->parser, rl_bytes_make(bytes, (size_t)got), ret, err);
        if (status != RL_REQUEST_MORE) {
            return status;
        }
    }
}

/* ---- writing ---- */

static const char *reason_of(int status) {
    switch (status / 100) {
    case 2:
        return "OK";
    case 3:
        return "Not Modified";
    case 4:
        return "Refused";
    default:
        return "Error";
    }
}

/* In one piece; the socket's own send time-out bounds a client that does not read. */
static bool send_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        const ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool send_answer(const connection *client, rl_route_kind kind, int status, rl_bytes body, bool close) {
    RL_AUTO_BUFFER rl_buffer answer;
    rl_buffer_init(&answer, ANSWER_MAX + RL_PROXY_HEAD_MAX);
    const bool bodiless = status == 204 || status == 304;
    const char *type = kind == RL_ROUTE_PING && status == 200 ? "text/plain" : "application/json";
    bool written = rl_buffer_printf(&answer, "HTTP/1.1 %d %s\r\n", status, reason_of(status));
    if (!bodiless) {
        written = written &&
                  rl_buffer_printf(&answer, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, body.size);
    }
    written = written && rl_buffer_printf(&answer, "%s\r\n", close ? "Connection: close\r\n" : "") &&
              (bodiless || body.size == 0 || rl_buffer_append(&answer, body.data, body.size));
    return written && send_all(client->fd, answer.data, answer.size);
}

static bool send_refusal(const connection *client, const rl_error *why, bool close) {
    RL_AUTO_BUFFER rl_buffer body;
    rl_buffer_init(&body, ANSWER_MAX);
    return rl_answer_message(why->message, &body, NULL) &&
           send_answer(client, RL_ROUTES, why->code, rl_buffer_bytes(&body), close);
}

/* ---- what came of it ---- */

static void note(rl_connection_context *context, rl_log_limit *limit, const char *event, rl_route_kind kind,
                 const rl_error *why) {
    int64_t withheld = 0;
    if (context->log && rl_log_limit_pass(limit, rl_clock_us(), &withheld)) {
        rl_log(context->log, RL_LOG_WARN, event, RL_S("request", rl_route_name(kind)),
               RL_I("status", why->code), RL_S("error", why->message), RL_I("withheld", withheld));
    }
}

static bool refuse(connection *client, rl_route_kind kind, const rl_error *why, bool close) {
    rl_metric_add(client->context->refused, 1);
    note(client->context, &client->context->refusals, "request.refused", kind, why);
    return send_refusal(client, why, close) && !close;
}

static bool fail(connection *client, rl_route_kind kind, const rl_error *why) {
    rl_metric_add(client->context->failed, 1);
    note(client->context, &client->context->failures, "request.failed", kind, why);
    return false;
}

/* The stream, and with it the connection. */
static bool attach(connection *client, const rl_route *route, rl_error *err) {
    rl_upstream_link_free(client->link);
    client->link = NULL;
    rl_request_parser_free(client->parser);
    client->parser = NULL;
    if (rl_relay_run(client->context->upstream, route, client->fd, client->context->stop_fd, err)) {
        rl_metric_add(client->context->passed, 1);
    } else if (err->error_class == RL_INVALID) { /* the Engine's word: the container has gone */
        rl_metric_add(client->context->passed, 1);
        (void)send_refusal(client, err, true);
    } else {
        (void)fail(client, RL_ROUTE_ATTACH, err);
    }
    return false;
}

/* One request. Whether there may be another. */
static bool serve_one(connection *client) {
    rl_error err = RL_ERROR_INIT;
    rl_proxy_request request;
    if (read_request(client, &request, &err) == RL_REQUEST_BAD) {
        return err.code != 0 && refuse(client, RL_ROUTES, &err, true);
    }
    rl_route route;
    int status = 0;
    RL_AUTO_BUFFER rl_buffer body;
    rl_buffer_init(&body, ANSWER_MAX);
    switch (rl_gate_pass(client->context->gate, client->link, &request, client->fd, &route, &status, &body,
                         &err)) {
    case RL_GATE_ANSWER:
        rl_metric_add(client->context->passed, 1);
        rl_request_parser_reset(client->parser);
        return send_answer(client, route.kind, status, rl_buffer_bytes(&body), request.close) &&
               !request.close;
    case RL_GATE_ATTACH:
        return attach(client, &route, &err);
    case RL_GATE_REFUSED:
        rl_request_parser_reset(client->parser);
        return refuse(client, route.kind, &err, request.close);
    case RL_GATE_NO_ENGINE:
        break;
    }
    return fail(client, route.kind, &err);
}

void rl_connection_serve(rl_connection_context *context, int fd) {
    rl_error err = RL_ERROR_INIT;
    connection client = {.context = context, .fd = fd};
    const struct timeval bound = {.tv_sec = (time_t)(context->timeout_us / RL_US_PER_S) + 1};
    client.parser = rl_request_parser_new(&err);
    client.link = client.parser ? rl_upstream_link_new(context->upstream, &err) : NULL;
    if (!client.link || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound) != 0) {
        (void)fail(&client, RL_ROUTES, &err);
    } else {
        while (serve_one(&client)) {
        }
    }
    rl_upstream_link_free(client.link);
    rl_request_parser_free(client.parser);
}

void rl_connection_turn_away(int fd) {
    static const char answer[] =
        "HTTP/1.1 503 Error\r\nContent-Type: application/json\r\nContent-Length: 46\r\n"
        "Connection: close\r\n\r\n{\"message\":\"the proxy has no thread to spare\"}";
    (void)send(fd, answer, sizeof answer - 1,
               MSG_NOSIGNAL | MSG_DONTWAIT); /* it gets what the socket takes */
}
