#include "lib/base/metrics.h"

#include <stdint.h>

#include "tests/support/suite.h"

START_TEST(counters_and_gauges_render_with_their_labels) {
    rl_metrics *metrics = rl_metrics_new();
    rl_metric_add(rl_metrics_counter(metrics, "jobs_total", "verdict=\"OK\"", "Jobs."), 3);
    rl_metric_add(rl_metrics_counter(metrics, "jobs_total", "verdict=\"BAD\"", "Jobs."), 1);
    rl_metric_set(rl_metrics_gauge(metrics, "busy", NULL, "Busy."), -2);
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, SIZE_MAX);
    ck_assert(rl_metrics_render(metrics, &out));
    ck_assert_ptr_nonnull(strstr(out.data, "# HELP jobs_total Jobs.\n# TYPE jobs_total counter\n"
                                           "jobs_total{verdict=\"OK\"} 3\njobs_total{verdict=\"BAD\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "busy -2\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "process_resident_memory_bytes "));
    rl_metrics_free(metrics);
}
END_TEST

START_TEST(histogram_buckets_are_cumulative_and_in_seconds) {
    rl_metrics *metrics = rl_metrics_new();
    rl_metric *stage = rl_metrics_histogram(metrics, "stage_seconds", "stage=\"run\"", "Stage.");
    rl_metric_observe_us(stage, 1500);
    rl_metric_observe_us(stage, 3000000);
    rl_metric_observe_us(stage, INT64_C(3600000000));
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, SIZE_MAX);
    ck_assert(rl_metrics_render(metrics, &out));
    ck_assert_ptr_nonnull(strstr(out.data, "stage_seconds_bucket{stage=\"run\",le=\"0.001\"} 0\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "stage_seconds_bucket{stage=\"run\",le=\"0.002\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "stage_seconds_bucket{stage=\"run\",le=\"5\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "stage_seconds_bucket{stage=\"run\",le=\"+Inf\"} 3\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "stage_seconds_sum{stage=\"run\"} 3603.001500\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "stage_seconds_count{stage=\"run\"} 3\n"));
    rl_metrics_free(metrics);
}
END_TEST

START_TEST(asking_again_gives_the_same_metric) {
    rl_metrics *metrics = rl_metrics_new();
    rl_metric *first = rl_metrics_counter(metrics, "n", NULL, "N.");
    ck_assert_ptr_eq(first, rl_metrics_counter(metrics, "n", NULL, "N."));
    rl_metrics_free(metrics);
}
END_TEST

START_TEST(failures_are_counted_by_their_class) {
    rl_metrics *metrics = rl_metrics_new();
    rl_metric *errors[RL_ERROR_CLASSES], *plain[RL_ERROR_CLASSES];
    rl_metrics_counters_by_class(metrics, "errors_total", "stage=\"emit\"", "Errors.", errors);
    rl_metrics_counters_by_class(metrics, "plain_total", NULL, "Plain.", plain);
    rl_metric_add(errors[RL_TRANSIENT], 2);
    rl_metric_add(plain[RL_FATAL], 1);
    rl_metric_add(errors[RL_OK], 5); /* no error, no counter */
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, SIZE_MAX);
    ck_assert(rl_metrics_render(metrics, &out));
    ck_assert_ptr_nonnull(strstr(out.data, "errors_total{stage=\"emit\",class=\"INVALID\"} 0\n"
                                           "errors_total{stage=\"emit\",class=\"TRANSIENT\"} 2\n"
                                           "errors_total{stage=\"emit\",class=\"FATAL\"} 0\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "plain_total{class=\"FATAL\"} 1\n"));
    ck_assert_ptr_null(strstr(out.data, "OK"));
    rl_metrics_free(metrics);
}
END_TEST

START_TEST(a_metric_that_could_not_be_made_is_harmless) {
    rl_metric_add(NULL, 1);
    rl_metric_set(NULL, 1);
    rl_metric_observe_us(NULL, 1);
    ck_assert_int_eq(rl_metric_value(NULL), 0);
}
END_TEST

RL_SUITE("base/metrics", counters_and_gauges_render_with_their_labels,
         histogram_buckets_are_cumulative_and_in_seconds, asking_again_gives_the_same_metric,
         failures_are_counted_by_their_class, a_metric_that_could_not_be_made_is_harmless)
