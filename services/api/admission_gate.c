/* admission_gate.c: see admission_gate.h. */
#include "services/api/admission_gate.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"

#define REFUSED "Submissions cannot be queued now: "

#define UNREAD RL_CLIENT_LANES

static bool refuse(const rl_api *api, rl_admission_decision why, size_t lane, rl_http_response *response,
                   int retry_after_s, const char *text) {
    rl_metric_add(api->metrics->admission[why][lane], 1);
    rl_http_unavailable(response, retry_after_s, text);
    return false;
}

static bool refuse_unread(const rl_api *api, rl_admission_decision why, rl_http_response *response,
                          int retry_after_s, const char *text) {
    return refuse(api, why, UNREAD, response, retry_after_s, text);
}

/* `lane`: whose estimate it is. */
static bool refuse_wait(const rl_api *api, rl_lane lane, size_t counted,
                        const rl_admission_judgement *judgement, rl_http_response *response) {
    char text[160];
    const bool batch = lane == RL_LANE_BATCH;
    const int64_t most_us = batch ? api->config->admission_batch_wait_us : api->config->admission_wait_us;
    (void)snprintf(
        text, sizeof(text), REFUSED "the wait%s would be %s%lld s or so, and at most %lld s are allowed",
        batch ? " in the batch lane" : "", judgement->wait_us < RL_ADMISSION_MOST_WAIT_US ? "" : "more than ",
        (long long)(judgement->wait_us / RL_US_PER_S),
        (long long)((most_us + RL_US_PER_S - 1) / RL_US_PER_S));
    return refuse(api, RL_ADMISSION_WAIT, counted, response, judgement->retry_after_s, text);
}

static rl_admission_judgement judge(const rl_api *api, rl_lane lane) {
    return rl_admission_judge(api->admissions[lane], rl_publisher_backlog(api->publisher, lane), arc4random(),
                              rl_clock_us());
}

/* What the runners cannot keep up with. `counted`: the lane for the metric. */
static bool refuse_judged(const rl_api *api, rl_lane lane, size_t counted,
                          const rl_admission_judgement *judgement, rl_http_response *response) {
    if (judgement->verdict == RL_REFUSED_ABSENT) {
        return refuse(api, RL_ADMISSION_ABSENT, counted, response, judgement->retry_after_s,
                      REFUSED "there is no runner to execute them");
    }
    return refuse_wait(api, lane, counted, judgement, response);
}

/* One lane that takes submissions is enough to read what comes. Where there is none, the answer is the interactive
 * lane's. */
static bool any_can_be_kept(const rl_api *api, rl_http_response *response) {
    for (size_t lane = RL_CLIENT_LANES; lane-- > 1;) {
        if (judge(api, (rl_lane)lane).verdict == RL_ADMITTED) {
            return true;
        }
    }
    const rl_admission_judgement judgement = judge(api, RL_LANE_INTERACTIVE);
    return judgement.verdict == RL_ADMITTED ||
           refuse_judged(api, RL_LANE_INTERACTIVE, UNREAD, &judgement, response);
}

bool rl_admission_gate_open(rl_api *api, rl_http_response *response) {
    char reason[128];
    if (atomic_load(&api->draining)) {
        return refuse_unread(api, RL_ADMISSION_STOPPING, response, 1, "This instance is stopping");
    }
    if (!rl_tail_connected(api->tail, reason)) {
        return refuse_unread(api, RL_ADMISSION_KAFKA, response, 2, REFUSED "Kafka does not answer");
    }
    if (rl_tail_overloaded(api->tail)) {
        return refuse_unread(api, RL_ADMISSION_RESULTS, response, 10, REFUSED "results wait to be stored");
    }
    return any_can_be_kept(api, response);
}

bool rl_admission_gate_admit(rl_api *api, rl_lane lane, rl_http_response *response) {
    const rl_admission_judgement judgement = judge(api, lane);
    if (judgement.verdict != RL_ADMITTED) {
        return refuse_judged(api, lane, lane, &judgement, response);
    }
    rl_metric_add(api->metrics->admission[RL_ADMISSION_OPEN][lane], 1);
    return true;
}

/* The members of the group are those of every lane, and no lane is told of them that the interactive one is not. */
bool rl_admission_gate_check(void *context, char reason[128]) {
    const rl_api *api = context;
    const rl_admission *admission = api->admissions[RL_LANE_INTERACTIVE];
    const int64_t absent_us = rl_admission_absent_us(admission, rl_clock_us());
    if (absent_us < api->config->admission_absence_us || rl_admission_is_off(admission)) {
        return true;
    }
    (void)snprintf(reason, 128, "no runner in the group for %lld s: submissions are refused",
                   (long long)(absent_us / RL_US_PER_S));
    return false;
}

static void measure_lane(const rl_api *api, rl_lane lane) {
    const rl_api_metrics *m = api->metrics;
    const rl_admission *admission = api->admissions[lane];
    const int64_t backlog = rl_publisher_backlog(api->publisher, lane);
    rl_metric_set(m->runner_backlog[lane], backlog);
    if (!rl_admission_is_off(admission)) {
        const rl_admission_judgement now = rl_admission_judge(admission, backlog, 0, rl_clock_us());
        rl_metric_set(m->admission_wait[lane], now.wait_us / RL_US_PER_S);
        rl_metric_set(m->admission_rate[lane], (int64_t)(rl_admission_statistics(admission).rate * 60));
    }
}

void rl_admission_gate_measure(const rl_api *api) {
    const rl_admission *admission = api->admissions[RL_LANE_INTERACTIVE];
    for (size_t lane = 0; lane < RL_CLIENT_LANES; lane++) {
        measure_lane(api, (rl_lane)lane);
    }
    /* off: nobody asks */
    rl_metric_set(api->metrics->runner_members,
                  rl_admission_is_off(admission) ? -1 : rl_admission_statistics(admission).members);
}
