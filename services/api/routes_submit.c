/* routes_submit.c: POST /api/submit: validate, issue an id, publish, answer once it is on the log; with ?wait=SECONDS, once
 * its result is there as well, or the time is up. */
#include "lib/base/clock.h"
#include "services/api/acceptance.h"
#include "services/api/result_answer.h"
#include "services/api/routes.h"

static bool publish(rl_api *api, rl_api_thread *thread, const rl_submission *submission,
                    const rl_acceptance *accepted, rl_http_response *response) {
    rl_error err = RL_ERROR_INIT;
    int64_t waited_us = 0;
    if (!rl_publish(api->publisher, thread->ticket, submission, accepted->lane, accepted->partition,
                    &waited_us, &err)) {
        rl_acceptance_failed(api, accepted->id, &err, response);
        return false;
    }
    rl_metric_observe_us(api->metrics->produce_duration, waited_us);
    rl_acceptance_note(api, accepted, submission->traceparent);
    return true;
}

/* Whether what `body` asks for is on the log now, under the id in `question`; otherwise `response` says why not. */
static bool judge(rl_api *api, rl_api_thread *thread, rl_bytes body, rl_result_question *question,
                  rl_http_response *response) {
    RL_AUTO_BUFFER rl_buffer problem;
    RL_AUTO_SUBMISSION_IN rl_submission_in in = RL_SUBMISSION_IN_INIT;
    rl_acceptance accepted;
    rl_buffer_init(&problem, RL_ACCEPTANCE_PROBLEM_BYTES);
    if (!rl_submission_in_parse(body, api->manifests, &api->maxima, &in, &problem)) {
        rl_http_error_bytes(response, 400, rl_buffer_bytes(&problem));
        return false;
    }
    if (!rl_acceptance_prepare(api, &in, &accepted, response)) {
        return false;
    }
    in.submission.traceparent = response->traceparent;
    if (!publish(api, thread, &in.submission, &accepted, response)) {
        return false;
    }
    memcpy(question->id, accepted.id, sizeof(question->id));
    return rl_ident_known(api->ident, question->id, 0, &question->parts);
}

/* The body is let go of before anybody waits. */
static bool take(rl_api *api, rl_api_thread *thread, rl_http_request *request, rl_result_question *question,
                 rl_http_response *response) {
    RL_AUTO_BUFFER rl_buffer body;
    rl_buffer_init(&body, (size_t)api->config->body_bytes);
    RL_AUTO_BODY_SHARE rl_body_share share = {.used = &api->body_memory,
                                              .max = api->config->body_memory_bytes};
    return rl_acceptance_read_body(api, request, &body, &share, response) &&
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
