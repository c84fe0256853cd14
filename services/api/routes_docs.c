/* routes_docs.c: GET /openapi.json, what the API is for programs, and GET /docs, the same for people. */
#include "services/api/pages.h"
#include "services/api/routes.h"

void rl_route_openapi(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                      rl_http_response *response) {
    (void)api;
    (void)thread;
    (void)request;
    response->status = 200;
    response->borrowed = rl_bytes_of(rl_page_openapi);
}

void rl_route_docs(rl_api *api, rl_api_thread *thread, rl_http_request *request, rl_http_response *response) {
    (void)api;
    (void)thread;
    (void)request;
    response->status = 200;
    response->content_type = "text/html; charset=utf-8";
    response->borrowed = rl_bytes_of(rl_page_docs);
}
