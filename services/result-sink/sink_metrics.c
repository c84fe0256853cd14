/* sink_metrics.c: names and help. */
#include "services/result-sink/sink_metrics.h"

void rl_sink_metrics_make(rl_metrics *registry, rl_sink_metrics *m) {
    m->records =
        rl_metrics_counter(registry, "runlog_sink_records_total", NULL, "Records read from results.");
    m->applied =
        rl_metrics_counter(registry, "runlog_sink_applied_total", NULL, "Documents inserted or replaced.");
    m->stale = rl_metrics_counter(registry, "runlog_sink_stale_total", NULL,
                                  "Records that a document of the same or a higher generation turned away.");
    m->deleted = rl_metrics_counter(registry, "runlog_sink_deleted_total", NULL,
                                    "Deletions whose tombstone MongoDB has, stored just now or before.");
    m->superseded = rl_metrics_counter(registry, "runlog_sink_superseded_total", NULL,
                                       "Records that another record of the same batch won over.");
    m->expired = rl_metrics_counter(registry, "runlog_sink_expired_total", NULL,
                                    "Records past their retention, not written.");
    m->held = rl_metrics_counter(registry, "runlog_sink_held_total", NULL,
                                 "Results of replays stored to wait for a decision.");
    m->promoted = rl_metrics_counter(registry, "runlog_sink_held_promoted_total", NULL,
                                     "Held results that became the visible ones.");
    m->withdrawn =
        rl_metrics_counter(registry, "runlog_sink_held_withdrawn_total", NULL,
                           "Held results removed: discarded, outdone by another, or of deleted submissions.");
    m->held_refused =
        rl_metrics_counter(registry, "runlog_sink_held_refused_total", NULL,
                           "Held results that MongoDB does not take as visible ones; they stay held.");
    m->decisions = rl_metrics_counter(registry, "runlog_sink_decisions_total", NULL,
                                      "Decisions about replays carried out.");
    m->unexecuted =
        rl_metrics_counter(registry, "runlog_sink_unexecuted_total", NULL,
                           "Replays of a submission that could not be executed; they replace nothing.");
    m->dead_letters = rl_metrics_counter(registry, "runlog_sink_dead_letters_total", NULL,
                                         "Records set aside on the dead-letter topic, acknowledged.");
    m->batches = rl_metrics_counter(registry, "runlog_sink_batches_total", NULL, "Batches finished.");
    m->batch_records =
        rl_metrics_gauge(registry, "runlog_sink_batch_records", NULL, "Records of the latest batch.");
    m->write_time = rl_metrics_histogram(registry, "runlog_sink_write_seconds", NULL,
                                         "Time of a batch's bulk write, failed ones included.");
    m->batch_time = rl_metrics_histogram(registry, "runlog_sink_batch_seconds", NULL,
                                         "From having gathered a batch until all of it was dealt with.");
    m->delay = rl_metrics_histogram(registry, "runlog_sink_delay_seconds", NULL,
                                    "From the timestamp of a result's record until it was dealt with.");
    rl_metrics_counters_by_class(registry, "runlog_sink_failed_attempts_total", NULL,
                                 "Attempts to finish a batch that failed, by class of error.", m->failures);
    m->suspects = rl_metrics_gauge(registry, "runlog_sink_suspects", NULL,
                                   "Results in hand that are written alone, to find out who is to blame.");
    m->holding = rl_metrics_gauge(registry, "runlog_sink_holding", NULL,
                                  "1 while a batch is held because MongoDB or Kafka does not take it.");
    m->commits = rl_metrics_counter(registry, "runlog_sink_commits_total", NULL, "Offset commits confirmed.");
    m->commit_failures = rl_metrics_counter(registry, "runlog_sink_commit_failures_total", NULL,
                                            "Offset commits that failed.");
    m->lost = rl_metrics_counter(registry, "runlog_sink_lost_partitions_total", NULL,
                                 "Partitions that went without having been given back.");
    m->lag = rl_metrics_gauge(registry, "runlog_sink_lag_records", NULL,
                              "Records on the assigned partitions that are not dealt with yet.");
    m->partitions =
        rl_metrics_gauge(registry, "runlog_sink_partitions", NULL, "Partitions assigned to this member.");
}

static void catch_up(rl_metric *metric, int64_t value) {
    rl_metric_add(metric, value - rl_metric_value(metric));
}

void rl_sink_metrics_written(rl_sink_metrics *m, const rl_writer_counts *counts) {
    catch_up(m->applied, counts->applied);
    catch_up(m->stale, counts->stale);
    catch_up(m->deleted, counts->deleted);
    catch_up(m->expired, counts->expired);
    catch_up(m->held, counts->held);
    catch_up(m->promoted, counts->promoted);
    catch_up(m->withdrawn, counts->withdrawn);
    catch_up(m->held_refused, counts->refused);
    catch_up(m->decisions, counts->decisions);
    catch_up(m->unexecuted, counts->unexecuted);
}

void rl_sink_metrics_intake(rl_sink_metrics *m, const rl_intake_figures *figures) {
    catch_up(m->commits, figures->commits);
    catch_up(m->commit_failures, figures->commit_failures);
    catch_up(m->lost, figures->lost);
    rl_metric_set(m->lag, figures->lag);
    rl_metric_set(m->partitions, figures->partitions);
}
