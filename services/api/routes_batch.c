/* routes_batch.c: POST /api/submissions/batch: up to a thousand submissions in one request, each judged alone.
 *
 * All that are right are sent to the log before the first of them is waited for. The answer has for each, in their order, what
 * POST /api/submit would have answered, so that a client can send those again that were refused for a time.
 */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "services/api/acceptance.h"
#include "services/api/json_out.h"
#include "services/api/result_answer.h"
#include "services/api/routes.h"

typedef struct {
    rl_publish_ticket *ticket; /* NULL: it was not sent, and `answer` says why */
    rl_acceptance accepted;
    rl_http_response answer;
} entry;

typedef struct {
    entry *entries;
    size_t count;
} batch;

static void free_batch(batch *b) {
    for (size_t i = 0; i < b->count; i++) {
        rl_publish_ticket_free(b->entries[i].ticket);
        rl_http_response_free(&b->entries[i].answer);
    }
    free(b->entries);
}

static bool make_batch(size_t count, batch *ret) {
    ret->entries = calloc(count, sizeof(*ret->entries));
    ret->count = ret->entries ? count : 0;
    for (size_t i = 0; i < ret->count; i++) {
        rl_http_response_init(&ret->entries[i].answer);
    }
    return ret->entries != NULL;
}

static void send_one(rl_api *api, const rl_submission_list *list, size_t index, const char *traceparent,
                     entry *e) {
    RL_AUTO_BUFFER rl_buffer problem;
    RL_AUTO_SUBMISSION_IN rl_submission_in in = RL_SUBMISSION_IN_INIT;
    rl_error err = RL_ERROR_INIT;
    rl_buffer_init(&problem, RL_ACCEPTANCE_PROBLEM_BYTES);
    if (!rl_submission_list_at(list, index, api->manifests, &api->maxima, &in, &problem)) {
        rl_http_error_bytes(&e->answer, 400, rl_buffer_bytes(&problem));
        return;
    }
    if (!rl_acceptance_prepare(api, &in, &e->accepted, &e->answer)) {
        return;
    }
    in.submission.traceparent = traceparent;
    e->ticket = rl_publish_ticket_new();
    if (!e->ticket) {
        rl_http_unavailable(&e->answer, 1, "Out of memory");
    } else if (!rl_publish_begin(api->publisher, e->ticket, &in.submission, e->accepted.lane,
                                 e->accepted.partition, &err)) {
        rl_acceptance_failed(api, e->accepted.id, &err, &e->answer);
        rl_publish_ticket_free(e->ticket);
        e->ticket = NULL;
    }
}

static void await_one(rl_api *api, const char *traceparent, entry *e) {
    rl_error err = RL_ERROR_INIT;
    if (!e->ticket) {
        return;
    }
    if (rl_publish_end(e->ticket, &err)) {
        rl_acceptance_note(api, &e->accepted, traceparent);
        rl_result_accepted(e->accepted.id, &e->answer);
    } else {
        rl_acceptance_failed(api, e->accepted.id, &err, &e->answer);
    }
}

static void put_entry(rl_json *json, const rl_http_response *answer) {
    rl_json_open(json, '{');
    rl_json_key(json, "statusCode");
    rl_json_int(json, answer->status);
    rl_json_members(json, rl_http_body(answer));
    rl_json_close(json, '}');
}

/* 201 where at least one was accepted; else 503 where one may be later; else as the last one. */
static void judge_all(const batch *b, rl_http_response *response) {
    response->status = b->entries[b->count - 1].answer.status;
    for (size_t i = 0; i < b->count; i++) {
        const rl_http_response *answer = &b->entries[i].answer;
        if (answer->status == 201) {
            response->status = 201;
            response->retry_after_s = 0;
            return;
        }
        if (answer->status == 503) {
            response->status = 503;
            response->retry_after_s = answer->retry_after_s;
        }
    }
}

static void answer_all(const batch *b, rl_http_response *response) {
    rl_json json;
    rl_json_init(&json, &response->body);
    rl_json_open(&json, '{');
    rl_json_key(&json, "submissions");
    rl_json_open(&json, '[');
    for (size_t i = 0; i < b->count; i++) {
        put_entry(&json, &b->entries[i].answer);
    }
    rl_json_close(&json, ']');
    rl_json_close(&json, '}');
    judge_all(b, response);
    if (!rl_json_ok(
            &json)) { /* the ids are lost, and with them the submissions, as far as the client can know */
        rl_http_unavailable(response, 1, "Out of memory");
    }
}

static void take(rl_api *api, rl_bytes body, rl_http_response *response) {
    RL_AUTO_BUFFER rl_buffer problem;
    RL_AUTO_SUBMISSION_LIST rl_submission_list list = RL_SUBMISSION_LIST_INIT;
    batch b;
    rl_buffer_init(&problem, RL_ACCEPTANCE_PROBLEM_BYTES);
    if (!rl_submission_list_parse(body, &list, &problem)) {
        rl_http_error_bytes(response, 400, rl_buffer_bytes(&problem));
        return;
    }
    if (!make_batch(list.count, &b)) {
        rl_http_unavailable(response, 1, "Out of memory");
        return;
    }
    for (size_t i = 0; i < b.count; i++) {
        send_one(api, &list, i, response->traceparent, &b.entries[i]);
    }
    for (size_t i = 0; i < b.count; i++) {
        await_one(api, response->traceparent, &b.entries[i]);
    }
    answer_all(&b, response);
    free_batch(&b);
}

void rl_route_batch(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                    rl_http_response *response) {
    (void)thread;
    RL_AUTO_BUFFER rl_buffer body;
    rl_buffer_init(&body, (size_t)api->config->body_bytes);
    rl_route_join_trace(request, response);
    RL_AUTO_BODY_SHARE rl_body_share share = {.used = &api->body_memory,
                                              .max = api->config->body_memory_bytes};
    if (rl_acceptance_read_body(api, request, &body, &share, response)) {
        take(api, rl_buffer_bytes(&body), response);
    }
}
