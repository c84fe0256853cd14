/* acceptance.c: see acceptance.h. */
#include "services/api/acceptance.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/trace.h"
#include "lib/stream/client.h"
#include "services/api/admission_gate.h"

static bool refuse_size(rl_http_response *response, const char *what, int64_t limit) {
    char text[128];
    (void)snprintf(text, sizeof(text), "%s too large: at most %lld bytes", what, (long long)limit);
    rl_http_error(response, 413, text);
    return false;
}

bool rl_acceptance_read_body(rl_api *api, rl_http_request *request, rl_buffer *body, rl_body_share *share,
                             rl_http_response *response) {
    if (request->content_length > api->config->body_bytes) {
        return refuse_size(response, "Request body", api->config->body_bytes);
    }
    if (!rl_admission_gate_open(api, response)) {
        return false;
    }
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

void rl_acceptance_failed(rl_api *api, const char *id, const rl_error *err, rl_http_response *response) {
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

bool rl_acceptance_prepare(rl_api *api, rl_submission_in *in, rl_acceptance *ret,
                           rl_http_response *response) {
    rl_error err = RL_ERROR_INIT;
    rl_submission *submission = &in->submission;
    if (!rl_admission_gate_admit(api, in->lane, response)) {
        return false;
    }
    ret->lane = in->lane;
    ret->lang = submission->lang;
    ret->partition = rl_publisher_partition(api->publisher, in->lane);
    submission->created_us = rl_wall_clock_us();
    submission->deadline_us = submission->created_us + api->config->max_queue_us;
    if (!rl_ident_issue(api->ident, submission->created_us, in->lane, ret->partition, submission->tenant,
                        ret->id, &err)) {
        rl_log_failure(api->log, RL_LOG_ERROR, "id.failed", &err);
        rl_http_unavailable(response, 2, "No id could be issued");
        return false;
    }
    submission->id = ret->id;
    return true;
}

void rl_acceptance_note(const rl_api *api, const rl_acceptance *accepted, const char *traceparent) {
    if (rl_log_writes(api->log, RL_LOG_DEBUG)) {
        const rl_trace_ids trace = rl_trace_ids_of(traceparent);
        rl_log(api->log, RL_LOG_DEBUG, "submission.queued", RL_S("id", accepted->id),
               RL_S("lane", rl_client_lane_names[accepted->lane]), RL_I("partition", accepted->partition),
               RL_S("lang", accepted->lang), RL_S("trace_id", trace.trace), RL_S("span_id", trace.span));
    }
}
