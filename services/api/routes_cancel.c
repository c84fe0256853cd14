/* routes_cancel.c: POST /api/submissions/:id/cancel: puts the request on the log, where every runner reads it.
 *
 * What is answered is that the request is on the log, not that the submission has been stopped: it may be ending at
 * this moment, and then its result stands. GET /api/result/:id tells. So asking twice is as good as asking once.
 */
#include "lib/base/clock.h"
#include "lib/base/trace.h"
#include "services/api/json_out.h"
#include "services/api/lookup.h"
#include "services/api/routes.h"

#define PREFIX "/api/submissions/"
#define SUFFIX "/cancel"
/* As for GET /api/result/:id. */
#define ARENA_BYTES ((size_t)32 * 1024 * 1024)

static void answer(rl_http_response *response, int status, const char *message, const char *id) {
    rl_json json;
    response->status = status;
    rl_json_init(&json, &response->body);
    rl_json_open(&json, '{');
    rl_json_about(&json, message, id);
    rl_json_close(&json, '}');
}

static bool read_id(const rl_api *api, const rl_http_request *request, char ret_id[RL_ID_SIZE],
                    rl_id_parts *ret_parts) {
    const size_t skip = sizeof(PREFIX) - 1 + sizeof(SUFFIX) - 1;
    const rl_bytes segment =
        rl_bytes_make((const char *)request->path.data + sizeof(PREFIX) - 1, request->path.size - skip);
    return rl_http_decode(segment, ret_id, RL_ID_SIZE) &&
           rl_ident_known(api->ident, ret_id, rl_wall_clock_us(), ret_parts);
}

/* Whether it is too late, or there is nothing to cancel; then that is answered. Where nobody can tell, MongoDB being
 * away, it is not too late: a request for what has ended changes nothing. */
static bool has_ended(rl_api *api, const char *id, const rl_id_parts *parts, rl_http_response *response) {
    rl_error err = RL_ERROR_INIT;
    rl_finished finished;
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    if (!arena) {
        return false;
    }
    switch (rl_lookup(api, id, parts, arena, &finished, &err)) {
    case RL_LOOKUP_FINISHED:
        if (finished.verdict == RL_VERDICT_CANCELLED) {
            answer(response, 200, "Code submission is cancelled", id);
        } else {
            rl_http_error(response, 409, "Code submission is completed: it cannot be cancelled any more");
        }
        return true;
    case RL_LOOKUP_EXPIRED:
        rl_http_error(response, 409, "Code submission has expired: it cannot be cancelled any more");
        return true;
    case RL_LOOKUP_UNKNOWN:
        rl_http_error(response, 404, "Code submission not found");
        return true;
    case RL_LOOKUP_PENDING:
    case RL_LOOKUP_UNAVAILABLE:
        break;
    }
    return false;
}

static void publish(rl_api *api, rl_api_thread *thread, const char *id, rl_http_response *response) {
    rl_error err = RL_ERROR_INIT;
    const rl_cancel cancel = {.id = id, .tenant = "", .requested_us = rl_wall_clock_us()};
    if (!rl_publish_cancel(api->publisher, thread->ticket, &cancel, response->traceparent, &err)) {
        rl_metric_add(api->metrics->cancel_failures[err.error_class], 1);
        rl_api_log_failure(api, &api->refused_submissions, "cancel.refused", id, &err);
        rl_http_unavailable(response, 2, "The request to cancel was not acknowledged by Kafka");
        return;
    }
    const rl_trace_ids trace = rl_trace_ids_of(response->traceparent);
    rl_log(api->log, RL_LOG_INFO, "cancel.requested", RL_S("id", id), RL_S("trace_id", trace.trace),
           RL_S("span_id", trace.span));
    answer(response, 202, "Cancellation requested", id);
}

void rl_route_cancel(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                     rl_http_response *response) {
    char id[RL_ID_SIZE];
    rl_id_parts parts;
    rl_route_join_trace(request, response);
    if (!read_id(api, request, id, &parts)) {
        rl_http_error(response, 404, "Code submission not found");
        return;
    }
    if (!has_ended(api, id, &parts, response) && rl_route_reaches_log(api, response)) {
        publish(api, thread, id, response);
    }
}
