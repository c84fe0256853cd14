/* routes_submit.c: POST /api/submit: validate, issue an id, publish, answer once it is on the log; with ?wait=SECONDS, once
 * its result is there as well, or the time is up. */
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/trace.h"
#include "lib/stream/client.h"
#include "services/api/admission_gate.h"
#include "services/api/result_answer.h"
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

/* false where it is not on the log, as `response` then says. `id`, of RL_ID_SIZE, lives as long as the submission. */
static bool publish(rl_api *api, rl_api_thread *thread, rl_submission *submission, rl_lane lane, char *id,
                    rl_http_response *response) {
    rl_error err = RL_ERROR_INIT;
    int64_t waited_us = 0;
    const int32_t partition = rl_publisher_partition(api->publisher, lane);
    submission->created_us = rl_wall_clock_us();
    submission->deadline_us = submission->created_us + api->config->max_queue_us;
    if (!rl_ident_issue(api->ident, submission->created_us, lane, partition, submission->tenant, id, &err)) {
        rl_log_failure(api->log, RL_LOG_ERROR, "id.failed", &err);
        rl_http_unavailable(response, 2, "No id could be issued");
        return false;
    }
    submission->id = id;
    if (!rl_publish(api->publisher, thread->ticket, submission, lane, partition, &waited_us, &err)) {
        answer_failed(api, id, response, &err);
        return false;
    }
    rl_metric_observe_us(api->metrics->produce_duration, waited_us);
    note_queued(api, submission, lane, partition);
    return true;
}

/* Whether what `body` asks for is on the log now, under the id in `question`; otherwise `response` says why not. */
static bool judge(rl_api *api, rl_api_thread *thread, rl_bytes body, rl_result_question *question,
                  rl_http_response *response) {
    RL_AUTO_BUFFER rl_buffer problem;
    RL_AUTO_SUBMISSION_IN rl_submission_in in = RL_SUBMISSION_IN_INIT;
    rl_buffer_init(&problem, PROBLEM_LIMIT);
    if (!rl_submission_in_parse(body, api->manifests, &api->maxima, &in, &problem)) {
        rl_http_error_bytes(response, 400, rl_buffer_bytes(&problem));
        return false;
    }
    if (!rl_admission_gate_admit(api, in.lane, response)) {
        return false;
    }
    in.submission.traceparent = response->traceparent;
    return publish(api, thread, &in.submission, in.lane, question->id, response) &&
           rl_ident_known(api->ident, question->id, 0, &question->parts);
}

/* The body is read and let go of before anybody waits. */
static bool take(rl_api *api, rl_api_thread *thread, rl_http_request *request, rl_result_question *question,
                 rl_http_response *response) {
    RL_AUTO_BUFFER rl_buffer body;
    rl_buffer_init(&body, (size_t)api->config->body_bytes);
    if (request->content_length > api->config->body_bytes) {
        return refuse_size(response, "Request body", api->config->body_bytes);
    }
    RL_AUTO_BODY_SHARE rl_body_share share = {.used = &api->body_memory,
                                              .max = api->config->body_memory_bytes};
    return rl_admission_gate_open(api, response) && read_body(api, request, &body, &share, response) &&
           judge(api, thread, rl_buffer_bytes(&body), question, response);
}

void rl_route_submit(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                     rl_http_response *response) {
    const int64_t began_us = rl_clock_us();
    rl_result_question question = {.submitted = true};
    rl_route_join_trace(request, response);
    if (!rl_result_options(request, &question, response) ||
        !take(api, thread, request, &question, response)) {
        return;
    }
    rl_metric_observe_us(api->metrics->submit_duration, rl_clock_us() - began_us);
    if (question.wait_us > 0) {
        rl_result_answer(api, thread, request, &question, response);
    } else {
        rl_result_accepted(question.id, response);
    }
}
