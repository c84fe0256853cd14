/* log_scan.c: the reading itself. See log_scan.h.
 *
 * librdkafka's simple consumer, all partitions forwarded into one queue. The event at a partition's end comes again after each
 * record that is written later, so it is no measure of how many partitions have ended: each range remembers whether
 * it has, and is read no further then.
 */
#include "tools/runlog/log_scan.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

#define PATIENCE_US (30 * RL_US_PER_S)
#define POLL_MS 200

typedef struct {
    const rl_log_range *range;
    rd_kafka_topic_t *topic; /* owned; NULL: not started */
    bool done;
} reading;

typedef struct {
    reading *readings;
    size_t count;
    size_t unfinished;
    size_t last; /* where the record before this one belonged: the next one is probably of the same */
    bool open;   /* one of them has no end */
} scan;

rd_kafka_t *rl_log_scan_client(const rl_stream_config *stream, rl_error *err) {
    static const rl_stream_setting settings[] = {
        {"enable.partition.eof", "true"},
        {"auto.offset.reset", "earliest"},
        {"queued.max.messages.kbytes", "256"},
        {"fetch.message.max.bytes", "262144"},
        {"fetch.queue.backoff.ms", "10"},
        {"fetch.error.backoff.ms", "100"},
        /* A fetch that waits at the ends of some partitions keeps those waiting whose turn is the next one. */
        {"fetch.wait.max.ms", "20"},
    };
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(stream, err);
    if (!conf || !rl_stream_set_all(conf, settings, sizeof settings / sizeof *settings, err)) {
        return NULL;
    }
    return rl_stream_client(RD_KAFKA_CONSUMER, &conf, err);
}

static void stop(reading *r) {
    if (r->topic) {
        (void)rd_kafka_consume_stop(r->topic, r->range->partition); /* refuses one that is not read */
        rd_kafka_topic_destroy(r->topic);
        r->topic = NULL;
    }
}

static void scan_free(scan *s) {
    for (size_t i = 0; i < s->count; i++) {
        stop(&s->readings[i]);
    }
    free(s->readings);
}

static bool start(reading *r, rd_kafka_t *client, rd_kafka_queue_t *queue, rl_error *err) {
    r->topic = rd_kafka_topic_new(client, r->range->topic, NULL);
    if (!r->topic ||
        rd_kafka_consume_start_queue(r->topic, r->range->partition, r->range->from, queue) != 0) {
        rl_stream_error(err, rd_kafka_last_error(), "cannot read");
        return rl_error_prefix(err, "%s/%d", r->range->topic, (int)r->range->partition);
    }
    return true;
}

static bool start_all(scan *s, rd_kafka_t *client, const rl_log_ranges *ranges, rd_kafka_queue_t *queue,
                      rl_error *err) {
    s->readings = calloc(ranges->count + 1, sizeof *s->readings);
    if (!s->readings) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    for (; s->count < ranges->count; s->count++) {
        reading *r = &s->readings[s->count];
        r->range = &ranges->items[s->count];
        r->done = r->range->from >= r->range->to;
        if (r->done) {
            continue;
        }
        if (!start(r, client, queue, err)) {
            s->count++;
            return false;
        }
        s->unfinished++;
        s->open = s->open || r->range->to == RL_LOG_OPEN;
    }
    return true;
}

static bool belongs(const reading *r, const rd_kafka_message_t *message) {
    return r->range->partition == message->partition &&
           strcmp(r->range->topic, rd_kafka_topic_name(message->rkt)) == 0;
}

static reading *reading_of(scan *s, const rd_kafka_message_t *message) {
    if (!belongs(&s->readings[s->last], message)) {
        size_t i = 0;
        while (i < s->count && !belongs(&s->readings[i], message)) {
            i++;
        }
        if (i == s->count) {
            return NULL;
        }
        s->last = i;
    }
    return &s->readings[s->last];
}

static void finish(scan *s, reading *r) {
    r->done = true;
    s->unfinished--;
    stop(r);
}

/* A record, or the news that its partition has none behind it yet. */
static rl_log_step take(scan *s, const rd_kafka_message_t *message, rl_log_visit visit, void *context,
                        rl_error *err) {
    reading *r = reading_of(s, message);
    if (!r || r->done) {
        return RL_LOG_NEXT; /* read ahead, before the reading was stopped */
    }
    const bool is_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    rl_log_step step = RL_LOG_NEXT;
    if (!is_end && message->offset >= r->range->from && message->offset < r->range->to) {
        step = visit(context, message, err);
    }
    if (r->range->to != RL_LOG_OPEN && message->offset + (is_end ? 0 : 1) >= r->range->to) {
        finish(s, r);
    }
    return step;
}

/* Whether an error that came in a record's place is one that goes by. */
static bool goes_by(const rd_kafka_message_t *message, rl_error *err) {
    rl_stream_error(err, message->err, "cannot read");
    return err->error_class == RL_TRANSIENT && message->err != RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC &&
           message->err != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

static bool read_all(scan *s, rd_kafka_queue_t *queue, rl_log_visit visit, void *context, rl_error *err) {
    int64_t heard_us = rl_clock_us();
    rl_error trouble = RL_ERROR_INIT;
    while (s->unfinished > 0) {
        RL_CLEANUP(rl_rd_message_slot) rd_kafka_message_t *message = rd_kafka_consume_queue(queue, POLL_MS);
        const bool failed = message && message->err != RD_KAFKA_RESP_ERR_NO_ERROR &&
                            message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (failed && !goes_by(message, &trouble)) {
            *err = trouble;
            return false;
        }
        if ((!message || failed) && !s->open && rl_clock_us() - heard_us > PATIENCE_US) {
            return rl_error_set(err, RL_TRANSIENT, 0, "Kafka does not send what it has%s%s",
                                trouble.error_class == RL_OK ? "" : ": ", trouble.message);
        }
        const rl_log_step step =
            message && !failed ? take(s, message, visit, context, err) : visit(context, NULL, err);
        if (step != RL_LOG_NEXT) {
            return step == RL_LOG_ENOUGH;
        }
        if (message && !failed) {
            heard_us = rl_clock_us();
        }
    }
    return true;
}

bool rl_log_scan(rd_kafka_t *client, const rl_log_ranges *ranges, rl_log_visit visit, void *context,
                 rl_error *err) {
    RL_CLEANUP(rl_rd_queue_slot) rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    RL_CLEANUP(scan_free) scan s = {0};
    return start_all(&s, client, ranges, queue, err) && read_all(&s, queue, visit, context, err);
}
