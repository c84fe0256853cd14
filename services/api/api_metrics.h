/* api_metrics.h: what the API counts; see GET /metrics.
 *
 * Thread: any; updates take no lock.
 */
#ifndef RL_API_API_METRICS_H
#define RL_API_API_METRICS_H

#include "lib/base/error.h"
#include "lib/base/metrics.h"
#include "services/api/client_lanes.h"

typedef enum {
    RL_ROUTE_SUBMIT,
    RL_ROUTE_BATCH,
    RL_ROUTE_RESULT,
    RL_ROUTE_RESULTS,
    RL_ROUTE_CANCEL,
    RL_ROUTE_DELETE,
    RL_ROUTE_LANGUAGES,
    RL_ROUTE_HEALTHZ,
    RL_ROUTE_READYZ,
    RL_ROUTE_METRICS,
    RL_ROUTE_OPENAPI,
    RL_ROUTE_DOCS,
    RL_ROUTE_NONE, /* no such route, or no request that could be read */
    RL_ROUTE_COUNT,
} rl_route_id;

/* What became of the question whether a submission may be queued. */
typedef enum {
    RL_ADMISSION_OPEN,
    RL_ADMISSION_WAIT,
    RL_ADMISSION_ABSENT,
    RL_ADMISSION_KAFKA,
    RL_ADMISSION_RESULTS,
    RL_ADMISSION_STOPPING,
    RL_ADMISSION_DECISIONS,
} rl_admission_decision;

#define RL_METRICS_STATUSES 17

typedef struct {
    rl_metrics *registry;
    rl_metric *requests[RL_ROUTE_COUNT][RL_METRICS_STATUSES + 1]; /* the last: any other status */
    rl_metric *connections, *connection_threads;
    rl_metric *submit_duration;                  /* from the request's head to its answer */
    rl_metric *produce_duration;                 /* from sending a record to its delivery report */
    rl_metric *request_duration[RL_ROUTE_COUNT]; /* from the head to the answer, waiting included */
    rl_metric *publish_failures[RL_ERROR_CLASSES];
    rl_metric *cancel_failures[RL_ERROR_CLASSES];
    rl_metric *delete_failures[RL_ERROR_CLASSES];
    rl_metric *lookup_failures[RL_ERROR_CLASSES];
    rl_metric *admission[RL_ADMISSION_DECISIONS]
                        [RL_CLIENT_LANES + 1]; /* the last: decided before the lane was known */
    rl_metric *admission_wait[RL_CLIENT_LANES], *admission_rate[RL_CLIENT_LANES];
    rl_metric *runner_backlog[RL_CLIENT_LANES], *runner_members;
    rl_metric *unmeasured; /* times that those could not be asked for */
    rl_metric *result_tail, *result_store, *result_pending, *result_expired, *result_unknown;
    rl_metric *store_errors;
    rl_metric *waiters;
    rl_metric *parked, *parked_capacity, *parked_answer_bytes;
    rl_metric *waits_refused;
    rl_metric *tail_lag, *sink_lag;
    rl_metric *tail_delay; /* from a result's timestamp until it has been read here */
    rl_metric *tail_read, *tail_deleted, *tail_undecodable;
    rl_metric *cache_entries, *cache_bytes, *cache_uncommitted, *cache_stripped, *cache_evicted;
    rl_metric *body_memory;
    rl_metric *produce_queue; /* records not reported on */
    rl_metric *client_gone;
    rl_metric *clients_cut;
} rl_api_metrics;

/* NULL and TRANSIENT when memory is short. */
rl_api_metrics *rl_api_metrics_new(rl_error *err);
void rl_api_metrics_free(rl_api_metrics *metrics);

/* A request was answered with `status`, `took_us` after its head had come. */
void rl_api_metrics_request(rl_api_metrics *metrics, rl_route_id route, int status, int64_t took_us);

RL_DEFINE_CLEANUP(rl_api_metrics_slot, rl_api_metrics, rl_api_metrics_free)
#define RL_AUTO_API_METRICS RL_CLEANUP(rl_api_metrics_slot)

#endif
