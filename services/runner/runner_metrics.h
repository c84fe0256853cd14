/* runner_metrics.h: what a runner counts. Names and meanings: docs/operations.md.
 *
 * Thread: created at start; any thread updates.
 */
#ifndef RL_RUNNER_RUNNER_METRICS_H
#define RL_RUNNER_RUNNER_METRICS_H

#include "lib/base/metrics.h"
#include "lib/codec/verdict.h"

typedef struct {
    rl_metric *slots;
    rl_metric *slots_busy;
    rl_metric *partitions;
    rl_metric *window_records; /* taken and not yet committed, all partitions together */
    rl_metric *window_largest; /* the same of the fullest partition */
    rl_metric *tasks;          /* held by the runner, wherever they are */
    rl_metric *parked;         /* of these, waiting for another try */
    rl_metric *produce_queue;  /* records not reported on */
    rl_metric *consumed;
    rl_metric *finished[RL_VERDICT_COUNT];
    rl_metric *dead_letters;
    rl_metric *repeated; /* executions or emissions that were tried again */
    rl_metric *abandoned;
    rl_metric *tried_again; /* suspects beside others */
    rl_metric *tried_alone; /* attempts of suspects */
    rl_metric *condemned;
    rl_metric *cancels; /* read from controls */
    rl_metric *cancels_forgotten;
    rl_metric *cancelled_ids; /* remembered */
    rl_metric *cancelled_replays;
    rl_metric *replays_dropped; /* records of these */
    rl_metric *commits;
    rl_metric *commit_failures;
    rl_metric *rebalances;
    rl_metric *execute_errors[RL_ERROR_CLASSES]; /* executions that came to no verdict */
    rl_metric *emit_errors[RL_ERROR_CLASSES];    /* records that were not acknowledged */
    rl_metric *consume_errors[RL_ERROR_CLASSES]; /* what the consumer reports */
    rl_metric *queue_wait;                       /* accepted by the API until taken by a slot */
    rl_metric *fetch;                            /* of that, from the record's timestamp until it is taken */
    rl_metric *dispatch;                         /* and from there until a slot begins */
    rl_metric *sandbox;                          /* of a slot */
    rl_metric *emit;                             /* decided until acknowledged */
} rl_runner_metrics;

void rl_runner_metrics_init(rl_runner_metrics *ret, rl_metrics *registry);

#endif
