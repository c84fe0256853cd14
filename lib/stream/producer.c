/* producer.c: theory of operation.
 *
 * librdkafka sends from threads of its own and hands back one delivery report per record, which the
 * application has to fetch: `serve` does that on one thread, so that callbacks have one home and nobody
 * else needs to poll. `pending` counts records accepted and not yet reported.
 *
 * Ending: the flag `closing` refuses new records, purging makes librdkafka report everything that is
 * left as failed, and the thread goes on serving until the count is zero. So each accepted record gets
 * its report, whatever happens.
 *
 * Locks: `lock` guards pending, closing and topics; it is never held across a call into librdkafka that
 * can block or call back.
 */
#include "lib/stream/producer.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"

#define MAX_TOPICS 16
#define SERVE_MS 500

struct rl_producer {
    rd_kafka_t *client;
    rd_kafka_queue_t *main_queue;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* pending became zero, or closing */
    int pending;
    bool closing;
    bool stop;
    rd_kafka_topic_t *topics[MAX_TOPICS]; /* primed: kept, so that librdkafka keeps their metadata */
    size_t topic_count;
};

/* Whom to tell; travels through librdkafka as the record's opaque pointer. */
typedef struct {
    rl_delivered delivered;
    void *context;
} report;

static void count_down(rl_producer *producer) {
    pthread_mutex_lock(&producer->lock);
    if (--producer->pending == 0) {
        pthread_cond_broadcast(&producer->changed);
    }
    pthread_mutex_unlock(&producer->lock);
}

/* Whether librdkafka has given this client up. One atomic read while it has not, any thread. */
static bool has_failed(rd_kafka_t *client, rl_error *err) {
    char reason[160] = "";
    rd_kafka_resp_err_t cause = rd_kafka_fatal_error(client, reason, sizeof reason);
    if (cause == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return false;
    }
    rl_error_set(err, RL_FATAL, cause, "the producer failed: %s", reason);
    return true;
}

/* Once a producer has failed, what it could not send has failed with it, by whatever code the report says so
 * (queued records are purged); the first cause is what helps. Records to blame themselves stay INVALID. */
static void describe_failure(rd_kafka_t *client, rd_kafka_resp_err_t code, rl_error *err) {
    rl_error why = RL_ERROR_INIT;
    rl_stream_error(&why, code, "cannot deliver");
    if (why.error_class != RL_INVALID && has_failed(client, &why)) {
        rl_error_prefix(&why, "cannot deliver");
    }
    if (err) {
        *err = why;
    }
}

/* On the serving thread. */
static void on_report(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    rl_producer *producer = opaque;
    report *whom = message->_private;
    if (whom) {
        if (message->err) {
            rl_error err = RL_ERROR_INIT;
            describe_failure(client, message->err, &err);
            whom->delivered(whom->context, message->partition, message->offset, &err);
        } else {
            whom->delivered(whom->context, message->partition, message->offset, NULL);
        }
        free(whom);
    }
    count_down(producer);
}

static void *serve(void *context) {
    rl_producer *producer = context;
    for (;;) {
        rd_kafka_poll(producer->client, SERVE_MS);
        pthread_mutex_lock(&producer->lock);
        bool stop = producer->stop;
        pthread_mutex_unlock(&producer->lock);
        if (stop) {
            return NULL;
        }
    }
}

static rd_kafka_conf_t *producer_conf(const rl_stream_config *config, int64_t delivery_timeout_us,
                                      rl_error *err) {
    char timeout_ms[24];
    snprintf(timeout_ms, sizeof timeout_ms, "%" PRId64, delivery_timeout_us / RL_US_PER_MS);
    const rl_stream_setting settings[] = {
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"compression.type", "lz4"},
        {"linger.ms", "0"},
        {"message.timeout.ms", timeout_ms}, /* 0: for ever */
        {"queue.buffering.max.kbytes", "131072"},
        {"partitioner", "murmur2_random"}, /* as Java's clients: other tools find a key where we put it */
    };
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(config, err);
    if (!conf || !rl_stream_set_all(conf, settings, sizeof settings / sizeof settings[0], err)) {
        return NULL;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    return RL_STEAL(conf);
}

static bool start(rl_producer *producer, rl_error *err) {
    int failed = pthread_create(&producer->thread, NULL, serve, producer);
    if (failed) {
        return rl_error_set_errno(err, RL_TRANSIENT, failed, "cannot start the producer's thread");
    }
    return true;
}

rl_producer *rl_producer_new(const rl_stream_config *config, int64_t delivery_timeout_us, rl_error *err) {
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = producer_conf(config, delivery_timeout_us, err);
    if (!conf) {
        return NULL;
    }
    rl_producer *producer = calloc(1, sizeof *producer);
    if (!producer) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    rd_kafka_conf_set_opaque(conf, producer);
    producer->client = rl_stream_client(RD_KAFKA_PRODUCER, &conf, err);
    if (!producer->client) {
        free(producer);
        return NULL;
    }
    producer->main_queue = rd_kafka_queue_get_main(producer->client);
    pthread_mutex_init(&producer->lock, NULL);
    rl_cond_init(&producer->changed);
    if (!start(producer, err)) {
        rd_kafka_queue_destroy(producer->main_queue);
        rd_kafka_destroy(producer->client);
        free(producer);
        return NULL;
    }
    return producer;
}

/* The handle of `topic`, made at first use. NULL when there are too many. */
static rd_kafka_topic_t *topic_handle(rl_producer *producer, const char *topic) {
    pthread_mutex_lock(&producer->lock);
    rd_kafka_topic_t *handle = NULL;
    for (size_t i = 0; i < producer->topic_count && !handle; i++) {
        if (strcmp(rd_kafka_topic_name(producer->topics[i]), topic) == 0) {
            handle = producer->topics[i];
        }
    }
    if (!handle && producer->topic_count < MAX_TOPICS) {
        handle = rd_kafka_topic_new(producer->client, topic, NULL);
        if (handle) {
            producer->topics[producer->topic_count++] = handle;
        }
    }
    pthread_mutex_unlock(&producer->lock);
    return handle;
}

bool rl_producer_prime(rl_producer *producer, const char *topic, int64_t timeout_us, int32_t *ret_partitions,
                       rl_error *err) {
    rd_kafka_topic_t *handle = topic_handle(producer, topic);
    if (!handle) {
        return rl_error_set(err, RL_INVALID, 0, "cannot use topic %s: too many topics", topic);
    }
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(producer->client, 0, handle, &metadata, (int)(timeout_us / RL_US_PER_MS));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rl_stream_error(err, code, "cannot fetch metadata");
        return rl_error_prefix(err, "topic %s", topic);
    }
    code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && ret_partitions) {
        *ret_partitions = metadata->topics[0].partition_cnt;
    }
    rd_kafka_metadata_destroy(metadata);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rl_stream_error(err, code, "cannot fetch metadata");
        return rl_error_prefix(err, "topic %s", topic);
    }
    return true;
}

static rd_kafka_headers_t *make_headers(const rl_record *record) {
    if (record->header_count == 0) {
        return NULL;
    }
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);
    for (size_t i = 0; i < record->header_count; i++) {
        const rl_header *header = &record->headers[i];
        /* Copies; fails only on read-only headers, which these are not. */
        (void)rd_kafka_header_add(headers, header->name, -1, header->value.data, (ssize_t)header->value.size);
    }
    return headers;
}

/* librdkafka takes key and value as void * though it copies them (RD_KAFKA_MSG_F_COPY). */
static void *unconst(const void *data) {
    union {
        const void *in;
        void *out;
    } pointer = {data};
    return pointer.out;
}

static bool produce(rl_producer *producer, const rl_record *record, report *whom, rl_error *err) {
    rd_kafka_headers_t *headers = make_headers(record);
    rd_kafka_vu_t fields[7] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = record->topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = record->partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {unconst(record->key.data), record->key.size}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {unconst(record->value.data), record->value.size}},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = whom},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    rd_kafka_error_t *refused = rd_kafka_produceva(producer->client, fields, headers ? 7 : 6);
    if (!refused) {
        return true;
    }
    if (headers) {
        rd_kafka_headers_destroy(headers);
    }
    describe_failure(producer->client, rd_kafka_error_code(refused), err);
    rd_kafka_error_destroy(refused);
    return rl_error_prefix(err, "topic %s", record->topic);
}

/* Counts the record in, unless the producer is closing. */
static bool count_up(rl_producer *producer, rl_error *err) {
    pthread_mutex_lock(&producer->lock);
    bool open = !producer->closing;
    if (open) {
        producer->pending++;
    }
    pthread_mutex_unlock(&producer->lock);
    return open || rl_error_set(err, RL_TRANSIENT, 0, "the producer is closing");
}

bool rl_producer_send(rl_producer *producer, const rl_record *record, rl_delivered delivered, void *context,
                      rl_error *err) {
    report *whom = NULL;
    if (delivered) {
        whom = malloc(sizeof *whom);
        if (!whom) {
            return rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        }
        *whom = (report){delivered, context};
    }
    if (!count_up(producer, err)) {
        free(whom);
        return false;
    }
    if (!produce(producer, record, whom, err)) {
        count_down(producer);
        free(whom);
        return false;
    }
    return true;
}

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    bool ok;
    rl_delivery at;
    rl_error err;
} waiter;

static void wake(void *context, int32_t partition, int64_t offset, const rl_error *err) {
    waiter *w = context;
    pthread_mutex_lock(&w->lock);
    w->done = true;
    w->ok = err == NULL;
    w->at = (rl_delivery){partition, offset};
    if (err) {
        w->err = *err;
    }
    /* Under the lock: the waiter's stack goes away as soon as it sees `done`. */
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

bool rl_producer_send_wait(rl_producer *producer, const rl_record *record, rl_delivery *ret, rl_error *err) {
    waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER, .err = RL_ERROR_INIT};
    rl_cond_init(&w.changed);
    bool ok = rl_producer_send(producer, record, wake, &w, err);
    if (ok) {
        pthread_mutex_lock(&w.lock);
        while (!w.done) {
            pthread_cond_wait(&w.changed, &w.lock);
        }
        pthread_mutex_unlock(&w.lock);
        ok = w.ok;
        if (ok && ret) {
            *ret = w.at;
        }
        if (!ok && err) {
            *err = w.err;
        }
    }
    pthread_cond_destroy(&w.changed);
    pthread_mutex_destroy(&w.lock);
    return ok;
}

bool rl_producer_has_failed(const rl_producer *producer, rl_error *err) {
    return has_failed(producer->client, err);
}

rd_kafka_t *rl_producer_client(rl_producer *producer) {
    return producer->client;
}

int rl_producer_pending(const rl_producer *producer) {
    /* Taking a lock changes nothing that the caller can see. */
    rl_producer *self = unconst(producer);
    pthread_mutex_lock(&self->lock);
    int pending = self->pending;
    pthread_mutex_unlock(&self->lock);
    return pending;
}

bool rl_producer_flush(rl_producer *producer, int64_t timeout_us) {
    int64_t deadline_us = rl_clock_us() + timeout_us;
    pthread_mutex_lock(&producer->lock);
    while (producer->pending > 0 && rl_clock_us() < deadline_us) {
        rl_cond_wait_until(&producer->changed, &producer->lock, deadline_us);
    }
    bool empty = producer->pending == 0;
    pthread_mutex_unlock(&producer->lock);
    return empty;
}

static void close_to_new_records(rl_producer *producer) {
    pthread_mutex_lock(&producer->lock);
    producer->closing = true;
    pthread_mutex_unlock(&producer->lock);
}

static void stop_thread(rl_producer *producer) {
    pthread_mutex_lock(&producer->lock);
    producer->stop = true;
    pthread_mutex_unlock(&producer->lock);
    rd_kafka_queue_yield(producer->main_queue);
    pthread_join(producer->thread, NULL);
}

void rl_producer_free(rl_producer *producer) {
    if (!producer) {
        return;
    }
    close_to_new_records(producer);
    /* A record counted in before `closing` may reach librdkafka after a purge: purge until none is left. */
    do {
        (void)rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    } while (!rl_producer_flush(producer, 50 * RL_US_PER_MS));
    stop_thread(producer);
    for (size_t i = 0; i < producer->topic_count; i++) {
        rd_kafka_topic_destroy(producer->topics[i]);
    }
    rd_kafka_queue_destroy(producer->main_queue);
    rd_kafka_destroy(producer->client);
    pthread_cond_destroy(&producer->changed);
    pthread_mutex_destroy(&producer->lock);
    free(producer);
}
