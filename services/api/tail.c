/* tail.c: theory of operation.
 *
 * `read_log` starts by asking, again and again until it is told: how many partitions, where the sink is
 * in each, where each ends. Then it assigns itself all of them and handles one record after another until
 * it is stopped; librdkafka reconnects by itself.
 *
 * `watch_sink` asks for the committed offsets once a second and hands them to the cache.
 *
 * Ownership: `client` is made in rl_tail_new and used by both threads (librdkafka allows it). `positions`
 * is written by `read_log` alone, before `assigned` is set the whole of it, afterwards each partition's
 * `next` and `reached`; everything that others read is an atomic.
 *
 * Locks: `lock` guards `stopping` and `problem`.
 */
#include "services/api/tail.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/stream/message.h"
#include "lib/stream/topics.h"
#include "services/api/readback.h"

#define ASK_TIMEOUT_MS 3000
#define POLL_MS 500
#define WATCH_US RL_US_PER_S
#define RETRY_MIN_US (RL_US_PER_S / 10)
#define RETRY_MAX_US RL_US_PER_S
#define READBACK_US (3 * RL_US_PER_S)
/* A decoded record is about as large as the encoded one; views and terminators come on top. */
#define DECODE_BYTES (2 * (size_t)RL_FINISHED_MAX_BYTES)
#define CLOCK_MARGIN_MS INT64_C(60000)
/* A broker that is gone is noticed at once (brokers_down); this is for one that hangs. Well above what a
 * busy host can delay an answer by. */
#define SILENCE_US (10 * RL_US_PER_S)

typedef struct {
    int64_t end;               /* where the partition ended at the start */
    _Atomic int64_t next;      /* the offset to read next */
    _Atomic int64_t committed; /* by the sink */
    bool reached;
} position;

struct rl_tail {
    rl_tail_config config;
    rd_kafka_t *client;
    rl_result_cache *cache;
    rl_readback *readback;
    position positions[RL_RESULT_CACHE_PARTITIONS];
    _Atomic int32_t partitions; /* 0 until assigned */
    int32_t left_to_reach;
    _Atomic bool ready;
    _Atomic bool brokers_down;
    _Atomic int64_t answered_us; /* monotonic: when the broker last answered; 0: never */
    _Atomic int64_t started_ms;  /* wall clock, when the sink's offsets were asked for */
    _Atomic int64_t read, undecodable;
    pthread_t reader, watcher;
    bool reading, watching;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopping;
    rl_error problem; /* why it has not started */
};

static void note_problem(rl_tail *tail, const rl_error *problem) {
    pthread_mutex_lock(&tail->lock);
    tail->problem = *problem;
    pthread_mutex_unlock(&tail->lock);
}

/* Sleeps; false when it is time to stop. */
static bool pause_us(rl_tail *tail, int64_t us) {
    const int64_t until_us = rl_clock_us() + us;
    pthread_mutex_lock(&tail->lock);
    while (!tail->stopping && rl_clock_us() < until_us) {
        rl_cond_wait_until(&tail->stop, &tail->lock, until_us);
    }
    const bool go_on = !tail->stopping;
    pthread_mutex_unlock(&tail->lock);
    return go_on;
}

static void answered(rl_tail *tail) {
    atomic_store(&tail->brokers_down, false);
    atomic_store(&tail->answered_us, rl_clock_us());
}

/* --- the sink's offsets --- */

static rd_kafka_topic_partition_list_t *all_partitions(int32_t count) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    rd_kafka_topic_partition_list_add_range(list, RL_TOPIC_RESULTS, 0, count - 1);
    return list;
}

/* Fills the list's offsets: RD_KAFKA_OFFSET_INVALID where the sink has committed nothing. */
static bool ask_committed(rl_tail *tail, rd_kafka_topic_partition_list_t *list, rl_error *err) {
    rd_kafka_resp_err_t code = rd_kafka_committed(tail->client, list, ASK_TIMEOUT_MS);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        code = list->elems[i].err;
    }
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || rl_stream_error(err, code, "cannot read the sink's offsets");
}

static void take_committed(rl_tail *tail, const rd_kafka_topic_partition_list_t *list) {
    for (int i = 0; i < list->cnt; i++) {
        const int64_t offset = list->elems[i].offset;
        position *at = &tail->positions[list->elems[i].partition];
        if (offset >= 0 && offset != atomic_load(&at->committed)) {
            atomic_store(&at->committed, offset);
            rl_result_cache_committed(tail->cache, list->elems[i].partition, offset);
        }
    }
}

static void *watch_sink(void *context) {
    rl_tail *tail = context;
    do {
        const int32_t partitions = atomic_load(&tail->partitions);
        if (partitions == 0) {
            continue;
        }
        rd_kafka_topic_partition_list_t *list = all_partitions(partitions);
        if (ask_committed(tail, list, NULL)) {
            answered(tail);
            take_committed(tail, list);
        }
        rd_kafka_topic_partition_list_destroy(list);
    } while (pause_us(tail, WATCH_US));
    return NULL;
}

/* --- starting --- */

static bool ask_partitions(rl_tail *tail, int32_t *ret, rl_error *err) {
    rd_kafka_topic_t *topic = rd_kafka_topic_new(tail->client, RL_TOPIC_RESULTS, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(tail->client, 0, topic, &metadata, ASK_TIMEOUT_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        *ret = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_topic_destroy(topic);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return rl_stream_error(err, code, "cannot fetch metadata of topic " RL_TOPIC_RESULTS);
    }
    if (*ret < 1 || *ret > RL_RESULT_CACHE_PARTITIONS) {
        return rl_error_set(err, RL_INVALID, 0, "topic %s has %d partitions, at most %d are supported",
                            RL_TOPIC_RESULTS, (int)*ret, RL_RESULT_CACHE_PARTITIONS);
    }
    return true;
}

/* Where to begin in one partition, and how far it is to the end. `entry` comes with the sink's offset. */
static bool locate(rl_tail *tail, rd_kafka_topic_partition_t *entry, rl_error *err) {
    int64_t low;
    int64_t high;
    const rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        tail->client, RL_TOPIC_RESULTS, entry->partition, &low, &high, ASK_TIMEOUT_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return rl_stream_error(err, code, "cannot read the end of topic " RL_TOPIC_RESULTS);
    }
    position *at = &tail->positions[entry->partition];
    const int64_t committed = entry->offset;
    entry->offset = committed > low ? committed : low;
    at->end = high;
    at->reached = entry->offset >= high;
    tail->left_to_reach += !at->reached;
    atomic_store(&at->next, entry->offset);
    atomic_store(&at->committed, committed);
    if (committed >= 0) {
        rl_result_cache_committed(tail->cache, entry->partition, committed);
    }
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
    atomic_store(&tail->started_ms, rl_wall_clock_us() / RL_US_PER_MS);
    rd_kafka_topic_partition_list_t *list = all_partitions(partitions);
    const bool ok = ask_committed(tail, list, err) && locate_all(tail, list, err);
    rd_kafka_topic_partition_list_destroy(list);
    if (ok) {
        atomic_store(&tail->partitions, partitions);
        answered(tail);
    }
    return ok;
}

static bool start(rl_tail *tail) {
    rl_error problem = RL_ERROR_INIT;
    int64_t delay_us = RETRY_MIN_US;
    while (!start_once(tail, &problem)) {
        note_problem(tail, &problem);
        delay_us = rl_backoff_next_us(delay_us, RETRY_MIN_US, RETRY_MAX_US);
        if (!pause_us(tail, delay_us)) {
            return false;
        }
    }
    return true;
}

/* --- reading --- */

static void reach(rl_tail *tail, position *at) {
    if (!at->reached) {
        at->reached = true;
        tail->left_to_reach--;
    }
    if (tail->left_to_reach == 0 && !atomic_load(&tail->ready)) {
        atomic_store(&tail->ready, true);
        rl_log(tail->config.log, RL_LOG_INFO, "tail.ready", RL_I("read", atomic_load(&tail->read)));
    }
}

static void keep(rl_tail *tail, const rd_kafka_message_t *message, const char *id, const rl_id_parts *parts,
                 int64_t generation) {
    const rl_result_key key = {
        .id = id,
        .created_ms = parts->created_ms,
        .generation = generation,
        .partition = message->partition,
        .offset = message->offset,
    };
    const rl_cache_put_status status = rl_result_cache_put(tail->cache, &key, rl_message_value(message));
    if (status == RL_CACHE_ADDED || status == RL_CACHE_REPLACED) {
        rl_waiters_wake(tail->config.waiters, id);
    }
}

static void skip(rl_tail *tail, const rd_kafka_message_t *message, const rl_id_parts *parts,
                 const rl_error *why) {
    atomic_fetch_add(&tail->undecodable, 1);
    if (parts) {
        rl_result_cache_forgot(tail->cache, parts->created_ms);
    }
    rl_log(tail->config.log, RL_LOG_WARN, "result.undecodable", RL_I("partition", message->partition),
           RL_I("offset", message->offset), RL_S("reason", why->message));
}

static void handle(rl_tail *tail, const rd_kafka_message_t *message) {
    const rl_bytes key = rl_message_key(message);
    char id[RL_ID_SIZE];
    rl_id_parts parts;
    rl_error err = RL_ERROR_INIT;
    if (key.size == RL_ID_LENGTH) {
        memcpy(id, key.data, RL_ID_LENGTH);
        id[RL_ID_LENGTH] = '\0';
    }
    if (key.size != RL_ID_LENGTH || !rl_ident_known(tail->config.ident, id, 0, &parts)) {
        rl_error_set(&err, RL_INVALID, 0, "the key is no id of ours");
        skip(tail, message, NULL, &err);
        return;
    }
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(DECODE_BYTES);
    rl_finished finished;
    if (!arena) {
        rl_error_set(&err, RL_TRANSIENT, ENOMEM, "out of memory");
        skip(tail, message, &parts, &err);
        return;
    }
    if (!rl_finished_decode(tail->config.codec, rl_message_value(message), arena, &finished, &err)) {
        skip(tail, message, &parts, &err);
        return;
    }
    keep(tail, message, id, &parts, finished.generation);
}

static void take(rl_tail *tail, const rd_kafka_message_t *message) {
    if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        rl_log(tail->config.log, RL_LOG_WARN, "tail.failed", RL_I("code", message->err),
               RL_S("reason", rd_kafka_err2str(message->err)));
        return;
    }
    position *at = &tail->positions[message->partition];
    if (message->err) {
        reach(tail, at);
        return;
    }
    handle(tail, message);
    atomic_fetch_add(&tail->read, 1);
    atomic_store(&at->next, message->offset + 1);
    if (!at->reached && message->offset + 1 >= at->end) {
        reach(tail, at);
    }
}

static bool is_stopping(rl_tail *tail) {
    pthread_mutex_lock(&tail->lock);
    const bool stopping = tail->stopping;
    pthread_mutex_unlock(&tail->lock);
    return stopping;
}

static void *read_log(void *context) {
    rl_tail *tail = context;
    if (!start(tail)) {
        return NULL;
    }
    if (tail->left_to_reach == 0) {
        reach(tail, &tail->positions[0]);
    }
    while (!is_stopping(tail)) {
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
        atomic_store(&tail->brokers_down, true);
    }
}

static rd_kafka_conf_t *consumer_conf(rl_tail *tail, rl_error *err) {
    static const char *const settings[][2] = {
        {"group.id", RL_GROUP_SINK},           {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"}, {"auto.offset.reset", "earliest"},
        {"enable.partition.eof", "true"},      {"queued.max.messages.kbytes", "16384"},
        {"fetch.wait.max.ms", "500"},
    };
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(&tail->config.stream, err);
    if (!conf) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (!rl_stream_set(conf, settings[i][0], settings[i][1], err)) {
            return NULL;
        }
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
    char reason[160];
    tail->client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason));
    if (!tail->client) {
        return rl_error_set(err, RL_INVALID, 0, "cannot create a Kafka consumer: %s", reason);
    }
    (void)RL_STEAL(conf); /* the client's from here on */
    rd_kafka_poll_set_consumer(tail->client);
    return true;
}

static bool start_threads(rl_tail *tail, rl_error *err) {
    int failed = pthread_create(&tail->reader, NULL, read_log, tail);
    tail->reading = failed == 0;
    if (!failed) {
        failed = pthread_create(&tail->watcher, NULL, watch_sink, tail);
        tail->watching = failed == 0;
    }
    return !failed || rl_error_set_errno(err, RL_TRANSIENT, failed, "cannot start the tail's threads");
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
    rl_cond_init(&tail->stop);
    tail->cache = rl_result_cache_new((size_t)config->cache_bytes, err);
    tail->readback = tail->cache ? rl_readback_new(&config->stream, RL_TOPIC_RESULTS, err) : NULL;
    if (!tail->readback || !make_client(tail, err) || !start_threads(tail, err)) {
        return NULL;
    }
    return RL_STEAL(tail);
}

void rl_tail_free(rl_tail *tail) {
    if (!tail) {
        return;
    }
    pthread_mutex_lock(&tail->lock);
    tail->stopping = true;
    pthread_cond_broadcast(&tail->stop);
    pthread_mutex_unlock(&tail->lock);
    if (tail->reading) {
        pthread_join(tail->reader, NULL);
    }
    if (tail->watching) {
        pthread_join(tail->watcher, NULL);
    }
    if (tail->client) {
        rd_kafka_consumer_close(tail->client);
        rd_kafka_destroy(tail->client);
    }
    rl_readback_free(tail->readback);
    rl_result_cache_free(tail->cache);
    pthread_cond_destroy(&tail->stop);
    pthread_mutex_destroy(&tail->lock);
    free(tail);
}

/* --- questions --- */

bool rl_tail_ready(const rl_tail *tail, char reason[128]) {
    if (atomic_load(&tail->ready)) {
        return true;
    }
    if (atomic_load(&tail->partitions) > 0) {
        (void)snprintf(reason, 128, "still reading results: %" PRId64 " so far", atomic_load(&tail->read));
        return false;
    }
    /* Taking a lock changes nothing that the caller can see. */
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&tail->lock;
    pthread_mutex_lock(lock);
    (void)snprintf(reason, 128, "%.127s", tail->problem.message);
    pthread_mutex_unlock(lock);
    return false;
}

bool rl_tail_connected(const rl_tail *tail, char reason[128]) {
    const int64_t silent_us = rl_clock_us() - atomic_load(&tail->answered_us);
    const bool connected = !atomic_load(&tail->brokers_down) && silent_us < SILENCE_US;
    if (!connected) {
        (void)snprintf(reason, 128, "Kafka does not answer");
    }
    return connected;
}

bool rl_tail_overloaded(const rl_tail *tail) {
    return rl_result_cache_overloaded(tail->cache);
}

static rl_tail_status decode(rl_tail *tail, rl_bytes record, rl_arena *arena, rl_finished *ret,
                             rl_error *err) {
    return rl_finished_decode(tail->config.codec, record, arena, ret, err) ? RL_TAIL_FOUND : RL_TAIL_FAILED;
}

static rl_tail_status find_on_log(rl_tail *tail, int32_t partition, int64_t offset, rl_arena *arena,
                                  rl_finished *ret, rl_error *err) {
    RL_CLEANUP(rl_buffer_free) rl_buffer record;
    rl_buffer_init(&record, RL_FINISHED_MAX_BYTES);
    if (!rl_readback_fetch(tail->readback, partition, offset, READBACK_US, &record, err)) {
        return RL_TAIL_FAILED;
    }
    return decode(tail, rl_buffer_bytes(&record), arena, ret, err);
}

rl_tail_status rl_tail_find(rl_tail *tail, const char *id, rl_arena *arena, rl_finished *ret, rl_error *err) {
    RL_AUTO_CACHED_RECORD rl_cached_record *record = NULL;
    int32_t partition;
    int64_t offset;
    switch (rl_result_cache_get(tail->cache, id, &record, &partition, &offset)) {
    case RL_CACHE_HIT:
        return decode(tail, rl_cached_record_bytes(record), arena, ret, err);
    case RL_CACHE_POSITION:
        return find_on_log(tail, partition, offset, arena, ret, err);
    case RL_CACHE_MISS:
        break;
    }
    return RL_TAIL_ABSENT;
}

/* Whether the reader has seen all that the sink has stored: only then is what it has not seen nowhere. */
static bool has_seen_what_is_stored(const rl_tail *tail) {
    for (int32_t i = 0; i < atomic_load(&tail->partitions); i++) {
        if (atomic_load(&tail->positions[i].next) < atomic_load(&tail->positions[i].committed)) {
            return false;
        }
    }
    return true;
}

bool rl_tail_certain(const rl_tail *tail, int64_t created_ms) {
    char reason[128];
    return atomic_load(&tail->ready) && rl_tail_connected(tail, reason) &&
           created_ms > atomic_load(&tail->started_ms) + CLOCK_MARGIN_MS &&
           created_ms > rl_result_cache_forgotten_ms(tail->cache) && has_seen_what_is_stored(tail);
}

rl_tail_stats rl_tail_statistics(const rl_tail *tail) {
    rl_tail_stats stats = {
        .cache = rl_result_cache_statistics(tail->cache),
        .read = atomic_load(&tail->read),
        .undecodable = atomic_load(&tail->undecodable),
    };
    for (int32_t i = 0; i < atomic_load(&tail->partitions); i++) {
        int64_t low;
        int64_t high;
        const int64_t next = atomic_load(&tail->positions[i].next);
        const int64_t committed = atomic_load(&tail->positions[i].committed);
        if (rd_kafka_get_watermark_offsets(tail->client, RL_TOPIC_RESULTS, i, &low, &high) ==
                RD_KAFKA_RESP_ERR_NO_ERROR &&
            high > next) {
            stats.lag += high - next;
        }
        stats.sink_lag += committed >= 0 && next > committed ? next - committed : 0;
    }
    return stats;
}
