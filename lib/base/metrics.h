/* metrics.h: counters, gauges and histograms, rendered in the Prometheus text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * Metrics are created at start, owned by the registry and updated by any thread without a lock
 * (C11 atomics). One metric with labels is several objects: create one per label value.
 *
 *     rl_metric *done = rl_metrics_counter(metrics, "runlog_runner_finished_total", "verdict=\"OK\"", "...");
 *     rl_metric_add(done, 1);
 */
#ifndef RL_BASE_METRICS_H
#define RL_BASE_METRICS_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

typedef struct rl_metrics rl_metrics;
typedef struct rl_metric rl_metric;

rl_metrics *rl_metrics_new(void);
void rl_metrics_free(rl_metrics *metrics);

/* `name`, `help` and `labels` are borrowed for ever (literals) or copied: they are copied. `labels` is
 * what stands between the braces, or NULL. Metrics of one name must be created one after the other with
 * the same help. Returns a metric owned by the registry; NULL only when memory is short, which every
 * update function accepts. Asking again for the same name and labels returns the same metric. */
rl_metric *rl_metrics_counter(rl_metrics *metrics, const char *name, const char *labels, const char *help);
rl_metric *rl_metrics_gauge(rl_metrics *metrics, const char *name, const char *labels, const char *help);

/* Durations; buckets from 0.5 ms to 60 s, rendered in seconds as Prometheus wants. */
rl_metric *rl_metrics_histogram(rl_metrics *metrics, const char *name, const char *labels, const char *help);

/* A counter for each class of error, ret[RL_INVALID] and so on; `labels` (may be NULL) stand before the class. */
void rl_metrics_counters_by_class(rl_metrics *metrics, const char *name, const char *labels, const char *help,
                                  rl_metric *ret[RL_ERROR_CLASSES]);

void rl_metric_add(rl_metric *metric, int64_t amount);    /* counter, gauge */
void rl_metric_set(rl_metric *metric, int64_t value);     /* gauge; a counter that somebody else keeps */
void rl_metric_observe_us(rl_metric *metric, int64_t us); /* histogram */
int64_t rl_metric_value(const rl_metric *metric);         /* counter, gauge; a histogram's count */

/* Appends the whole registry as text, and the process's own figures (resident memory, descriptors,
 * threads, CPU). false when memory is short. */
bool rl_metrics_render(rl_metrics *metrics, rl_buffer *out);

#endif
