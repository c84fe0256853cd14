#include "lib/base/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>

#include "lib/base/clock.h"

/* Upper bounds of the histogram's buckets in microseconds; the last bucket is +Inf. */
static const int64_t bounds_us[] = {500,    1000,   2000,   4000,    8000,    16000,   32000,    64000,
                                    125000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 60000000};
enum { BUCKETS = sizeof bounds_us / sizeof *bounds_us };

typedef enum { COUNTER, GAUGE, HISTOGRAM } metric_kind;

struct rl_metric {
    struct rl_metric *next;
    metric_kind kind;
    char *name, *labels, *help;
    _Atomic int64_t value; /* counter, gauge; a histogram's sum in microseconds */
    _Atomic int64_t buckets[BUCKETS + 1];
};

struct rl_metrics {
    pthread_mutex_t lock; /* guards the list; values are atomics of their own */
    rl_metric *first;
    rl_metric **last;
};

rl_metrics *rl_metrics_new(void) {
    rl_metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics) {
        pthread_mutex_init(&metrics->lock, NULL);
        metrics->last = &metrics->first;
    }
    return metrics;
}

static void metric_free(rl_metric *metric) {
    free(metric->name);
    free(metric->labels);
    free(metric->help);
    free(metric);
}

RL_DEFINE_CLEANUP(metric_slot, rl_metric, metric_free)

void rl_metrics_free(rl_metrics *metrics) {
    if (!metrics) {
        return;
    }
    for (rl_metric *m = metrics->first; m;) {
        rl_metric *next = m->next;
        metric_free(m);
        m = next;
    }
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

static rl_metric *metric_new(metric_kind kind, const char *name, const char *labels, const char *help) {
    RL_CLEANUP(metric_slot) rl_metric *metric = calloc(1, sizeof *metric);
    if (!metric) {
        return NULL;
    }
    metric->kind = kind;
    metric->name = strdup(name);
    metric->labels = strdup(labels ? labels : "");
    metric->help = strdup(help);
    if (!metric->name || !metric->labels || !metric->help) {
        return NULL;
    }
    return RL_STEAL(metric);
}

static rl_metric *find_or_add(rl_metrics *metrics, metric_kind kind, const char *name, const char *labels,
                              const char *help) {
    pthread_mutex_lock(&metrics->lock);
    rl_metric *metric = metrics->first;
    while (metric && (strcmp(metric->name, name) != 0 || strcmp(metric->labels, labels ? labels : "") != 0)) {
        metric = metric->next;
    }
    if (!metric) {
        metric = metric_new(kind, name, labels, help);
        if (metric) {
            *metrics->last = metric;
            metrics->last = &metric->next;
        }
    }
    pthread_mutex_unlock(&metrics->lock);
    return metric;
}

rl_metric *rl_metrics_counter(rl_metrics *metrics, const char *name, const char *labels, const char *help) {
    return find_or_add(metrics, COUNTER, name, labels, help);
}

rl_metric *rl_metrics_gauge(rl_metrics *metrics, const char *name, const char *labels, const char *help) {
    return find_or_add(metrics, GAUGE, name, labels, help);
}

rl_metric *rl_metrics_histogram(rl_metrics *metrics, const char *name, const char *labels, const char *help) {
    return find_or_add(metrics, HISTOGRAM, name, labels, help);
}

void rl_metrics_counters_by_class(rl_metrics *metrics, const char *name, const char *labels, const char *help,
                                  rl_metric *ret[RL_ERROR_CLASSES]) {
    ret[RL_OK] = NULL;
    for (int i = RL_INVALID; i < RL_ERROR_CLASSES; i++) {
        char all[128];
        (void)snprintf(all, sizeof all, "%s%sclass=\"%s\"", labels ? labels : "", labels ? "," : "",
                       rl_error_class_name((rl_error_class)i));
        ret[i] = rl_metrics_counter(metrics, name, all, help);
    }
}

void rl_metric_add(rl_metric *metric, int64_t amount) {
    if (metric) {
        atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
    }
}

void rl_metric_set(rl_metric *metric, int64_t value) {
    if (metric) {
        atomic_store_explicit(&metric->value, value, memory_order_relaxed);
    }
}

void rl_metric_observe_us(rl_metric *metric, int64_t us) {
    if (!metric) {
        return;
    }
    size_t bucket = 0;
    while (bucket < BUCKETS && us > bounds_us[bucket]) {
        bucket++;
    }
    atomic_fetch_add_explicit(&metric->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->value, us, memory_order_relaxed);
}

int64_t rl_metric_value(const rl_metric *metric) {
    if (!metric) {
        return 0;
    }
    if (metric->kind != HISTOGRAM) {
        return atomic_load_explicit(&metric->value, memory_order_relaxed);
    }
    int64_t count = 0;
    for (size_t i = 0; i <= BUCKETS; i++) {
        count += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
    }
    return count;
}

static bool render_histogram(const rl_metric *m, rl_buffer *out) {
    const char *comma = *m->labels ? "," : "";
    int64_t count = 0;
    bool fine = true;
    for (size_t i = 0; i <= BUCKETS; i++) {
        char bound[32] = "+Inf";
        if (i < BUCKETS) {
            (void)snprintf(bound, sizeof bound, "%g", (double)bounds_us[i] / 1e6);
        }
        count += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
        fine = rl_buffer_printf(out, "%s_bucket{%s%sle=\"%s\"} %" PRId64 "\n", m->name, m->labels, comma,
                                bound, count) &&
               fine;
    }
    const char *open = *m->labels ? "{" : "", *close = *m->labels ? "}" : "";
    double sum = (double)atomic_load_explicit(&m->value, memory_order_relaxed) / 1e6;
    return rl_buffer_printf(out, "%s_sum%s%s%s %.6f\n%s_count%s%s%s %" PRId64 "\n", m->name, open, m->labels,
                            close, sum, m->name, open, m->labels, close, count) &&
           fine;
}

static bool render_one(const rl_metric *m, const rl_metric *previous, rl_buffer *out) {
    static const char *const types[] = {"counter", "gauge", "histogram"};
    if (!previous || strcmp(previous->name, m->name) != 0) {
        if (!rl_buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
                              types[m->kind])) {
            return false;
        }
    }
    if (m->kind == HISTOGRAM) {
        return render_histogram(m, out);
    }
    if (*m->labels) {
        return rl_buffer_printf(out, "%s{%s} %" PRId64 "\n", m->name, m->labels, rl_metric_value(m));
    }
    return rl_buffer_printf(out, "%s %" PRId64 "\n", m->name, rl_metric_value(m));
}

static int64_t status_field(const char *field) {
    FILE *status = fopen("/proc/self/status", "re");
    int64_t value = 0;
    if (status) {
        char line[256];
        while (fgets(line, sizeof line, status)) {
            if (strncmp(line, field, strlen(field)) == 0) {
                value = strtoll(line + strlen(field), NULL, 10);
                break;
            }
        }
        (void)fclose(status); /* opened for reading: nothing can be lost */
    }
    return value;
}

static int64_t open_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    int64_t count = 0;
    if (directory) {
        while (readdir(directory)) {
            count++;
        }
        closedir(directory);
        count -= 3; /* ".", ".." and the directory itself */
    }
    return count;
}

static bool render_process(rl_buffer *out) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage); /* cannot fail for RUSAGE_SELF */
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    return rl_buffer_printf(
        out,
        "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %" PRId64
        "\n# TYPE process_open_fds gauge\nprocess_open_fds %" PRId64
        "\n# TYPE process_threads gauge\nprocess_threads %" PRId64
        "\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.6f\n",
        status_field("VmRSS:") * 1024, open_descriptors(), status_field("Threads:"), cpu);
}

bool rl_metrics_render(rl_metrics *metrics, rl_buffer *out) {
    bool fine = true;
    const rl_metric *previous = NULL;
    pthread_mutex_lock(&metrics->lock);
    for (const rl_metric *m = metrics->first; m && fine; m = m->next) {
        fine = render_one(m, previous, out);
        previous = m;
    }
    pthread_mutex_unlock(&metrics->lock);
    return fine && render_process(out);
}
