/* routes_ops.c: GET /healthz, /readyz and /metrics.
 *
 * Kafka decides readiness, because without it no submission can be accepted. MongoDB being down degrades
 * the service only: everything that the tail knows is still answered. So do runners that are away: no other
 * instance could do better, and results are still answered.
 */
#include <stdio.h>

#include "services/api/admission_gate.h"
#include "services/api/routes.h"

void rl_route_healthz(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                      rl_http_response *response) {
    (void)api;
    (void)thread;
    (void)request;
    response->status = 200;
    response->borrowed = rl_bytes_of("{\"status\":\"ok\"}");
}

bool rl_api_check_publisher(void *context, char reason[128]) {
    const rl_api *api = context;
    if (atomic_load(&api->draining)) {
        (void)snprintf(reason, 128, "stopping");
        return false;
    }
    return rl_publisher_ready(api->publisher, reason);
}

bool rl_api_check_tail(void *context, char reason[128]) {
    const rl_api *api = context;
    return rl_tail_ready(api->tail, reason) && rl_tail_connected(api->tail, reason);
}

bool rl_api_check_store(void *context, char reason[128]) {
    const rl_api *api = context;
    if (rl_store_up(api->store)) {
        return true;
    }
    (void)snprintf(reason, 128, "MongoDB does not answer");
    return false;
}

void rl_route_readyz(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                     rl_http_response *response) {
    (void)thread;
    (void)request;
    response->status = rl_ops_ready_body(api->checks, RL_API_CHECKS, &response->body);
}

static void update_gauges(rl_api *api) {
    const rl_api_metrics *m = api->metrics;
    const rl_tail_stats stats = rl_tail_statistics(api->tail);
    rl_ops_measure(api->checks, RL_API_CHECKS, m->registry);
    rl_metric_set(m->connection_threads, api->config->threads);
    rl_metric_set(m->waiters, rl_waiters_count(api->waiters));
    const rl_parking_stats parked = rl_parking_statistics(api->parking);
    rl_metric_set(m->parked, parked.clients);
    rl_metric_set(m->parked_capacity, parked.capacity);
    rl_metric_set(m->parked_answer_bytes, parked.answer_bytes);
    rl_metric_set(m->produce_queue, rl_publisher_pending(api->publisher));
    rl_metric_set(m->body_memory, atomic_load(&api->body_memory));
    rl_metric_set(m->tail_lag, stats.lag);
    rl_metric_set(m->sink_lag, stats.sink_lag);
    rl_metric_set(m->tail_read, stats.read);
    rl_metric_set(m->tail_deleted, stats.deleted);
    rl_metric_set(m->tail_undecodable, stats.undecodable);
    rl_metric_set(m->cache_entries, stats.cache.entries);
    rl_metric_set(m->cache_bytes, stats.cache.bytes);
    rl_metric_set(m->cache_uncommitted, stats.cache.uncommitted);
    rl_metric_set(m->cache_stripped, stats.cache.stripped);
    rl_metric_set(m->cache_evicted, stats.cache.evicted);
    rl_admission_gate_measure(api);
}

void rl_route_metrics(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                      rl_http_response *response) {
    (void)thread;
    (void)request;
    update_gauges(api);
    if (!rl_metrics_render(api->metrics->registry, &response->body)) {
        rl_http_unavailable(response, 1, "Out of memory");
        return;
    }
    response->status = 200;
    response->content_type = "text/plain; version=0.0.4; charset=utf-8";
}
