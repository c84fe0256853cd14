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
#include "services/runner/topic_positions.h"

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

struct rl_controls {
    rl_controls_options o;
    rd_kafka_t *client;
    rl_stopper stopper;
    pthread_t reader;
    bool reading;
    rl_topic_positions positions;
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

static bool start_once(rl_controls *controls, rl_error *err) {
    controls->positions.client = controls->client;
    controls->positions.topic = controls->o.topic;
    controls->positions.stopper = &controls->stopper;
    return rl_topic_positions_begin(&controls->positions,
                                    rl_wall_clock_us() - controls->o.queue_us - MARGIN_US, err);
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
    if (!rl_topic_positions_have_reached(&controls->positions)) {
        return;
    }
    pthread_mutex_lock(&controls->lock);
    const bool first = !controls->reached;
    controls->reached = true;
    pthread_cond_broadcast(&controls->changed);
    pthread_mutex_unlock(&controls->lock);
    if (first) {
        rl_log(controls->o.log, RL_LOG_INFO, "controls.ready",
               RL_I("cancelled", rl_cancelled_ids_count(controls->o.cancelled)),
               RL_I("replays", rl_cancelled_replays_count(controls->o.replays)));
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
    if (!rl_bytes_equal(id, rl_message_key(message)) || (ret->generation == 0 && !rl_id_has_form(id))) {
        return rl_error_set(err, RL_INVALID, 0, "the record's key is not the id of what it is about");
    }
    return ret->generation >= 0 || rl_error_set(err, RL_INVALID, 0, "no replay has such a generation");
}

/* From the record's own time on, which the log keeps, as long as the submission may be queued. */
static int64_t until_us(const rl_controls *controls, const rd_kafka_message_t *message) {
    rd_kafka_timestamp_type_t type;
    const int64_t written_ms = rd_kafka_message_timestamp(message, &type);
    const int64_t from_us = written_ms > 0 ? written_ms * RL_US_PER_MS : rl_wall_clock_us();
    return from_us + controls->o.queue_us + MARGIN_US;
}

/* A replay's record is not bounded in how long it may be queued: neither is what is remembered of it. */
static void keep_replay(rl_controls *controls, const rl_cancel *cancel) {
    rl_log(controls->o.log, RL_LOG_INFO, "replay.cancelled", RL_S("replay", cancel->id),
           RL_I("generation", cancel->generation));
    if (!rl_cancelled_replays_add(controls->o.replays, cancel->generation)) {
        rl_metric_add(controls->o.metrics->cancels_forgotten, 1);
    }
}

static void keep(rl_controls *controls, const rd_kafka_message_t *message, const rl_cancel *cancel) {
    const rl_trace_ids trace = rl_message_trace(message);
    rl_metric_add(controls->o.metrics->cancels, 1);
    if (cancel->generation > 0) {
        keep_replay(controls, cancel);
        return;
    }
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
    rl_topic_positions_pass(&controls->positions, message);
    look_whether_reached(controls);
}

/* After a failure: it is over once the ends can be asked for and none of them is ahead. */
static void look_whether_over(rl_controls *controls) {
    if (rl_topic_positions_are_at_end(&controls->positions)) {
        note_problem(controls, &(rl_error)RL_ERROR_INIT);
    }
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
        rl_metric_set(controls->o.metrics->cancelled_replays,
                      (int64_t)rl_cancelled_replays_count(controls->o.replays));
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
