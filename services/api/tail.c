/* tail.c: theory of operation.
 *
 * `read_log` starts by asking, again and again until it is told: how many partitions, where the sink is
 * in each, where each ends. Then it assigns itself all of them and handles one record after another until
 * it is stopped; librdkafka reconnects by itself.
 *
 * What a record means is tail_records.c's part, what the sink commits meanwhile sink_watch.c's, what is answered from all this
 * tail_lookup.c's.
 *
 * Ownership: `client` is made in rl_tail_new and used by several threads (librdkafka allows it).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/stream/message.h"
#include "lib/stream/topics.h"
#include "services/api/log_offsets.h"
#include "services/api/tail_parts.h"

#define ASK_TIMEOUT_MS 3000
#define POLL_MS 500
#define RETRY_MIN_US (RL_US_PER_S / 10)
#define RETRY_MAX_US RL_US_PER_S
/* Of the cache, for results that MongoDB has: some thousand small ones by default. */
#define COMMITTED_SHARE 32

static void note_problem(rl_tail *tail, const rl_error *problem) {
    pthread_mutex_lock(&tail->lock);
    tail->problem = *problem;
    pthread_mutex_unlock(&tail->lock);
}

/* --- starting --- */

static bool ask_partitions(rl_tail *tail, int32_t *ret, rl_error *err) {
    if (!rl_log_partitions(tail->client, RL_TOPIC_RESULTS, ASK_TIMEOUT_MS, ret, err)) {
        return false;
    }
    if (*ret < 1) { /* being made, or deleted */
        return rl_error_set(err, RL_TRANSIENT, 0, "topic %s has no partitions", RL_TOPIC_RESULTS);
    }
    if (*ret > RL_TOPIC_MAX_PARTITIONS) {
        return rl_error_set(err, RL_INVALID, 0, "topic %s has %d partitions, at most %d are supported",
                            RL_TOPIC_RESULTS, (int)*ret, RL_TOPIC_MAX_PARTITIONS);
    }
    return true;
}

/* The newest time that an id can have whose result was stored before now. Every such id has its submission
 * on the log, stamped by the clock of the host that issued it: that clock may be ahead of ours, or ours
 * have been set back. Asked after the sink's offsets. */
static bool ask_newest_id(rl_tail *tail, rl_error *err) {
    static const char *const lanes[] = {RL_TOPIC_SUBMISSIONS, RL_TOPIC_SUBMISSIONS_BATCH};
    int64_t newest_ms = rl_wall_clock_us() / RL_US_PER_MS;
    for (size_t i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++) {
        int32_t partitions = 0;
        int64_t ms = -1;
        if (!rl_log_partitions(tail->client, lanes[i], ASK_TIMEOUT_MS, &partitions, err) ||
            !rl_log_newest_ms(tail->client, lanes[i], partitions, ASK_TIMEOUT_MS, &ms, err)) {
            return false;
        }
        newest_ms = ms > newest_ms ? ms : newest_ms;
    }
    atomic_store(&tail->started_ms, newest_ms);
    return true;
}

/* Where to begin in one partition, and how far it is to the end. `entry` comes with the sink's offset and
 * gets the one to begin at. */
static bool locate(rl_tail *tail, rd_kafka_topic_partition_t *entry, rl_error *err) {
    int64_t low;
    int64_t high;
    const rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        tail->client, RL_TOPIC_RESULTS, entry->partition, &low, &high, ASK_TIMEOUT_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return rl_stream_error(err, code, "cannot read the end of topic " RL_TOPIC_RESULTS);
    }
    rl_tail_position *at = &tail->positions[entry->partition];
    rl_sink_watch_begin(tail->sink, entry->partition, entry->offset, high);
    entry->offset = entry->offset > low ? entry->offset : low;
    at->end = high;
    at->reached = entry->offset >= high;
    tail->left_to_reach += !at->reached;
    atomic_store(&at->next, entry->offset);
    return true;
}

static bool locate_all(rl_tail *tail, rd_kafka_topic_partition_list_t *list, rl_error *err) {
    tail->left_to_reach = 0;
    for (int i = 0; i < list->cnt; i++) {
        if (!locate(tail, &list->elems[i], err)) {
            return false;
        }
    }
    const rd_kafka_resp_err_t code = rd_kafka_assign(tail->client, list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || rl_stream_error(err, code, "cannot read " RL_TOPIC_RESULTS);
}

static bool start_once(rl_tail *tail, rl_error *err) {
    int32_t partitions = 0;
    if (!ask_partitions(tail, &partitions, err)) {
        return false;
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    rd_kafka_topic_partition_list_add_range(list, RL_TOPIC_RESULTS, 0, partitions - 1);
    const bool ok = rl_sink_watch_ask(tail->sink, list, err) && ask_newest_id(tail, err) &&
                    locate_all(tail, list, err) && rl_sink_watch_start(tail->sink, partitions, err);
    rd_kafka_topic_partition_list_destroy(list);
    if (ok) {
        atomic_store(&tail->partitions, partitions);
    }
    return ok;
}

/* Until it succeeds, or cannot, or is to stop: false. */
static bool start(rl_tail *tail) {
    rl_error problem = RL_ERROR_INIT;
    int64_t delay_us = RETRY_MIN_US;
    while (!start_once(tail, &problem)) {
        note_problem(tail, &problem);
        if (problem.error_class != RL_TRANSIENT) {
            atomic_store(&tail->failed, true);
            return false;
        }
        delay_us = rl_backoff_next_us(delay_us, RETRY_MIN_US, RETRY_MAX_US);
        if (!rl_stopper_pause_us(&tail->stopper, delay_us)) {
            return false;
        }
    }
    return true;
}

/* --- reading --- */

static void reach(rl_tail *tail, rl_tail_position *at) {
    if (!at->reached) {
        at->reached = true;
        tail->left_to_reach--;
    }
    if (tail->left_to_reach == 0 && !atomic_load(&tail->ready)) {
        atomic_store(&tail->ready, true);
        rl_log(tail->config.log, RL_LOG_INFO, "tail.ready", RL_I("read", atomic_load(&tail->read)));
    }
}

static void take(rl_tail *tail, const rd_kafka_message_t *message) {
    if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        rl_error err = RL_ERROR_INIT;
        rl_stream_error(&err, message->err, "cannot read " RL_TOPIC_RESULTS);
        rl_log_failure(tail->config.log, RL_LOG_WARN, "tail.failed", &err);
        return;
    }
    rl_tail_position *at = &tail->positions[message->partition];
    if (message->err) {
        atomic_store(&at->next, message->offset); /* the end: what was before it may have been deleted */
        reach(tail, at);
        return;
    }
    rl_tail_take_record(tail, message);
    atomic_fetch_add(&tail->read, 1);
    atomic_store(&at->next, message->offset + 1);
    if (!at->reached && message->offset + 1 >= at->end) {
        reach(tail, at);
    }
}

static void *read_log(void *context) {
    rl_tail *tail = context;
    if (!start(tail)) {
        return NULL;
    }
    if (tail->left_to_reach == 0) {
        reach(tail, &tail->positions[0]);
    }
    while (rl_stopper_pause_us(&tail->stopper, 0)) {
        RL_CLEANUP(rl_rd_message_slot)
        rd_kafka_message_t *message = rd_kafka_consumer_poll(tail->client, POLL_MS);
        if (message) {
            take(tail, message);
        }
    }
    return NULL;
}

/* --- life --- */

/* On whichever thread polls. */
static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque) {
    (void)client;
    (void)reason;
    rl_tail *tail = opaque;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        rl_sink_watch_brokers_down(tail->sink);
    }
}

static rd_kafka_conf_t *consumer_conf(rl_tail *tail, rl_error *err) {
    static const rl_stream_setting settings[] = {
        {"group.id", RL_GROUP_SINK},           {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"}, {"auto.offset.reset", "earliest"},
        {"enable.partition.eof", "true"},      {"queued.max.messages.kbytes", "16384"},
        {"fetch.wait.max.ms", "500"},
    };
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(&tail->config.stream, err);
    if (!conf || !rl_stream_set_all(conf, settings, sizeof(settings) / sizeof(settings[0]), err)) {
        return NULL;
    }
    rd_kafka_conf_set_opaque(conf, tail);
    rd_kafka_conf_set_error_cb(conf, on_error);
    return RL_STEAL(conf);
}

static bool make_client(rl_tail *tail, rl_error *err) {
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = consumer_conf(tail, err);
    if (!conf) {
        return false;
    }
    tail->client = rl_stream_consumer(&conf, err);
    return tail->client != NULL;
}

static bool start_reading(rl_tail *tail, rl_error *err) {
    const int failed = pthread_create(&tail->reader, NULL, read_log, tail);
    tail->reading = failed == 0;
    return tail->reading || rl_error_set_errno(err, RL_TRANSIENT, failed, "cannot start the tail's thread");
}

rl_tail *rl_tail_new(const rl_tail_config *config, rl_error *err) {
    RL_AUTO_TAIL rl_tail *tail = calloc(1, sizeof(*tail));
    if (!tail) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    tail->config = *config;
    rl_error_set(&tail->problem, RL_TRANSIENT, 0, "not connected yet");
    pthread_mutex_init(&tail->lock, NULL);
    rl_stopper_init(&tail->stopper);
    tail->cache =
        rl_result_cache_new((size_t)config->cache_bytes, (size_t)config->cache_bytes / COMMITTED_SHARE, err);
    tail->readback = tail->cache ? rl_readback_new(&config->stream, RL_TOPIC_RESULTS, err) : NULL;
    tail->schemas =
        tail->readback ? rl_schema_source_new(&tail->config.stream, RL_TOPIC_SCHEMAS, tail->config.codec, err)
                       : NULL;
    if (!tail->schemas || !make_client(tail, err)) {
        return NULL;
    }
    tail->sink = rl_sink_watch_new(tail->client, tail->cache, err);
    return tail->sink && start_reading(tail, err) ? RL_STEAL(tail) : NULL;
}

void rl_tail_free(rl_tail *tail) {
    if (!tail) {
        return;
    }
    if (tail->reading) {
        rl_stopper_stop(&tail->stopper);
        pthread_join(tail->reader, NULL);
    }
    if (tail->sink) {
        rl_sink_watch_stop(tail->sink); /* it uses the client; closing the client may still call on_error */
    }
    if (tail->client) {
        rd_kafka_consumer_close(tail->client);
        rd_kafka_destroy(tail->client);
    }
    rl_sink_watch_free(tail->sink);
    rl_schema_source_free(tail->schemas);
    rl_readback_free(tail->readback);
    rl_result_cache_free(tail->cache);
    rl_stopper_destroy(&tail->stopper);
    pthread_mutex_destroy(&tail->lock);
    free(tail);
}
