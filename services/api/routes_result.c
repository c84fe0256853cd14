/* routes_result.c: GET /api/result/:id, at once or with ?wait=SECONDS as soon as the result is there.
 *
 * When enough threads wait, the connections of further clients are parked (parking.h). Where that cannot be, or the
 * service is stopping, they are answered "pending" at once with a Retry-After: to their clients that is an
 * ordinary answer, and a 503 would be an error for a submission that is perfectly well.
 */
#include "lib/base/clock.h"
#include "services/api/lookup.h"
#include "services/api/peer_socket.h"
#include "services/api/result_out.h"
#include "services/api/routes.h"

#define PREFIX "/api/result/"
#define MAX_WAIT_S 60
/* How often a waiting request looks whether its client is still there. */
#define PRESENCE_US (2 * RL_US_PER_S)
/* When a client that was sent home because the service stops, or its result is not in memory, should ask again. */
#define SOON_S 1
/* Mongo documents and records are at most so large; decoded they need a little more. */
#define ARENA_BYTES ((size_t)32 * 1024 * 1024)

typedef struct {
    char id[RL_ID_SIZE];
    rl_id_parts parts;
    int64_t wait_us;
    bool base64;
} question;

bool rl_wait_parse(const char *text, int64_t *ret_us) {
    int64_t us = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && us <= MAX_WAIT_S * RL_US_PER_S; at++) {
        us = us * 10 + (*at - '0') * RL_US_PER_S;
    }
    bool digits = at != text;
    if (*at == '.') {
        int64_t unit = RL_US_PER_S / 10;
        for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10) {
            us += (*at - '0') * unit;
            digits = true;
        }
    }
    *ret_us = us;
    return digits && *at == '\0' && us <= MAX_WAIT_S * RL_US_PER_S;
}

static bool refuse(rl_http_response *response, int status, const char *text) {
    rl_http_error(response, status, text);
    return false;
}

static bool read_options(const rl_http_request *request, question *q, rl_http_response *response) {
    char value[32];
    switch (rl_http_query(request->query, "wait", value, sizeof(value))) {
    case RL_QUERY_ABSENT:
        break;
    case RL_QUERY_FOUND:
        if (rl_wait_parse(value, &q->wait_us)) {
            break;
        }
        /* fall through */
    case RL_QUERY_BAD:
        return refuse(response, 400, "Parameter \"wait\" must be a number of seconds from 0 to 60");
    }
    switch (rl_http_query(request->query, "encoding", value, sizeof(value))) {
    case RL_QUERY_ABSENT:
        return true;
    case RL_QUERY_FOUND:
        q->base64 = strcmp(value, "base64") == 0;
        if (q->base64 || strcmp(value, "utf-8") == 0) {
            return true;
        }
        break;
    case RL_QUERY_BAD:
        break;
    }
    return refuse(response, 400, "Parameter \"encoding\" must be \"base64\" or \"utf-8\"");
}

static bool read_question(rl_api *api, const rl_http_request *request, question *q,
                          rl_http_response *response) {
    if (!rl_route_read_id(api, request, PREFIX, q->id, &q->parts, response)) {
        rl_metric_add(api->metrics->result_unknown, 1);
        return false;
    }
    return read_options(request, q, response);
}

static void out_of_memory(rl_http_response *response) {
    rl_http_unavailable(response, 1, "Out of memory");
}

/* The span under which the submission was accepted. What stands in a record becomes a header only if it is what
 * it should be. */
static void tell_trace(const rl_finished *finished, rl_http_response *response) {
    const rl_bytes trace = rl_bytes_of(finished->submission ? finished->submission->traceparent : NULL);
    if (trace.size == RL_TRACEPARENT_LENGTH && rl_trace_is_valid(trace)) {
        memcpy(response->traceparent, trace.data, trace.size);
    }
}

/* Looks once and fills the response; false while the submission is pending. */
static bool look(rl_api *api, const question *q, rl_http_response *response) {
    rl_error err = RL_ERROR_INIT;
    rl_finished finished;
    bool written = true;
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    if (!arena) {
        out_of_memory(response);
        return true;
    }
    response->status = 200;
    switch (rl_lookup(api, q->id, &q->parts, arena, &finished, &err)) {
    case RL_LOOKUP_FINISHED:
        tell_trace(&finished, response);
        written = rl_result_out(&finished, q->base64, &response->body);
        break;
    case RL_LOOKUP_EXPIRED:
        written = rl_result_out_expired(q->parts.created_ms * RL_US_PER_MS, rl_wall_clock_us(), q->base64,
                                        &response->body);
        break;
    case RL_LOOKUP_UNKNOWN:
        rl_http_error(response, 404, "Code submission not found");
        break;
    case RL_LOOKUP_UNAVAILABLE:
        rl_metric_add(api->metrics->lookup_failures[err.error_class], 1);
        rl_api_log_failure(api, &api->failed_lookups, "lookup.failed", q->id, &err);
        rl_http_unavailable(response, 2, "The result cannot be looked up now");
        break;
    case RL_LOOKUP_PENDING:
        return false;
    }
    if (!written) {
        out_of_memory(response);
    }
    return true;
}

/* As `look`, again and again until the time is up. Where it is not answered then, `*ret_retry_s` says when to
 * ask again: at once, or later where this instance is stopping. */
static bool wait_and_look(rl_api *api, rl_waiter *waiter, const rl_http_request *request, const question *q,
                          rl_http_response *response, int *ret_retry_s) {
    const int64_t deadline_us = rl_clock_us() + q->wait_us;
    const int socket = rl_http_socket(request);
    rl_wait_status status = RL_WAIT_WOKEN;
    while (status != RL_WAIT_CLOSED) {
        if (status == RL_WAIT_WOKEN && look(api, q, response)) {
            return true;
        }
        const int64_t now_us = rl_clock_us();
        if (now_us >= deadline_us) {
            return look(api, q, response);
        }
        if (status == RL_WAIT_TIMEOUT && rl_peer_socket_gone(socket)) {
            rl_metric_add(api->metrics->client_gone, 1);
            return false;
        }
        const int64_t presence_us = now_us + PRESENCE_US;
        status = rl_waiters_wait(api->waiters, waiter, presence_us < deadline_us ? presence_us : deadline_us);
    }
    *ret_retry_s = SOON_S;
    return false;
}

/* Only a connection that holds nothing but this request can be taken from under civetweb. */
static bool park(rl_api *api, const rl_http_request *request, const question *q) {
    const int64_t now_us = rl_clock_us();
    rl_parked_question parked = {.deadline_us = now_us + q->wait_us,
                                 .began_us = now_us,
                                 .base64 = q->base64,
                                 .head = request->method == RL_HTTP_HEAD};
    memcpy(parked.id, q->id, sizeof(parked.id));
    return request->body_read && !atomic_load(&api->draining) &&
           rl_parking_take(api->parking, rl_http_socket(request), &parked);
}

bool rl_parked_result(void *context, const rl_parked_question *parked, rl_http_response *response) {
    rl_api *api = context;
    rl_finished finished;
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    if (!arena) {
        return false;
    }
    /* Whether it was deleted before this instance started was asked before the client was parked. */
    switch (rl_tail_find_in_memory(api->tail, parked->id, arena, &finished, NULL)) {
    case RL_TAIL_FOUND:
        break;
    case RL_TAIL_DOUBTFUL: /* is told as the next one */
    case RL_TAIL_FAILED:   /* a thread that may block reads it from the log when the client asks again */
        rl_http_pending(response, SOON_S);
        return true;
    case RL_TAIL_DELETED:
        rl_metric_add(api->metrics->result_unknown, 1);
        rl_http_error(response, 404, "Code submission not found");
        return true;
    case RL_TAIL_ABSENT:
        return false;
    }
    response->status = 200;
    rl_metric_add(api->metrics->result_tail, 1);
    tell_trace(&finished, response);
    if (!rl_result_out(&finished, parked->base64, &response->body)) {
        out_of_memory(response);
    }
    return true;
}

void rl_parked_answered(void *context, const rl_parked_question *parked, int status) {
    const rl_api *api = context;
    rl_api_metrics_request(api->metrics, RL_ROUTE_RESULT, status, rl_clock_us() - parked->began_us);
}

void rl_route_result(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                     rl_http_response *response) {
    question q = {.wait_us = 0};
    if (!read_question(api, request, &q, response) || look(api, &q, response)) {
        return;
    }
    if (q.wait_us == 0) {
        rl_http_pending(response, 0);
        return;
    }
    if (!rl_waiters_enter(api->waiters, thread->waiter, q.id)) {
        if (park(api, request, &q)) {
            response->parked = true;
            return;
        }
        rl_metric_add(api->metrics->waits_refused, 1);
        rl_http_pending(response, 1);
        return;
    }
    int retry_s = 0;
    if (!wait_and_look(api, thread->waiter, request, &q, response, &retry_s)) {
        rl_http_pending(response, retry_s);
    }
    rl_waiters_leave(api->waiters, thread->waiter);
}
