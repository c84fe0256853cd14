/* result_answer.c: see result_answer.h. To those who asked for a result and cannot be kept waiting "pending" with a
 * Retry-After is an ordinary answer; a 503 would be an error for a submission that is perfectly well. */
#include "services/api/result_answer.h"

#include "lib/base/clock.h"
#include "services/api/json_out.h"
#include "services/api/lookup.h"
#include "services/api/peer_socket.h"
#include "services/api/result_out.h"
#include "services/api/routes.h"

#define MAX_WAIT_S 60
/* How often a waiting request looks whether its client is still there. */
#define PRESENCE_US (2 * RL_US_PER_S)
/* When a client that was sent home because the service stops, or its result is not in memory, should ask again. */
#define SOON_S 1
/* Mongo documents and records are at most so large; decoded they need a little more. */
#define ARENA_BYTES ((size_t)32 * 1024 * 1024)

/* --- what is asked --- */

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

static bool refuse(rl_http_response *response, const char *text) {
    rl_http_error(response, 400, text);
    return false;
}

bool rl_result_options(const rl_http_request *request, rl_result_question *question,
                       rl_http_response *response) {
    char value[32];
    switch (rl_http_query(request->query, "wait", value, sizeof(value))) {
    case RL_QUERY_ABSENT:
        break;
    case RL_QUERY_FOUND:
        if (rl_wait_parse(value, &question->wait_us)) {
            break;
        }
        /* fall through */
    case RL_QUERY_BAD:
        return refuse(response, "Parameter \"wait\" must be a number of seconds from 0 to 60");
    }
    switch (rl_http_query(request->query, "encoding", value, sizeof(value))) {
    case RL_QUERY_ABSENT:
        return true;
    case RL_QUERY_FOUND:
        question->base64 = strcmp(value, "base64") == 0;
        if (question->base64 || strcmp(value, "utf-8") == 0) {
            return true;
        }
        break;
    case RL_QUERY_BAD:
        break;
    }
    return refuse(response, "Parameter \"encoding\" must be \"base64\" or \"utf-8\"");
}

/* --- what is answered --- */

static void out_of_memory(rl_http_response *response) {
    rl_http_unavailable(response, 1, "Out of memory");
}

static void begin_accepted(rl_json *json, const char *id, rl_http_response *response) {
    response->status = 201;
    rl_json_init(json, &response->body);
    rl_json_open(json, '{');
    rl_json_about(json, "Code submission queued successfully", id);
}

void rl_result_accepted(const char *id, rl_http_response *response) {
    rl_json json;
    begin_accepted(&json, id, response);
    rl_json_close(&json, '}');
}

/* The span under which the submission was accepted. What stands in a record becomes a header only if it is what
 * it should be. */
static void tell_trace(const rl_finished *finished, rl_http_response *response) {
    const rl_bytes trace = rl_bytes_of(finished->submission ? finished->submission->traceparent : NULL);
    if (trace.size == RL_TRACEPARENT_LENGTH && rl_trace_is_valid(trace)) {
        memcpy(response->traceparent, trace.data, trace.size);
    }
}

/* The result alone, or inside the answer to its submission: which is due in any case, so that one too large for
 * memory is left out there. */
static void tell_result(const rl_finished *finished, const char *id, bool base64, bool submitted,
                        rl_http_response *response) {
    tell_trace(finished, response);
    if (!submitted) {
        response->status = 200;
        if (!rl_result_out(finished, base64, &response->body)) {
            out_of_memory(response);
        }
        return;
    }
    rl_json json;
    begin_accepted(&json, id, response);
    rl_json_key(&json, "result");
    const bool written = rl_json_ok(&json) && rl_result_out(finished, base64, &response->body);
    rl_json_close(&json, '}');
    if (!written || !rl_json_ok(&json)) {
        rl_buffer_consume(&response->body, response->body.size);
        rl_result_accepted(id, response);
    }
}

static void tell_pending(const char *id, bool submitted, int retry_after_s, rl_http_response *response) {
    if (submitted) {
        rl_result_accepted(id, response);
    } else {
        rl_http_pending(response, retry_after_s);
    }
}

/* --- looking and waiting --- */

/* Neither a result nor "pending". */
static void tell_otherwise(rl_api *api, const rl_result_question *q, rl_lookup_status status,
                           const rl_error *err, rl_http_response *response) {
    if (status == RL_LOOKUP_UNAVAILABLE) {
        rl_metric_add(api->metrics->lookup_failures[err->error_class], 1);
        rl_api_log_failure(api, &api->failed_lookups, "lookup.failed", q->id, err);
    }
    if (q->submitted) {
        rl_result_accepted(q->id, response);
    } else if (status == RL_LOOKUP_UNAVAILABLE) {
        rl_http_unavailable(response, 2, "The result cannot be looked up now");
    } else if (status == RL_LOOKUP_UNKNOWN) {
        rl_http_error(response, 404, "Code submission not found");
    } else {
        response->status = 200;
        if (!rl_result_out_expired(q->parts.created_ms * RL_US_PER_MS, rl_wall_clock_us(), q->base64,
                                   &response->body)) {
            out_of_memory(response);
        }
    }
}

/* Looks once and fills the response; false while the submission is pending. */
static bool look(rl_api *api, const rl_result_question *q, rl_http_response *response) {
    rl_error err = RL_ERROR_INIT;
    rl_finished finished;
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    if (!arena && q->submitted) {
        rl_result_accepted(q->id, response);
        return true;
    }
    if (!arena) {
        out_of_memory(response);
        return true;
    }
    const rl_lookup_status status = rl_lookup(api, q->id, &q->parts, arena, &finished, &err);
    if (status == RL_LOOKUP_PENDING) {
        return false;
    }
    if (status == RL_LOOKUP_FINISHED) {
        tell_result(&finished, q->id, q->base64, q->submitted, response);
    } else {
        tell_otherwise(api, q, status, &err, response);
    }
    return true;
}

/* As `look`, again and again until the time is up. Where it is not answered then, `*ret_retry_s` says when to
 * ask again: at once, or later where this instance is stopping. */
static bool wait_and_look(rl_api *api, rl_waiter *waiter, const rl_http_request *request,
                          const rl_result_question *q, rl_http_response *response, int *ret_retry_s) {
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
static bool park(rl_api *api, const rl_http_request *request, const rl_result_question *q) {
    const int64_t now_us = rl_clock_us();
    rl_parked_question parked = {.deadline_us = now_us + q->wait_us,
                                 .began_us = now_us,
                                 .base64 = q->base64,
                                 .submitted = q->submitted,
                                 .head = request->method == RL_HTTP_HEAD};
    memcpy(parked.id, q->id, sizeof(parked.id));
    return request->body_read && !atomic_load(&api->draining) &&
           rl_parking_take(api->parking, rl_http_socket(request), &parked);
}

void rl_result_look(rl_api *api, const rl_result_question *q, rl_http_response *response) {
    if (!look(api, q, response)) {
        tell_pending(q->id, q->submitted, 0, response);
    }
}

void rl_result_answer(rl_api *api, rl_api_thread *thread, const rl_http_request *request,
                      const rl_result_question *q, rl_http_response *response) {
    if (q->wait_us == 0) {
        rl_result_look(api, q, response);
        return;
    }
    if (look(api, q, response)) {
        return;
    }
    if (!rl_waiters_enter(api->waiters, thread->waiter, q->id)) {
        if (park(api, request, q)) {
            response->parked = true;
            return;
        }
        rl_metric_add(api->metrics->waits_refused, 1);
        tell_pending(q->id, q->submitted, SOON_S, response);
        return;
    }
    int retry_s = 0;
    if (!wait_and_look(api, thread->waiter, request, q, response, &retry_s)) {
        tell_pending(q->id, q->submitted, retry_s, response);
    }
    rl_waiters_leave(api->waiters, thread->waiter);
}

/* --- what was parked --- */

void rl_parked_pending(void *context, const rl_parked_question *parked, int retry_after_s,
                       rl_http_response *response) {
    (void)context;
    tell_pending(parked->id, parked->submitted, retry_after_s, response);
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
        tell_pending(parked->id, parked->submitted, SOON_S, response);
        return true;
    case RL_TAIL_DELETED:
        rl_metric_add(api->metrics->result_unknown, 1);
        if (parked->submitted) {
            rl_result_accepted(parked->id, response);
        } else {
            rl_http_error(response, 404, "Code submission not found");
        }
        return true;
    case RL_TAIL_ABSENT:
        return false;
    }
    rl_metric_add(api->metrics->result_tail, 1);
    tell_result(&finished, parked->id, parked->base64, parked->submitted, response);
    return true;
}

void rl_parked_answered(void *context, const rl_parked_question *parked, int status) {
    const rl_api *api = context;
    rl_api_metrics_request(api->metrics, parked->submitted ? RL_ROUTE_SUBMIT : RL_ROUTE_RESULT, status,
                           rl_clock_us() - parked->began_us);
}
