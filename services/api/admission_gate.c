/* admission_gate.c: see admission_gate.h. */
#include "services/api/admission_gate.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"

#define REFUSED "Submissions cannot be queued now: "

static bool refuse(const rl_api *api, rl_admission_decision why, rl_http_response *response,
                   int retry_after_s, const char *text) {
    rl_metric_add(api->metrics->admission[why], 1);
    rl_http_unavailable(response, retry_after_s, text);
    return false;
}

static bool refuse_wait(const rl_api *api, const rl_admission_judgement *judgement,
                        rl_http_response *response) {
    char text[160];
    const int64_t most_us = api->config->admission_wait_us;
    (void)snprintf(text, sizeof(text),
                   REFUSED "the wait would be %s%lld s or so, and at most %lld s are allowed",
                   judgement->wait_us < RL_ADMISSION_MOST_WAIT_US ? "" : "more than ",
                   (long long)(judgement->wait_us / RL_US_PER_S),
                   (long long)((most_us + RL_US_PER_S - 1) / RL_US_PER_S));
    return refuse(api, RL_ADMISSION_WAIT, response, judgement->retry_after_s, text);
}

/* What the runners can still keep up with. */
static bool can_be_kept(const rl_api *api, rl_http_response *response) {
    const rl_admission_judgement judgement =
        rl_admission_judge(api->admission, rl_publisher_backlog(api->publisher), arc4random(), rl_clock_us());
    switch (judgement.verdict) {
    case RL_REFUSED_WAIT:
        return refuse_wait(api, &judgement, response);
    case RL_REFUSED_ABSENT:
        return refuse(api, RL_ADMISSION_ABSENT, response, judgement.retry_after_s,
                      REFUSED "there is no runner to execute them");
    case RL_ADMITTED:
        break;
    }
    rl_metric_add(api->metrics->admission[RL_ADMISSION_OPEN], 1);
    return true;
}

bool rl_admission_gate_open(rl_api *api, rl_http_response *response) {
    char reason[128];
    if (atomic_load(&api->draining)) {
        return refuse(api, RL_ADMISSION_STOPPING, response, 1, "This instance is stopping");
    }
    if (!rl_tail_connected(api->tail, reason)) {
        return refuse(api, RL_ADMISSION_KAFKA, response, 2, REFUSED "Kafka does not answer");
    }
    if (rl_tail_overloaded(api->tail)) {
        return refuse(api, RL_ADMISSION_RESULTS, response, 10, REFUSED "results wait to be stored");
    }
    return can_be_kept(api, response);
}

bool rl_admission_gate_check(void *context, char reason[128]) {
    const rl_api *api = context;
    const int64_t absent_us = rl_admission_absent_us(api->admission, rl_clock_us());
    if (absent_us < api->config->admission_absence_us || rl_admission_is_off(api->admission)) {
        return true;
    }
    (void)snprintf(reason, 128, "no runner in the group for %lld s: submissions are refused",
                   (long long)(absent_us / RL_US_PER_S));
    return false;
}

void rl_admission_gate_measure(const rl_api *api) {
    const rl_api_metrics *m = api->metrics;
    const int64_t backlog = rl_publisher_backlog(api->publisher);
    rl_metric_set(m->runner_backlog, backlog);
    if (!rl_admission_is_off(api->admission)) {
        const rl_admission_stats stats = rl_admission_statistics(api->admission);
        const rl_admission_judgement now = rl_admission_judge(api->admission, backlog, 0, rl_clock_us());
        rl_metric_set(m->admission_wait, now.wait_us / RL_US_PER_S);
        rl_metric_set(m->admission_rate, (int64_t)(stats.rate * 60));
        rl_metric_set(m->runner_members, stats.members);
    } else {
        rl_metric_set(m->runner_members, -1); /* nobody asks */
    }
}
