/* routes_submit.c: POST /api/submit: validate, issue an id, publish, answer once it is on the log. */
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/trace.h"
#include "lib/stream/client.h"
#include "services/api/admission_gate.h"
#include "services/api/json_out.h"
#include "services/api/routes.h"
#include "services/api/submission_in.h"

#define PROBLEM_LIMIT 4096

static bool refuse_size(rl_http_response *response, const char *what, int64_t limit) {
    char text[128];
    (void)snprintf(text, sizeof(text), "%s too large: at most %lld bytes", what, (long long)limit);
    rl_http_error(response, 413, text);
    return false;
}

static bool read_body(rl_api *api, rl_http_request *request, rl_buffer *body, rl_body_share *share,
                      rl_http_response *response) {
    switch (rl_http_read_body(request, body, share, api->config->body_timeout_us)) {
    case RL_BODY_OK:
        return true;
    case RL_BODY_TOO_LARGE:
        return refuse_size(response, "Request body", api->config->body_bytes);
    case RL_BODY_INCOMPLETE:
        rl_http_error(response, 408, "The request body did not arrive in time");
        break;
    case RL_BODY_MALFORMED:
        rl_http_error(response, 400, "The request body is not well-formed: chunked encoding broken off");
        break;
    case RL_BODY_NO_MEMORY:
        rl_http_unavailable(response, 1, "Too many large requests at once");
        break;
    }
    return false;
}

static void answer_accepted(rl_http_response *response, const char *id) {
    rl_json json;
    response->status = 201;
    rl_json_init(&json, &response->body);
    rl_json_open(&json, '{');
    rl_json_key(&json, "message");
    rl_json_text(&json, rl_bytes_of("Code submission queued successfully"));
    rl_json_key(&json, "codeSubmissionId");
    rl_json_text(&json, rl_bytes_of(id));
    rl_json_close(&json, '}');
}

static void answer_failed(rl_api *api, const char *id, rl_http_response *response, const rl_error *err) {
    if (rl_stream_too_large(err)) {
        (void)refuse_size(response, "Submission", RL_SUBMISSION_MAX_BYTES);
        return;
    }
    rl_metric_add(api->metrics->publish_failures[err->error_class], 1);
    rl_api_log_failure(api, &api->refused_submissions, "submission.refused", id, err);
    if (err->error_class == RL_INVALID) { /* and would be again */
        rl_http_error(response, 500, "The submission could not be written to the log");
        return;
    }
    rl_http_unavailable(response, 2, "The submission could not be queued: Kafka did not acknowledge it");
}

static void note_queued(const rl_api *api, const rl_submission *submission, rl_lane lane, int32_t partition) {
    if (rl_log_writes(api->log, RL_LOG_DEBUG)) {
        const rl_trace_ids trace = rl_trace_ids_of(submission->traceparent);
        rl_log(api->log, RL_LOG_DEBUG, "submission.queued", RL_S("id", submission->id),
               RL_S("lane", rl_client_lane_names[lane]), RL_I("partition", partition),
               RL_S("lang", submission->lang), RL_S("trace_id", trace.trace), RL_S("span_id", trace.span));
    }
}

static void publish(rl_api *api, rl_api_thread *thread, rl_submission *submission, rl_lane lane,
                    rl_http_response *response) {
    rl_error err = RL_ERROR_INIT;
    char id[RL_ID_SIZE];
    int64_t waited_us = 0;
    const int32_t partition = rl_publisher_partition(api->publisher, lane);
    submission->created_us = rl_wall_clock_us();
    submission->deadline_us = submission->created_us + api->config->max_queue_us;
    if (!rl_ident_issue(api->ident, submission->created_us, lane, partition, submission->tenant, id, &err)) {
        rl_log_failure(api->log, RL_LOG_ERROR, "id.failed", &err);
        rl_http_unavailable(response, 2, "No id could be issued");
        return;
    }
    submission->id = id;
    if (!rl_publish(api->publisher, thread->ticket, submission, lane, partition, &waited_us, &err)) {
        answer_failed(api, id, response, &err);
        return;
    }
    rl_metric_observe_us(api->metrics->produce_duration, waited_us);
    note_queued(api, submission, lane, partition);
    answer_accepted(response, id);
}

static void judge(rl_api *api, rl_api_thread *thread, rl_bytes body, rl_http_response *response) {
    RL_AUTO_BUFFER rl_buffer problem;
    RL_AUTO_SUBMISSION_IN rl_submission_in in = RL_SUBMISSION_IN_INIT;
    rl_buffer_init(&problem, PROBLEM_LIMIT);
    if (!rl_submission_in_parse(body, api->manifests, &api->maxima, &in, &problem)) {
        rl_http_error_bytes(response, 400, rl_buffer_bytes(&problem));
        return;
    }
    if (!rl_admission_gate_admit(api, in.lane, response)) {
        return;
    }
    in.submission.traceparent = response->traceparent;
    publish(api, thread, &in.submission, in.lane, response);
}

void rl_route_submit(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                     rl_http_response *response) {
    const int64_t began_us = rl_clock_us();
    RL_AUTO_BUFFER rl_buffer body;
    rl_buffer_init(&body, (size_t)api->config->body_bytes);
    rl_route_join_trace(request, response);
    if (request->content_length > api->config->body_bytes) {
        (void)refuse_size(response, "Request body", api->config->body_bytes);
        return;
    }
    RL_AUTO_BODY_SHARE rl_body_share share = {.used = &api->body_memory,
                                              .max = api->config->body_memory_bytes};
    if (!rl_admission_gate_open(api, response) || !read_body(api, request, &body, &share, response)) {
        return;
    }
    judge(api, thread, rl_buffer_bytes(&body), response);
    if (response->status == 201) {
        rl_metric_observe_us(api->metrics->submit_duration, rl_clock_us() - began_us);
    }
}
