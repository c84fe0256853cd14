/* routes.c: the table of routes, and what is the same for all of them. */
#include "services/api/routes.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/trace.h"

#define ALLOW_GET "GET, HEAD, OPTIONS"
#define ALLOW_POST "POST, OPTIONS"
#define ALLOW_DELETE "DELETE, OPTIONS"
#define PATH_SHOWN 200

static const rl_route routes[] = {
    {RL_ROUTE_SUBMIT, "/api/submit", RL_HTTP_POST, ALLOW_POST, true, rl_route_submit},
    {RL_ROUTE_RESULT, "/api/result/*", RL_HTTP_GET, ALLOW_GET, true, rl_route_result},
    {RL_ROUTE_RESULTS, "/api/results", RL_HTTP_GET, ALLOW_GET, true, rl_route_results},
    {RL_ROUTE_BATCH, "/api/submissions/batch", RL_HTTP_POST, ALLOW_POST, true, rl_route_batch},
    {RL_ROUTE_CANCEL, "/api/submissions/*/cancel", RL_HTTP_POST, ALLOW_POST, true, rl_route_cancel},
    {RL_ROUTE_DELETE, "/api/submissions/*", RL_HTTP_DELETE, ALLOW_DELETE, true, rl_route_delete},
    {RL_ROUTE_LANGUAGES, "/api/languages", RL_HTTP_GET, ALLOW_GET, false, rl_route_languages},
    {RL_ROUTE_HEALTHZ, "/healthz", RL_HTTP_GET, ALLOW_GET, false, rl_route_healthz},
    {RL_ROUTE_READYZ, "/readyz", RL_HTTP_GET, ALLOW_GET, false, rl_route_readyz},
    {RL_ROUTE_METRICS, "/metrics", RL_HTTP_GET, ALLOW_GET, false, rl_route_metrics},
    {RL_ROUTE_OPENAPI, "/openapi.json", RL_HTTP_GET, ALLOW_GET, false, rl_route_openapi},
    {RL_ROUTE_DOCS, "/docs", RL_HTTP_GET, ALLOW_GET, false, rl_route_docs},
};

static bool matches(const rl_route *route, rl_bytes path) {
    const size_t before = strcspn(route->path, "*");
    if (!route->path[before]) {
        return rl_bytes_equal(path, rl_bytes_of(route->path));
    }
    const char *after = route->path + before + 1;
    if (path.size <= before + strlen(after) || memcmp(path.data, route->path, before) != 0) {
        return false;
    }
    const char *segment = (const char *)path.data + before;
    const size_t length = path.size - before - strlen(after);
    return memcmp(segment + length, after, strlen(after)) == 0 && !memchr(segment, '/', length);
}

const rl_route *rl_routes(size_t *ret_count) {
    *ret_count = sizeof(routes) / sizeof(routes[0]);
    return routes;
}

const rl_route *rl_route_find(rl_bytes path) {
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (matches(&routes[i], path)) {
            return &routes[i];
        }
    }
    return NULL;
}

static void refuse_path(const rl_http_request *request, rl_http_response *response) {
    RL_AUTO_BUFFER rl_buffer text;
    rl_buffer_init(&text, 1024);
    (void)rl_buffer_printf(&text, "No such route: %.16s ", request->method_name);
    (void)rl_buffer_append(&text, request->path.data,
                           request->path.size < PATH_SHOWN ? request->path.size : PATH_SHOWN);
    rl_http_error_bytes(response, 404, rl_buffer_bytes(&text));
}

static void refuse_method(const rl_route *route, const rl_http_request *request, rl_http_response *response) {
    char text[128];
    (void)snprintf(text, sizeof(text), "Method %.16s is not allowed here; allowed: %s", request->method_name,
                   route->allow);
    rl_http_error(response, 405, text);
    response->allow = route->allow;
}

/* "OPTIONS *" asks about the server as a whole (RFC 9110, section 9.3.7). */
static bool answer_options(const rl_route *route, const rl_http_request *request,
                           rl_http_response *response) {
    const bool asterisk = rl_bytes_equal(request->path, rl_bytes_of("*"));
    if (request->method != RL_HTTP_OPTIONS || !(route || asterisk)) {
        return false;
    }
    response->status = 204;
    response->allow = route ? route->allow : "GET, HEAD, POST, DELETE, OPTIONS";
    return true;
}

static bool log_is_ready(rl_api *api, rl_http_response *response) {
    char reason[128];
    /* The connection to Kafka is for the routes to judge: results are answered without it. */
    if (!rl_publisher_ready(api->publisher, reason) || !rl_tail_ready(api->tail, reason)) {
        rl_http_unavailable(response, 1, "Not ready yet: connecting to the log");
        return false;
    }
    return true;
}

bool rl_route_reaches_log(const rl_api *api, rl_http_response *response) {
    char reason[128];
    if (atomic_load(&api->draining)) {
        rl_http_unavailable(response, 1, "This instance is stopping");
        return false;
    }
    if (!rl_tail_connected(api->tail, reason)) {
        rl_http_unavailable(response, 2, "Kafka does not answer");
        return false;
    }
    return true;
}

void rl_route_join_trace(const rl_http_request *request, rl_http_response *response) {
    const rl_bytes parent = rl_bytes_of(rl_http_sole_header(request, "traceparent"));
    if (!rl_trace_continue(parent, response->traceparent)) {
        rl_trace_begin(response->traceparent);
    }
}

bool rl_route_read_id(const rl_api *api, const rl_http_request *request, const char *prefix,
                      char ret_id[RL_ID_SIZE], rl_id_parts *ret_parts, rl_http_response *response) {
    const size_t skip = strlen(prefix);
    const rl_bytes segment =
        rl_bytes_make((const char *)request->path.data + skip, request->path.size - skip);
    if (rl_http_decode(segment, ret_id, RL_ID_SIZE) &&
        rl_ident_known(api->ident, ret_id, rl_wall_clock_us(), ret_parts)) {
        return true;
    }
    rl_http_error(response, 404, "Code submission not found");
    return false;
}

void rl_api_log_failure(const rl_api *api, rl_log_limit *kind, const char *event, const char *id,
                        const rl_error *err) {
    int64_t withheld;
    if (rl_log_limit_pass(kind, rl_clock_us(), &withheld)) {
        rl_log(api->log, RL_LOG_WARN, event, RL_S("id", id),
               RL_S("class", rl_error_class_name(err->error_class)), RL_I("code", err->code),
               RL_S("error", err->message), RL_I("withheld", withheld));
    }
}

rl_route_id rl_route_dispatch(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                              rl_http_response *response) {
    const rl_route *route = rl_route_find(request->path);
    const rl_route_id id = route ? route->id : RL_ROUTE_NONE;
    if (answer_options(route, request, response)) {
        return id;
    }
    if (!route) {
        refuse_path(request, response);
        return id;
    }
    const bool head = request->method == RL_HTTP_HEAD && route->method == RL_HTTP_GET;
    if (request->method != route->method && !head) {
        refuse_method(route, request, response);
        return id;
    }
    if (!route->needs_log || log_is_ready(api, response)) {
        route->handler(api, thread, request, response);
    }
    return id;
}
