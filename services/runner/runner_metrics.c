/* runner_metrics.c: the names. */
#include "services/runner/runner_metrics.h"

#include <stdio.h>

static void init_finished(rl_runner_metrics *m, rl_metrics *registry) {
    for (int verdict = 0; verdict < RL_VERDICT_COUNT; verdict++) {
        char labels[64];
        snprintf(labels, sizeof labels, "verdict=\"%s\"", rl_verdict_name((rl_verdict)verdict));
        m->finished[verdict] = rl_metrics_counter(registry, "runlog_runner_finished_total", labels,
                                                  "Submissions whose result is on the log, by verdict.");
    }
}

static void init_stages(rl_runner_metrics *m, rl_metrics *registry) {
    static const char name[] = "runlog_runner_stage_seconds";
    static const char help[] = "How long a submission spent in a stage; queue includes fetch and dispatch.";
    m->queue_wait = rl_metrics_histogram(registry, name, "stage=\"queue\"", help);
    m->fetch = rl_metrics_histogram(registry, name, "stage=\"fetch\"", help);
    m->dispatch = rl_metrics_histogram(registry, name, "stage=\"dispatch\"", help);
    m->sandbox = rl_metrics_histogram(registry, name, "stage=\"sandbox\"", help);
    m->emit = rl_metrics_histogram(registry, name, "stage=\"emit\"", help);
}

static void init_errors(rl_runner_metrics *m, rl_metrics *registry) {
    static const char name[] = "runlog_runner_errors_total";
    static const char help[] = "Failures that are no program's fault, by stage and class.";
    rl_metrics_counters_by_class(registry, name, "stage=\"consume\"", help, m->consume_errors);
    rl_metrics_counters_by_class(registry, name, "stage=\"execute\"", help, m->execute_errors);
    rl_metrics_counters_by_class(registry, name, "stage=\"emit\"", help, m->emit_errors);
}

static void init_cancels(rl_runner_metrics *m, rl_metrics *registry) {
    m->cancels = rl_metrics_counter(registry, "runlog_runner_cancels_total", NULL,
                                    "Requests to cancel read, those from before the start included.");
    m->cancels_forgotten = rl_metrics_counter(registry, "runlog_runner_cancels_forgotten_total", NULL,
                                              "Requests to cancel given up for want of room: what they are "
                                              "about is executed if it is queued still.");
    m->cancelled_ids = rl_metrics_gauge(registry, "runlog_runner_cancelled_ids", NULL,
                                        "Submissions remembered as cancelled.");
    m->cancelled_replays = rl_metrics_gauge(registry, "runlog_runner_cancelled_replays", NULL,
                                            "Replays remembered as cancelled.");
    m->replays_dropped =
        rl_metrics_counter(registry, "runlog_runner_replays_dropped_total", NULL,
                           "Submissions of cancelled replays that were not executed, or stopped.");
}

void rl_runner_metrics_init(rl_runner_metrics *m, rl_metrics *registry) {
    m->slots = rl_metrics_gauge(registry, "runlog_runner_slots", NULL, "Containers that may run at once.");
    m->slots_busy = rl_metrics_gauge(registry, "runlog_runner_slots_busy", NULL, "Slots at work.");
    m->partitions = rl_metrics_gauge(registry, "runlog_runner_partitions", NULL, "Partitions assigned.");
    m->window_records = rl_metrics_gauge(registry, "runlog_runner_window_records", NULL,
                                         "Records between watermark and last one taken, all partitions.");
    m->window_largest = rl_metrics_gauge(registry, "runlog_runner_window_largest", NULL,
                                         "Records in the fullest window of a partition.");
    m->tasks = rl_metrics_gauge(registry, "runlog_runner_tasks", NULL, "Submissions held by this runner.");
    m->parked = rl_metrics_gauge(registry, "runlog_runner_parked", NULL,
                                 "Submissions waiting for another try (Docker, an image or Kafka is away).");
    m->produce_queue = rl_metrics_gauge(registry, "runlog_runner_produce_queue_records", NULL,
                                        "Records handed to the producer and not reported on.");
    m->consumed =
        rl_metrics_counter(registry, "runlog_runner_consumed_total", NULL, "Records taken from the log.");
    init_finished(m, registry);
    m->dead_letters = rl_metrics_counter(registry, "runlog_runner_dead_letters_total", NULL,
                                         "Records that could not be read and were set aside.");
    m->repeated = rl_metrics_counter(registry, "runlog_runner_repeated_total", NULL,
                                     "Executions and emissions that had to be tried again.");
    m->abandoned = rl_metrics_counter(registry, "runlog_runner_abandoned_total", NULL,
                                      "Submissions handed back unfinished, for another runner.");
    m->tried_alone = rl_metrics_counter(
        registry, "runlog_runner_tried_alone_total", NULL,
        "Submissions executed alone, because they were under way at two losses of a runner.");
    m->tried_again =
        rl_metrics_counter(registry, "runlog_runner_tried_again_total", NULL,
                           "Submissions executed again, because they were leased when a runner was lost.");
    m->condemned = rl_metrics_counter(registry, "runlog_runner_condemned_total", NULL,
                                      "Submissions not executed any more, because runners were lost by it.");
    m->commits = rl_metrics_counter(registry, "runlog_runner_commits_total", NULL, "Offset commits.");
    m->commit_failures = rl_metrics_counter(registry, "runlog_runner_commit_failures_total", NULL,
                                            "Offset commits that the coordinator refused.");
    m->rebalances = rl_metrics_counter(registry, "runlog_runner_rebalances_total", NULL,
                                       "Assignments and revocations of partitions.");
    init_cancels(m, registry);
    init_errors(m, registry);
    init_stages(m, registry);
}
