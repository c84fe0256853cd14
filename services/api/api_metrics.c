/* api_metrics.c: see api_metrics.h. */
#include "services/api/api_metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const int statuses[RL_METRICS_STATUSES] = {200, 201, 202, 204, 400, 404, 405, 408, 409,
                                                  411, 413, 417, 431, 500, 501, 503, 505};

static const char *const route_names[RL_ROUTE_COUNT] = {
    "submit",  "batch",  "result",  "results", "cancel", "delete", "languages",
    "healthz", "readyz", "metrics", "openapi", "docs",   "none"};

static void make_requests(rl_api_metrics *m) {
    for (size_t route = 0; route < RL_ROUTE_COUNT; route++) {
        for (size_t i = 0; i <= RL_METRICS_STATUSES; i++) {
            char status[16];
            char labels[64];
            (void)snprintf(status, sizeof(status), "%d", i < RL_METRICS_STATUSES ? statuses[i] : 0);
            (void)snprintf(labels, sizeof(labels), "route=\"%s\",status=\"%s\"", route_names[route],
                           i < RL_METRICS_STATUSES ? status : "other");
            m->requests[route][i] =
                rl_metrics_counter(m->registry, "runlog_api_requests_total", labels, "Requests answered.");
        }
    }
}

static void make_request_durations(rl_api_metrics *m) {
    for (size_t route = 0; route < RL_ROUTE_COUNT; route++) {
        char labels[64];
        (void)snprintf(labels, sizeof(labels), "route=\"%s\"", route_names[route]);
        m->request_duration[route] =
            rl_metrics_histogram(m->registry, "runlog_api_request_duration_seconds", labels,
                                 "From the head of a request to its answer, long polls included.");
    }
}

static rl_metric *result_counter(rl_api_metrics *m, const char *labels) {
    return rl_metrics_counter(m->registry, "runlog_api_results_total", labels,
                              "Questions for a result, by where the answer came from.");
}

static void make_results(rl_api_metrics *m) {
    m->result_tail = result_counter(m, "from=\"tail\"");
    m->result_store = result_counter(m, "from=\"store\"");
    m->result_pending = result_counter(m, "from=\"pending\"");
    m->result_expired = result_counter(m, "from=\"expired\"");
    m->result_unknown = result_counter(m, "from=\"unknown\"");
}

static rl_metric *gauge(rl_api_metrics *m, const char *name, const char *help) {
    return rl_metrics_gauge(m->registry, name, NULL, help);
}

static rl_metric *counter(rl_api_metrics *m, const char *name, const char *help) {
    return rl_metrics_counter(m->registry, name, NULL, help);
}

static void make_submit(rl_api_metrics *m) {
    m->submit_duration = rl_metrics_histogram(m->registry, "runlog_api_submit_duration_seconds", NULL,
                                              "From the head of an accepted submission to its answer.");
    m->produce_duration = rl_metrics_histogram(m->registry, "runlog_api_produce_duration_seconds", NULL,
                                               "From sending a submission to Kafka to its acknowledgement.");
    rl_metrics_counters_by_class(m->registry, "runlog_api_publish_failures_total", NULL,
                                 "Submissions that did not get onto the log, by class of error.",
                                 m->publish_failures);
    rl_metrics_counters_by_class(m->registry, "runlog_api_cancel_failures_total", NULL,
                                 "Requests to cancel that did not get onto the log, by class of error.",
                                 m->cancel_failures);
    rl_metrics_counters_by_class(m->registry, "runlog_api_delete_failures_total", NULL,
                                 "Deletions that did not get onto the log, by class of error.",
                                 m->delete_failures);
    m->produce_queue =
        gauge(m, "runlog_api_produce_queue_records", "Records handed to the producer and not reported on.");
    m->body_memory = gauge(m, "runlog_api_body_memory_bytes", "Request bodies held in memory.");
}

static void make_decisions(rl_api_metrics *m) {
    static const char *const decisions[RL_ADMISSION_DECISIONS] = {
        [RL_ADMISSION_OPEN] = "admitted",      [RL_ADMISSION_WAIT] = "long_wait",
        [RL_ADMISSION_ABSENT] = "no_runner",   [RL_ADMISSION_KAFKA] = "no_kafka",
        [RL_ADMISSION_RESULTS] = "not_stored", [RL_ADMISSION_STOPPING] = "stopping"};
    for (size_t i = 0; i < RL_ADMISSION_DECISIONS; i++) {
        for (size_t lane = 0; lane <= RL_CLIENT_LANES; lane++) {
            char labels[64];
            (void)snprintf(labels, sizeof(labels), "decision=\"%s\",lane=\"%s\"", decisions[i],
                           lane < RL_CLIENT_LANES ? rl_client_lane_names[lane] : "unread");
            m->admission[i][lane] = rl_metrics_counter(m->registry, "runlog_api_admission_total", labels,
                                                       "Submissions, by whether they might be queued.");
        }
    }
}

static rl_metric *lane_gauge(rl_api_metrics *m, size_t lane, const char *name, const char *help) {
    char labels[32];
    (void)snprintf(labels, sizeof(labels), "lane=\"%s\"", rl_client_lane_names[lane]);
    return rl_metrics_gauge(m->registry, name, labels, help);
}

static void make_admission(rl_api_metrics *m) {
    make_decisions(m);
    for (size_t lane = 0; lane < RL_CLIENT_LANES; lane++) {
        m->admission_wait[lane] = lane_gauge(m, lane, "runlog_api_admission_wait_seconds",
                                             "Estimated wait of a submission that comes now.");
        m->admission_rate[lane] =
            lane_gauge(m, lane, "runlog_api_admission_rate_per_minute",
                       "Submissions that the runners finish in a minute, as estimated.");
        m->runner_backlog[lane] =
            lane_gauge(m, lane, "runlog_api_runner_backlog", "Submissions that no runner has finished.");
    }
    m->runner_members =
        gauge(m, "runlog_api_runner_members", "Members of the runners' group, three for each runner.");
    m->unmeasured = counter(m, "runlog_api_unmeasured_total",
                            "Times that the runners' backlog or group could not be asked for.");
}

static void make_tail(rl_api_metrics *m) {
    m->tail_delay =
        rl_metrics_histogram(m->registry, "runlog_api_tail_delay_seconds", NULL,
                             "From the timestamp of a result's record until it had been read here.");
    m->tail_lag = gauge(m, "runlog_api_tail_lag_records", "Records of the topic results not read yet.");
    m->sink_lag = gauge(m, "runlog_api_sink_lag_records", "Results read that the sink has not committed.");
    m->tail_read = counter(m, "runlog_api_tail_records_total", "Records of the topic results read.");
    m->tail_deleted =
        counter(m, "runlog_api_tail_deleted_total", "Records of the topic results that say: forget this id.");
    m->tail_undecodable = counter(m, "runlog_api_tail_undecodable_total",
                                  "Records of the topic results skipped as unreadable.");
    m->cache_entries = gauge(m, "runlog_api_cache_entries", "Results known in memory.");
    m->cache_bytes = gauge(m, "runlog_api_cache_bytes", "Memory of those results.");
    m->cache_uncommitted =
        gauge(m, "runlog_api_cache_uncommitted", "Results in memory that the sink has not committed.");
    m->cache_stripped =
        gauge(m, "runlog_api_cache_stripped", "Of those: known only by their position on the log.");
    m->cache_evicted = counter(m, "runlog_api_cache_evicted_total", "Results dropped from memory.");
}

rl_api_metrics *rl_api_metrics_new(rl_error *err) {
    RL_AUTO_API_METRICS rl_api_metrics *m = calloc(1, sizeof(*m));
    if (m) {
        m->registry = rl_metrics_new();
    }
    if (!m || !m->registry) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    make_requests(m);
    make_request_durations(m);
    make_results(m);
    make_submit(m);
    make_admission(m);
    make_tail(m);
    m->connections = gauge(m, "runlog_api_connections", "Connections being served.");
    m->connection_threads =
        gauge(m, "runlog_api_connection_threads", "Threads, and so connections that can be served at once.");
    m->waiters = gauge(m, "runlog_api_waiters", "Requests waiting for a result.");
    m->parked =
        gauge(m, "runlog_api_parked", "Long polls that wait without a thread, or are being answered.");
    m->parked_capacity = gauge(m, "runlog_api_parked_capacity", "How many there may be.");
    m->parked_answer_bytes =
        gauge(m, "runlog_api_parked_answer_bytes", "Answers that such clients have not taken yet.");
    m->waits_refused =
        counter(m, "runlog_api_waits_refused_total", "Long polls answered at once because too many waited.");
    m->client_gone =
        counter(m, "runlog_api_client_gone_total", "Long polls ended because the client had left.");
    m->clients_cut = counter(m, "runlog_api_clients_cut_total",
                             "Connections ended because the client took too long; idle ones do not count.");
    m->store_errors = counter(m, "runlog_api_store_errors_total", "Lookups in MongoDB that failed.");
    rl_metrics_counters_by_class(m->registry, "runlog_api_lookup_failures_total", NULL,
                                 "Questions for a result that could not be answered, by class of error.",
                                 m->lookup_failures);
    return RL_STEAL(m);
}

void rl_api_metrics_free(rl_api_metrics *metrics) {
    if (metrics) {
        if (metrics->registry) {
            rl_metrics_free(metrics->registry);
        }
        free(metrics);
    }
}

void rl_api_metrics_request(rl_api_metrics *metrics, rl_route_id route, int status, int64_t took_us) {
    size_t i = 0;
    while (i < RL_METRICS_STATUSES && statuses[i] != status) {
        i++;
    }
    rl_metric_add(metrics->requests[route][i], 1);
    rl_metric_observe_us(metrics->request_duration[route], took_us);
}
