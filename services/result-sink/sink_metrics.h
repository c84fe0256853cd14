/* sink_metrics.h: what the sink counts. All are NULL-safe to update; owned by the registry. */
#ifndef RL_SINK_METRICS_H
#define RL_SINK_METRICS_H

#include "lib/base/metrics.h"
#include "lib/sink/writer.h"
#include "services/result-sink/intake.h"

typedef struct {
    rl_metric *records, *applied, *stale, *deleted, *superseded, *expired, *dead_letters;
    rl_metric *held, *promoted, *withdrawn, *held_refused, *decisions, *unexecuted;
    rl_metric *batches, *batch_records, *batch_time, *write_time, *delay, *suspects, *holding;
    rl_metric *failures[RL_ERROR_CLASSES]; /* of attempts */
    rl_metric *commits, *commit_failures, *lost, *lag, *partitions;
} rl_sink_metrics;

void rl_sink_metrics_make(rl_metrics *registry, rl_sink_metrics *ret);

/* Brings the counters of what was written up to date. */
void rl_sink_metrics_written(rl_sink_metrics *metrics, const rl_writer_counts *counts);

/* Brings the counters of the intake up to date. */
void rl_sink_metrics_intake(rl_sink_metrics *metrics, const rl_intake_figures *figures);

#endif
