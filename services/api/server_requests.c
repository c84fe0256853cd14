/* server_requests.c: one request from its arrival to the answer: dispatched, counted, sent. */
#include "lib/base/clock.h"
#include "services/api/http_request.h"
#include "services/api/http_response.h"
#include "services/api/refusal.h"
#include "services/api/routes.h"
#include "services/api/server_parts.h"

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

int rl_server_serve(rl_server *server, struct mg_connection *connection, bool last) {
    rl_server_thread *thread = mg_get_thread_pointer(connection);
    RL_AUTO_HTTP_RESPONSE rl_http_response response;
    rl_http_request request;
    rl_route_id route = RL_ROUTE_NONE;
    const char *problem = "";
    atomic_fetch_add(&server->under_way, 1);
    const int64_t began_us = rl_clock_us();
    rl_server_begin_work(server, connection);
    rl_http_response_init(&response);
    const int refused = rl_http_request_init(&request, connection, &problem);
    request.watch = rl_server_watch_of(connection);
    request.close |= last;
    if (refused) {
        rl_http_error(&response, refused, problem);
    } else if (!thread) {
        rl_http_unavailable(&response, 1, "Out of memory");
    } else {
        route = rl_route_dispatch(server->api, &thread->parts, &request, &response);
    }
    if (response.parked) {
        mg_disable_connection_keep_alive(connection); /* of which nothing is left but a number */
        end_request(server);
        return response.status;
    }
    /* Counted before it is sent: who has read the answer finds it in the metrics. */
    rl_api_metrics_request(server->api->metrics, route, response.status, rl_clock_us() - began_us);
    send_answer(server, &request, &response);
    end_request(server);
    return response.status;
}

int rl_server_on_request(struct mg_connection *connection) {
    return rl_server_serve(rl_server_of(connection), connection, false);
}

int rl_server_on_refusal(struct mg_connection *connection, int status, const char *civetweb_says) {
    rl_server *server = rl_server_of(connection);
    rl_server_thread *thread = mg_get_thread_pointer(connection);
    RL_AUTO_HTTP_RESPONSE rl_http_response response;
    rl_http_request request;
    const char *problem = "";
    const bool too_late = rl_client_watch_expired(rl_server_watch_of(connection));
    if (thread) {
        thread->refused = true;
    }
    const int64_t began_us = rl_clock_us();
    rl_server_begin_work(server, connection);
    rl_http_response_init(&response);
    const int our_status = rl_http_request_init(&request, connection, &problem);
    request.watch = rl_server_watch_of(connection);
    rl_route_id route = RL_ROUTE_NONE;
    if (too_late) {
        rl_http_error(&response, 408, "The request did not arrive in time");
    } else if (thread && rl_refusal_is_for_the_routes(request.info, status, our_status)) {
        route = rl_route_dispatch(server->api, &thread->parts, &request, &response);
    } else if (status == 400 && our_status == 501) { /* civetweb says no more than "bad" */
        rl_http_error(&response, our_status, problem);
    } else {
        rl_refusal_describe(civetweb_says, status, &response);
    }
    request.close = true;
    request.body_read = false; /* nobody knows what follows */
    rl_api_metrics_request(server->api->metrics, route, response.status, rl_clock_us() - began_us);
    send_answer(server, &request, &response);
    return 0;
}
