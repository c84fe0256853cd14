/* sink.c: the loop: gather, attempt, hold or report, commit. */
#include "services/result-sink/sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/sink/retention.h"
#include "lib/stream/message.h"
#include "services/result-sink/sink_parts.h"

#define IDLE_WAIT_US (100 * RL_US_PER_MS)
#define FIGURES_EVERY_US (500 * RL_US_PER_MS)
#define BACKOFF_MIN_US (100 * RL_US_PER_MS)
#define BACKOFF_MAX_US (5 * RL_US_PER_S)

/* For somebody who follows a submission; there are many of them. */
static void log_done(const rl_sink *sink, const rl_sink_record *record) {
    if (rl_log_writes(sink->parts.log, RL_LOG_DEBUG)) {
        const rl_trace_ids trace = rl_message_trace(record->message);
        rl_log(sink->parts.log, RL_LOG_DEBUG, "result.done", RL_S("id", record->id),
               RL_I("partition", record->message->partition), RL_I("offset", record->message->offset),
               RL_S("trace_id", trace.trace), RL_S("span_id", trace.span));
    }
}

/* `through` -1: not to be committed yet. */
static void report(void *context, const rl_sink_record *record, int64_t through) {
    rl_sink *sink = context;
    log_done(sink, record);
    rl_metric_observe_us(sink->metrics.delay, rl_message_age_us(record->message));
    if (through >= 0) {
        rl_intake_done(sink->intake, record->message->partition, through);
    }
}

/* After an attempt that did not fail: what is left of the batch are decisions that are still being carried out. */
static void report_done(rl_sink *sink) {
    const size_t before = sink->batch.count;
    rl_metric_add(sink->metrics.superseded, (int64_t)rl_batch_superseded(&sink->batch));
    rl_batch_report_done(&sink->batch, report, sink);
    if (sink->batch.count == 0) {
        rl_metric_add(sink->metrics.batches, 1);
        rl_metric_set(sink->metrics.batch_records, (int64_t)before);
    }
}

/* ---- the intake's side --------------------------------------------------------------------------------- */

/* Before partitions go. One attempt: whoever holds up the whole group for longer is put out of it anyway. */
static void release(void *context, const rd_kafka_topic_partition_list_t *partitions, bool lost) {
    rl_sink *sink = context;
    rl_error err = RL_ERROR_INIT;
    if (!lost && !sink->holding && sink->batch.count > 0 && rl_sink_attempt(sink, &err) != RL_WRITER_FAILED) {
        report_done(sink);
    }
    size_t dropped = 0;
    for (int i = 0; i < partitions->cnt; i++) {
        dropped += rl_batch_drop_partition(&sink->batch, partitions->elems[i].partition);
    }
    rl_log(sink->parts.log, RL_LOG_INFO, "partitions.released", RL_I("partitions", partitions->cnt),
           RL_I("lost", lost), RL_I("records_left_to_next_owner", dropped));
}

/* Takes one record in; false with FATAL when this client cannot go on or memory is gone. `*ret_got` says whether
 * there was one. */
static bool take_record(rl_sink *sink, int64_t timeout_us, bool *ret_got, rl_error *err) {
    rd_kafka_message_t *message = NULL;
    *ret_got = false;
    if (!rl_intake_poll(sink->intake, timeout_us, &message, err)) {
        return false;
    }
    if (!message) {
        return true;
    }
    if (!rl_batch_add(&sink->batch, message)) {
        rd_kafka_message_destroy(message);
        return rl_error_set(err, RL_FATAL, 0, "out of memory");
    }
    rl_metric_add(sink->metrics.records, 1);
    *ret_got = true;
    return true;
}

/* Waits a moment for a first record unless there is something to do, then takes what is there. */
static bool gather(rl_sink *sink, rl_error *err) {
    bool got;
    if (!take_record(sink, sink->batch.count > 0 ? 0 : IDLE_WAIT_US, &got, err)) {
        return false;
    }
    int64_t end_us = rl_clock_us() + sink->config.batch_time_us;
    while (got && sink->batch.count < sink->config.batch_records &&
           sink->batch.bytes < sink->config.batch_bytes && rl_clock_us() < end_us) {
        if (!take_record(sink, 0, &got, err)) {
            return false;
        }
    }
    return true;
}

/* ---- holding ------------------------------------------------------------------------------------------- */

static void begin_hold(rl_sink *sink, const rl_error *why) {
    rl_log(sink->parts.log, RL_LOG_WARN, "batch.held", RL_I("records", sink->batch.count),
           RL_S("class", rl_error_class_name(why->error_class)), RL_S("error", why->message));
    atomic_store(&sink->holding, true);
    rl_metric_set(sink->metrics.holding, 1);
    rl_intake_hold(sink->intake);
}

static void end_hold(rl_sink *sink) {
    rl_log(sink->parts.log, RL_LOG_INFO, "batch.resumed", RL_I("records", sink->batch.count));
    atomic_store(&sink->holding, false);
    rl_metric_set(sink->metrics.holding, 0);
    rl_intake_resume(sink->intake);
}

static void update_figures(rl_sink *sink) {
    if (rl_clock_us() >= sink->figures_due_us) {
        rl_intake_figures figures = rl_intake_look(sink->intake);
        rl_sink_metrics_intake(&sink->metrics, &figures);
        sink->figures_due_us = rl_clock_us() + FIGURES_EVERY_US;
    }
}

/* Lets `pause_us` pass while the group keeps hearing from us. */
static bool wait_polling(rl_sink *sink, int64_t pause_us, rl_error *err) {
    int64_t end_us = rl_clock_us() + pause_us;
    for (int64_t left_us = pause_us; left_us > 0 && !atomic_load(&sink->stopping);
         left_us = end_us - rl_clock_us()) {
        bool got; /* a record that was on its way when the pause began joins the batch */
        if (!take_record(sink, left_us < IDLE_WAIT_US ? left_us : IDLE_WAIT_US, &got, err)) {
            return false;
        }
        rl_intake_commit(sink->intake);
        update_figures(sink);
    }
    return true;
}

/* Brings the batch to its end, however long that takes, but for decisions that are being carried out, of which it does one
 * bite; or leaves it when the sink is to stop. */
static bool finish_batch(rl_sink *sink, rl_error *err) {
    const int64_t begun_us = rl_clock_us();
    int64_t backoff_us = 0;
    rl_error why = RL_ERROR_INIT;
    while (rl_sink_attempt(sink, &why) == RL_WRITER_FAILED) {
        if (why.error_class == RL_FATAL) {
            return rl_error_set(err, RL_FATAL, why.code, "%s", why.message);
        }
        if (!sink->holding) {
            begin_hold(sink, &why);
        }
        backoff_us = rl_backoff_next_us(backoff_us, BACKOFF_MIN_US, BACKOFF_MAX_US);
        if (!wait_polling(sink, backoff_us, err)) {
            return false;
        }
        if (atomic_load(&sink->stopping)) {
            rl_log(sink->parts.log, RL_LOG_WARN, "batch.left", RL_I("records", sink->batch.count));
            rl_batch_clear(&sink->batch);
            return true;
        }
    }
    rl_metric_observe_us(sink->metrics.batch_time, rl_clock_us() - begun_us);
    report_done(sink);
    if (sink->holding) {
        end_hold(sink);
    }
    return true;
}

/* ---- upkeep -------------------------------------------------------------------------------------------- */

static void make_indexes(rl_sink *sink, rl_error *err) {
    if (rl_retention_ensure_indexes(sink->parts.mongo, &sink->config.collections, err)) {
        sink->indexes_made = true;
        rl_log(sink->parts.log, RL_LOG_INFO, "indexes.ensured",
               RL_S("collection", sink->config.collections.results));
    } else if (err->error_class == RL_INVALID) {
        /* Somebody made another index of that name: results are still worth more than their index. */
        sink->indexes_made = true;
        rl_log_failure(sink->parts.log, RL_LOG_ERROR, "indexes.refused", err);
    }
}

/* While writes go through they tell how MongoDB is; otherwise it is asked now and then. */
static bool check_mongo(rl_sink *sink, rl_error *err) {
    if (rl_clock_us() < sink->check_due_us) {
        return true;
    }
    rl_error why = RL_ERROR_INIT;
    bool was_ready = atomic_load(&sink->mongo_ready);
    bool ok = rl_mongo_ping(sink->parts.mongo, &why);
    if (ok && !sink->indexes_made) {
        make_indexes(sink, &why);
    }
    if (!ok && why.error_class == RL_FATAL) {
        return rl_error_set(err, RL_FATAL, why.code, "%s", why.message);
    }
    atomic_store(&sink->mongo_ready, ok);
    if (ok && !was_ready) {
        rl_log_event(sink->parts.log, RL_LOG_INFO, "mongo.reached");
    } else if (!ok && was_ready) {
        rl_log_failure(sink->parts.log, RL_LOG_WARN, "mongo.away", &why);
    }
    sink->check_due_us = rl_clock_us() + RL_SINK_CHECK_EVERY_US;
    return true;
}

static void settle_memory(rl_sink *sink) {
    char reason[128];
    if (!sink->settling.done) {
        const bool ready = rl_sink_kafka_ready(sink, reason) && rl_sink_mongo_ready(sink, reason);
        (void)rl_memory_settle(&sink->settling, ready, rl_clock_us());
    }
}

static bool step(rl_sink *sink, rl_error *err) {
    if (rl_producer_has_failed(sink->parts.producer, err) || !check_mongo(sink, err) || !gather(sink, err)) {
        return false;
    }
    if (sink->batch.count > 0 && !finish_batch(sink, err)) {
        return false;
    }
    rl_intake_commit(sink->intake);
    update_figures(sink);
    settle_memory(sink);
    return true;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

bool rl_sink_run(rl_sink *sink, rl_error *err) {
    bool ok = true;
    while (ok && !atomic_load(&sink->stopping)) {
        ok = step(sink, err);
    }
    rl_batch_clear(&sink->batch);
    rl_intake_leave(sink->intake);
    return ok;
}

rl_sink *rl_sink_new(const rl_sink_config *config, const rl_sink_parts *parts, rl_error *err) {
    rl_sink *sink = calloc(1, sizeof *sink);
    if (!sink) {
        rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return NULL;
    }
    sink->config = *config;
    sink->parts = *parts;
    atomic_init(&sink->holding, false);
    atomic_init(&sink->stopping, false);
    atomic_init(&sink->mongo_ready, false);
    rl_sink_metrics_make(parts->metrics, &sink->metrics);
    sink->writer = rl_sink_new_writer(sink, err);
    sink->intake = sink->writer ? rl_intake_new(&config->intake, release, sink, err) : NULL;
    if (!sink->intake) {
        rl_writer_free(sink->writer);
        free(sink);
        return NULL;
    }
    return sink;
}

void rl_sink_stop(rl_sink *sink) {
    atomic_store(&sink->stopping, true);
}

void rl_sink_free(rl_sink *sink) {
    if (!sink) {
        return;
    }
    rl_intake_free(sink->intake);
    rl_batch_free(&sink->batch);
    rl_writer_free(sink->writer);
    free(sink);
}

bool rl_sink_kafka_ready(void *context, char reason[128]) {
    rl_sink *sink = context;
    return rl_intake_ready(sink->intake, reason);
}

bool rl_sink_mongo_ready(void *context, char reason[128]) {
    rl_sink *sink = context;
    if (!atomic_load(&sink->mongo_ready)) {
        snprintf(reason, 128, "MongoDB does not take writes");
        return false;
    }
    return true;
}

bool rl_sink_batch_ready(void *context, char reason[128]) {
    rl_sink *sink = context;
    if (rl_producer_has_failed(sink->parts.producer, NULL)) {
        snprintf(reason, 128, "the producer of dead letters has failed for good");
        return false;
    }
    if (atomic_load(&sink->holding)) {
        snprintf(reason, 128, "results are held: MongoDB or the topic of dead letters does not take them");
        return false;
    }
    return true;
}
