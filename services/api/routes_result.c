/* routes_result.c: GET /api/result/:id, at once or with ?wait=SECONDS as soon as the result is there. */
#include "services/api/result_answer.h"
#include "services/api/routes.h"

#define PREFIX "/api/result/"

void rl_route_result(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                     rl_http_response *response) {
    rl_result_question q = {.wait_us = 0};
    if (!rl_route_read_id(api, request, PREFIX, q.id, &q.parts, response)) {
        rl_metric_add(api->metrics->result_unknown, 1);
        return;
    }
    if (rl_result_options(request, &q, response)) {
        rl_result_answer(api, thread, request, &q, response);
    }
}
