/* controls.c: see controls.h.
 *
 * Locks: `lock` guards `reached` and `problem`, which other threads look at; the rest is the reading thread's alone.
 */
#include "services/runner/controls.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log_limit.h"
#include "lib/base/stopper.h"
#include "lib/stream/message.h"
#include "lib/stream/topics.h"

#define ASK_TIMEOUT_MS 3000
#define SCHEMA_TIMEOUT_US (5 * RL_US_PER_S)
#define POLL_MS 500
#define RETRY_MIN_US (RL_US_PER_S / 10)
#define RETRY_MAX_US RL_US_PER_S
#define TRIES_MAX 60 /* of a record that cannot be read now; each may wait for the topic of schemas besides */
#define LOOK_US RL_US_PER_S
#define DECODE_BYTES ((size_t)64 * 1024)
/* A request lives longer than what it may be about: for clocks that differ, and as long as the API waits for what
 * no runner has read. */
#define MARGIN_US (600 * RL_US_PER_S)
#define PARTITIONS_MAX 1024

typedef struct {
    int64_t end;  /* at the start */
    int64_t next; /* to be read */
} position;

struct rl_controls {
    rl_controls_options o;
    rd_kafka_t *client;
    rl_stopper stopper;
    pthread_t reader;
    bool reading;
    int32_t partitions;
    position positions[PARTITIONS_MAX];
    rl_log_limit unreadable, failed;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* `reached` has become true */
    bool reached;
    rl_error problem; /* RL_OK: none */
};

static void note_problem(rl_controls *controls, const rl_error *problem) {
    pthread_mutex_lock(&controls->lock);
    controls->problem = *problem;
    pthread_mutex_unlock(&controls->lock);
}

static bool has_problem(rl_controls *controls) {
    pthread_mutex_lock(&controls->lock);
    const bool has = controls->problem.error_class != RL_OK;
    pthread_mutex_unlock(&controls->lock);
    return has;
}

/* ---- starting ---- */

static bool ask_partitions(rl_controls *controls, rl_error *err) {
    RL_CLEANUP(rl_rd_topic_slot)
    rd_kafka_topic_t *topic = rd_kafka_topic_new(controls->client, controls->o.topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(controls->client, 0, topic, &metadata, ASK_TIMEOUT_MS);
    int32_t count = 0;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        const bool there = metadata->topic_cnt == 1;
        code = there ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        count = there ? metadata->topics[0].partition_cnt : 0;
        rd_kafka_metadata_destroy(metadata);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rl_stream_error(err, code, "cannot fetch metadata");
        return false;
    }
    if (count < 1 || count > PARTITIONS_MAX) {
        return rl_error_set(err, RL_TRANSIENT, 0, "it has %d partitions", (int)count);
    }
    controls->partitions = count;
    return true;
}

/* Ends first: a partition without a record of the time asked for is read from the end that it had before. */
static bool ask_ends(rl_controls *controls, rl_error *err) {
    for (int32_t i = 0; i < controls->partitions; i++) {
        int64_t low;
        const rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
            controls->client, controls->o.topic, i, &low, &controls->positions[i].end, ASK_TIMEOUT_MS);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return rl_stream_error(err, code, "cannot read its end");
        }
    }
    return true;
}

static bool assign_from_times(rl_controls *controls, rd_kafka_topic_partition_list_t *list, rl_error *err) {
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(controls->client, list, ASK_TIMEOUT_MS);
    for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        rd_kafka_topic_partition_t *entry = &list->elems[i];
        position *at = &controls->positions[entry->partition];
        entry->offset = entry->offset >= 0 && entry->offset < at->end ? entry->offset : at->end;
        at->next = entry->offset;
        code = entry->err;
    }
    code = code ? code : rd_kafka_assign(controls->client, list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || rl_stream_error(err, code, "cannot find where to begin");
}

static bool start_once(rl_controls *controls, rl_error *err) {
    if (!ask_partitions(controls, err) || !ask_ends(controls, err)) {
        return false;
    }
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(controls->partitions);
    const int64_t from_ms = (rl_wall_clock_us() - controls->o.queue_us - MARGIN_US) / RL_US_PER_MS;
    for (int32_t i = 0; i < controls->partitions; i++) {
        rd_kafka_topic_partition_list_add(list, controls->o.topic, i)->offset = from_ms;
    }
    return assign_from_times(controls, list, err);
}

/* Until it succeeds or is to stop: false. */
static bool start(rl_controls *controls) {
    int64_t delay_us = 0;
    rl_error problem = RL_ERROR_INIT;
    while (!start_once(controls, &problem)) {
        rl_error_prefix(&problem, "topic %s", controls->o.topic);
        note_problem(controls, &problem);
        delay_us = rl_backoff_next_us(delay_us, RETRY_MIN_US, RETRY_MAX_US);
        if (!rl_stopper_pause_us(&controls->stopper, delay_us)) {
            return false;
        }
    }
    note_problem(controls, &(rl_error)RL_ERROR_INIT);
    return true;
}

/* ---- reading ---- */

static void look_whether_reached(rl_controls *controls) {
    for (int32_t i = 0; i < controls->partitions; i++) {
        if (controls->positions[i].next < controls->positions[i].end) {
            return;
        }
    }
    pthread_mutex_lock(&controls->lock);
    const bool first = !controls->reached;
    controls->reached = true;
    pthread_cond_broadcast(&controls->changed);
    pthread_mutex_unlock(&controls->lock);
    if (first) {
        rl_log(controls->o.log, RL_LOG_INFO, "controls.ready",
               RL_I("cancelled", rl_cancelled_ids_count(controls->o.cancelled)));
    }
}

static void skip(rl_controls *controls, const rd_kafka_message_t *message, const rl_error *why) {
    int64_t withheld;
    rl_metric_add(controls->o.metrics->consume_errors[why->error_class], 1);
    if (rl_log_limit_pass(&controls->unreadable, rl_clock_us(), &withheld)) {
        rl_log(controls->o.log, RL_LOG_WARN, "control.unreadable", RL_I("partition", message->partition),
               RL_I("offset", message->offset), RL_S("class", rl_error_class_name(why->error_class)),
               RL_S("error", why->message), RL_I("withheld", withheld));
    }
}

static bool read_cancel(const rl_controls *controls, const rd_kafka_message_t *message, rl_arena *arena,
                        rl_cancel *ret, rl_error *err) {
    const rl_bytes framed = rl_message_value(message);
    if (!rl_schema_source_resolve(controls->o.schemas, framed, SCHEMA_TIMEOUT_US, err) ||
        !rl_cancel_decode(controls->o.codec, framed, arena, ret, err)) {
        return false;
    }
    const rl_bytes id = rl_bytes_of(ret->id);
    return (rl_id_has_form(id) && rl_bytes_equal(id, rl_message_key(message))) ||
           rl_error_set(err, RL_INVALID, 0, "the record's key is not the id of a submission");
}

/* From the record's own time on, which the log keeps, as long as the submission may be queued. */
static int64_t until_us(const rl_controls *controls, const rd_kafka_message_t *message) {
    rd_kafka_timestamp_type_t type;
    const int64_t written_ms = rd_kafka_message_timestamp(message, &type);
    const int64_t from_us = written_ms > 0 ? written_ms * RL_US_PER_MS : rl_wall_clock_us();
    return from_us + controls->o.queue_us + MARGIN_US;
}

static void keep(rl_controls *controls, const rd_kafka_message_t *message, const rl_cancel *cancel) {
    const rl_trace_ids trace = rl_message_trace(message);
    rl_metric_add(controls->o.metrics->cancels, 1);
    switch (rl_cancelled_ids_add(controls->o.cancelled, cancel->id, until_us(controls, message))) {
    case RL_CANCELLED_ADDED:
        rl_log(controls->o.log, RL_LOG_DEBUG, "cancel.read", RL_S("id", cancel->id),
               RL_S("trace_id", trace.trace), RL_S("span_id", trace.span));
        return;
    case RL_CANCELLED_KNOWN:
        return;
    case RL_CANCELLED_DISPLACED:
    case RL_CANCELLED_NO_MEMORY:
        rl_metric_add(controls->o.metrics->cancels_forgotten, 1);
        return;
    }
}

static bool handle_once(rl_controls *controls, const rd_kafka_message_t *message, rl_error *err) {
    rl_cancel cancel;
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(DECODE_BYTES);
    if (!arena) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
    }
    if (!read_cancel(controls, message, arena, &cancel, err)) {
        return false;
    }
    keep(controls, message, &cancel);
    return true;
}

/* What may be readable later is tried again: somebody was told that the request is on the log. */
static void handle(rl_controls *controls, const rd_kafka_message_t *message) {
    rl_error err = RL_ERROR_INIT;
    for (int tries = 0; !handle_once(controls, message, &err); tries++) {
        if (err.error_class != RL_TRANSIENT || tries == TRIES_MAX ||
            !rl_stopper_pause_us(&controls->stopper, RETRY_MAX_US)) {
            skip(controls, message, &err);
            return;
        }
        note_problem(controls, &err);
    }
}

static void take_error(rl_controls *controls, rd_kafka_resp_err_t code) {
    rl_error err = RL_ERROR_INIT;
    int64_t withheld;
    rl_stream_error(&err, code, "cannot read it");
    rl_error_prefix(&err, "topic %s", controls->o.topic);
    note_problem(controls, &err);
    if (rl_log_limit_pass(&controls->failed, rl_clock_us(), &withheld)) {
        rl_log_failure(controls->o.log, RL_LOG_WARN, "controls.failed", &err);
    }
}

static void take(rl_controls *controls, const rd_kafka_message_t *message) {
    if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        take_error(controls, message->err);
        return;
    }
    if (!message->err) {
        handle(controls, message);
    }
    /* At the end: what was before it may have been deleted. */
    controls->positions[message->partition].next = message->offset + (message->err ? 0 : 1);
    look_whether_reached(controls);
}

/* After a failure: it is over once the ends can be asked for and none of them is ahead. */
static void look_whether_over(rl_controls *controls) {
    for (int32_t i = 0; i < controls->partitions; i++) {
        int64_t low, high;
        if (rd_kafka_query_watermark_offsets(controls->client, controls->o.topic, i, &low, &high,
                                             ASK_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR ||
            controls->positions[i].next < high) {
            return;
        }
    }
    note_problem(controls, &(rl_error)RL_ERROR_INIT);
}

static void *read_topic(void *context) {
    rl_controls *controls = context;
    if (!start(controls)) {
        return NULL;
    }
    look_whether_reached(controls);
    int64_t look_us = 0;
    while (rl_stopper_pause_us(&controls->stopper, 0)) {
        RL_CLEANUP(rl_rd_message_slot)
        rd_kafka_message_t *message = rd_kafka_consumer_poll(controls->client, POLL_MS);
        if (message) {
            take(controls, message);
        }
        if (rl_clock_us() >= look_us && has_problem(controls)) {
            look_whether_over(controls);
            look_us = rl_clock_us() + LOOK_US;
        }
        rl_cancelled_ids_expire(controls->o.cancelled, rl_wall_clock_us());
        rl_metric_set(controls->o.metrics->cancelled_ids,
                      (int64_t)rl_cancelled_ids_count(controls->o.cancelled));
    }
    return NULL;
}

/* ---- life ---- */

static bool make_client(rl_controls *controls, rl_error *err) {
    /* The group is named because librdkafka wants one; it is never joined, and nothing is committed to it. */
    static const rl_stream_setting settings[] = {
        {"group.id", RL_GROUP_RUNNERS},        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"}, {"auto.offset.reset", "earliest"},
        {"enable.partition.eof", "true"},      {"queued.max.messages.kbytes", "1024"},
    };
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(controls->o.stream, err);
    if (!conf || !rl_stream_set_all(conf, settings, sizeof settings / sizeof settings[0], err)) {
        return false;
    }
    controls->client = rl_stream_consumer(&conf, err);
    return controls->client != NULL;
}

static bool start_reading(rl_controls *controls, rl_error *err) {
    const int failed = pthread_create(&controls->reader, NULL, read_topic, controls);
    controls->reading = failed == 0;
    return failed == 0 || rl_error_set_errno(err, RL_TRANSIENT, failed, "cannot start a thread");
}

rl_controls *rl_controls_new(const rl_controls_options *options, rl_error *err) {
    rl_controls *controls = calloc(1, sizeof *controls);
    if (!controls) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    controls->o = *options;
    rl_error_set(&controls->problem, RL_TRANSIENT, 0, "not connected yet");
    pthread_mutex_init(&controls->lock, NULL);
    rl_cond_init(&controls->changed);
    rl_stopper_init(&controls->stopper);
    if (!make_client(controls, err) || !start_reading(controls, err)) {
        rl_controls_free(controls);
        return NULL;
    }
    return controls;
}

void rl_controls_free(rl_controls *controls) {
    if (!controls) {
        return;
    }
    if (controls->reading) {
        rl_stopper_stop(&controls->stopper);
        pthread_join(controls->reader, NULL);
    }
    if (controls->client) {
        rd_kafka_consumer_close(controls->client);
        rd_kafka_destroy(controls->client);
    }
    rl_stopper_destroy(&controls->stopper);
    pthread_cond_destroy(&controls->changed);
    pthread_mutex_destroy(&controls->lock);
    free(controls);
}

bool rl_controls_await(rl_controls *controls, int64_t timeout_us, rl_error *err) {
    const int64_t end_us = rl_clock_us() + timeout_us;
    pthread_mutex_lock(&controls->lock);
    while (!controls->reached && rl_clock_us() < end_us) {
        (void)rl_cond_wait_until(&controls->changed, &controls->lock, end_us);
    }
    const bool reached = controls->reached;
    const rl_error problem = controls->problem;
    pthread_mutex_unlock(&controls->lock);
    return reached || rl_error_set(err, RL_TRANSIENT, 0, "%s",
                                   problem.error_class != RL_OK ? problem.message
                                                                : "the topic of controls is being read");
}

bool rl_controls_check(void *context, char reason[128]) {
    rl_controls *controls = context;
    pthread_mutex_lock(&controls->lock);
    const bool problem = controls->problem.error_class != RL_OK;
    const bool ok = controls->reached && !problem;
    snprintf(reason, 128, "%.127s",
             ok        ? ""
             : problem ? controls->problem.message
                       : "the topic of controls is being read");
    pthread_mutex_unlock(&controls->lock);
    return ok;
}
