/* sink_watch.c: see sink_watch.h.
 *
 * The ends are published one beat after they were asked for: by then whoever keeps up has read that far,
 * so that a reader is not called late for what has only just arrived.
 *
 * Everything that others read is an atomic; `partitions` is set before the thread starts.
 */
#include "services/api/sink_watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/stopper.h"
#include "lib/stream/topics.h"
#include "services/api/log_offsets.h"

#define ASK_TIMEOUT_MS 3000
#define WATCH_US RL_US_PER_S
/* A broker that is gone is noticed at once (brokers_down); this is for one that hangs. Well above what a
 * busy host can delay an answer by. */
#define SILENCE_US (10 * RL_US_PER_S)

struct rl_sink_watch {
    rd_kafka_t *client;
    rl_result_cache *cache;
    int32_t partitions;
    _Atomic int64_t committed[RL_TOPIC_MAX_PARTITIONS];
    _Atomic int64_t ends[RL_TOPIC_MAX_PARTITIONS];
    _Atomic int64_t ends_us; /* monotonic: when `ends` were true */
    int64_t newer_ends[RL_TOPIC_MAX_PARTITIONS];
    int64_t newer_ends_us; /* 0: not known. Both are the thread's own */
    _Atomic bool brokers_down;
    _Atomic int64_t answered_us; /* monotonic: when the broker last answered; 0: never */
    rl_stopper stopper;
    pthread_t thread;
    bool running;
};

rl_sink_watch *rl_sink_watch_new(rd_kafka_t *client, rl_result_cache *cache, rl_error *err) {
    rl_sink_watch *watch = calloc(1, sizeof(*watch));
    if (!watch) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    watch->client = client;
    watch->cache = cache;
    rl_stopper_init(&watch->stopper);
    return watch;
}

void rl_sink_watch_stop(rl_sink_watch *watch) {
    if (watch->running) {
        rl_stopper_stop(&watch->stopper);
        pthread_join(watch->thread, NULL);
        watch->running = false;
    }
}

void rl_sink_watch_free(rl_sink_watch *watch) {
    if (watch) {
        rl_sink_watch_stop(watch);
        rl_stopper_destroy(&watch->stopper);
        free(watch);
    }
}

bool rl_sink_watch_ask(rl_sink_watch *watch, rd_kafka_topic_partition_list_t *list, rl_error *err) {
    rd_kafka_resp_err_t code = rd_kafka_committed(watch->client, list, ASK_TIMEOUT_MS);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        code = list->elems[i].err;
    }
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || rl_stream_error(err, code, "cannot read the sink's offsets");
}

static void answered(rl_sink_watch *watch) {
    atomic_store(&watch->brokers_down, false);
    atomic_store(&watch->answered_us, rl_clock_us());
}

static void take_committed(rl_sink_watch *watch, int32_t partition, int64_t offset) {
    if (offset >= 0 && offset != atomic_load(&watch->committed[partition])) {
        atomic_store(&watch->committed[partition], offset);
        rl_result_cache_committed(watch->cache, partition, offset);
    }
}

static void ask_committed(rl_sink_watch *watch) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(watch->partitions);
    rd_kafka_topic_partition_list_add_range(list, RL_TOPIC_RESULTS, 0, watch->partitions - 1);
    if (rl_sink_watch_ask(watch, list, NULL)) {
        answered(watch);
        for (int i = 0; i < list->cnt; i++) {
            take_committed(watch, list->elems[i].partition, list->elems[i].offset);
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
}

static void publish_ends(rl_sink_watch *watch) {
    if (watch->newer_ends_us > 0) {
        for (int32_t i = 0; i < watch->partitions; i++) {
            atomic_store(&watch->ends[i], watch->newer_ends[i]);
        }
        atomic_store(&watch->ends_us, watch->newer_ends_us);
    }
}

static void ask_ends(rl_sink_watch *watch) {
    const int64_t now_us = rl_clock_us();
    const bool known = rl_log_ends(watch->client, RL_TOPIC_RESULTS, watch->partitions, ASK_TIMEOUT_MS,
                                   watch->newer_ends, NULL);
    watch->newer_ends_us = known ? now_us : 0;
}

static void *watch_sink(void *context) {
    rl_sink_watch *watch = context;
    do {
        publish_ends(watch);
        ask_committed(watch);
        ask_ends(watch);
    } while (rl_stopper_pause_us(&watch->stopper, WATCH_US));
    return NULL;
}

void rl_sink_watch_begin(rl_sink_watch *watch, int32_t partition, int64_t committed, int64_t end) {
    atomic_store(&watch->committed[partition], RD_KAFKA_OFFSET_INVALID);
    take_committed(watch, partition, committed);
    atomic_store(&watch->ends[partition], end);
}

bool rl_sink_watch_start(rl_sink_watch *watch, int32_t partitions, rl_error *err) {
    watch->partitions = partitions;
    atomic_store(&watch->ends_us, rl_clock_us());
    answered(watch);
    const int failed = pthread_create(&watch->thread, NULL, watch_sink, watch);
    watch->running = failed == 0;
    return watch->running ||
           rl_error_set_errno(err, RL_TRANSIENT, failed, "cannot start the watch over the sink");
}

int64_t rl_sink_watch_committed(const rl_sink_watch *watch, int32_t partition) {
    return atomic_load(&watch->committed[partition]);
}

int64_t rl_sink_watch_end(const rl_sink_watch *watch, int32_t partition) {
    return atomic_load(&watch->ends[partition]);
}

bool rl_sink_watch_ends_known(const rl_sink_watch *watch) {
    return rl_clock_us() - atomic_load(&watch->ends_us) < SILENCE_US;
}

bool rl_sink_watch_connected(const rl_sink_watch *watch) {
    const int64_t silent_us = rl_clock_us() - atomic_load(&watch->answered_us);
    return !atomic_load(&watch->brokers_down) && silent_us < SILENCE_US;
}

void rl_sink_watch_brokers_down(rl_sink_watch *watch) {
    atomic_store(&watch->brokers_down, true);
}
