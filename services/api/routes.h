/* routes.h: what the API answers, one function per route.
 *
 * A route reads its request, fills its response and touches no socket but for the body; the server
 * dispatches (routes.c holds the table), sends, counts and drains.
 */
#ifndef RL_API_ROUTES_H
#define RL_API_ROUTES_H

#include "services/api/api.h"
#include "services/api/http_request.h"
#include "services/api/http_response.h"

typedef void (*rl_route_handler)(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                                 rl_http_response *response);

typedef struct {
    rl_route_id id;
    const char *path; /* a '*' stands for any one segment; the rest is exact */
    rl_http_method method;
    const char *allow; /* for 405 and OPTIONS */
    bool needs_log;    /* 503 until the API is ready */
    rl_route_handler handler;
} rl_route;

/* All of them, in the order in which they are tried. */
const rl_route *rl_routes(size_t *ret_count);

/* The route of `path`, NULL where there is none. */
const rl_route *rl_route_find(rl_bytes path);

/* Answers `request`; returns the route for the metrics. */
rl_route_id rl_route_dispatch(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                              rl_http_response *response);

/* The id behind `prefix`, which the path begins with, decoded and verified. false, with 404 in `response`, where it is none
 * that we issued or past its time. */
bool rl_route_read_id(const rl_api *api, const rl_http_request *request, const char *prefix,
                      char ret_id[RL_ID_SIZE], rl_id_parts *ret_parts, rl_http_response *response);

void rl_route_submit(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                     rl_http_response *response);
void rl_route_batch(rl_api *api, rl_api_thread *thread, rl_http_request *request, rl_http_response *response);
void rl_route_results(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                      rl_http_response *response);
void rl_route_result(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                     rl_http_response *response);
void rl_route_cancel(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                     rl_http_response *response);
void rl_route_delete(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                     rl_http_response *response);
void rl_route_languages(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                        rl_http_response *response);
void rl_route_healthz(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                      rl_http_response *response);
void rl_route_readyz(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                     rl_http_response *response);
void rl_route_metrics(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                      rl_http_response *response);
void rl_route_openapi(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                      rl_http_response *response);
void rl_route_docs(rl_api *api, rl_api_thread *thread, rl_http_request *request, rl_http_response *response);

/* Whether a record that a request wants on the log can be acknowledged now; false: `response` is a 503. So an outage of Kafka
 * does not hold a thread for each of them until their time is up. */
bool rl_route_reaches_log(const rl_api *api, rl_http_response *response);

/* The span of this request, in the client's trace or in one of our own; told in every answer. */
void rl_route_join_trace(const rl_http_request *request, rl_http_response *response);

/* Whether both the log's writing and reading side are up; `reason` as rl_ops_check. Context: rl_api. */
bool rl_api_check_publisher(void *context, char reason[128]);
bool rl_api_check_tail(void *context, char reason[128]);
bool rl_api_check_store(void *context, char reason[128]);

#define RL_LANGUAGES_LIMIT (1024 * 1024)

/* Writes the body of GET /api/languages, which never changes while the service runs: defaults under `maxima`. */
bool rl_languages_body(const rl_manifests *manifests, const rl_limits *maxima, rl_buffer *out);

#endif
