/* sink_attempt.c: read, write, set aside: what of a batch is done stays done, so that the next attempt goes on there. */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/stream/message.h"
#include "lib/stream/schema_topic.h"
#include "services/result-sink/apply.h"
#include "services/result-sink/set_aside.h"
#include "services/result-sink/sink_parts.h"

#define SERVICE "runlog-result-sink"
#define SCHEMAS_TIMEOUT_US (5 * RL_US_PER_S)

/* Reads one record; where its writer's schema is not known, looks for it on the topic of schemas first. */
static bool read_record(rl_sink *sink, rl_sink_record *record, bool *looked, rl_error *err) {
    bool unknown;
    int64_t now_us = rl_wall_clock_us();
    if (!rl_sink_record_read(record, sink->parts.codec, sink->config.retention_us, now_us, &unknown, err)) {
        return false;
    }
    if (!unknown || *looked || !sink->config.schemas_topic) {
        return true;
    }
    *looked = true; /* once for a batch: a producer announces its schemas before its first record */
    record->fate = RL_FATE_UNREAD;
    if (!rl_schema_topic_learn(&sink->config.intake.stream, sink->config.schemas_topic, sink->parts.codec,
                               SCHEMAS_TIMEOUT_US, err)) {
        return rl_error_prefix(err, "cannot look for an unknown schema");
    }
    return rl_sink_record_read(record, sink->parts.codec, sink->config.retention_us, now_us, &unknown, err);
}

static bool read_records(rl_sink *sink, rl_error *err) {
    bool looked = false;
    for (size_t i = 0; i < sink->batch.count; i++) {
        rl_sink_record *record = &sink->batch.records[i];
        if (record->fate != RL_FATE_UNREAD) {
            continue;
        }
        if (!read_record(sink, record, &looked, err)) {
            return false;
        }
        rl_metric_add(sink->metrics.expired, record->fate == RL_FATE_EXPIRED);
    }
    return true;
}

/* Carries what rl_apply_run found over to the records. Returns how many are to be written in the place of refused
 * ones. */
static size_t note_outcomes(rl_sink *sink) {
    size_t revived = 0;
    for (size_t i = 0; i < sink->batch.count; i++) {
        rl_sink_record *record = &sink->batch.records[i];
        if (record->fate != RL_FATE_TO_WRITE) {
            continue;
        }
        if (record->item.status == RL_APPLY_DONE) {
            record->fate = RL_FATE_SETTLED;
            rl_metric_add(sink->metrics.deleted, record->item.deleted);
        } else if (record->item.status == RL_APPLY_REFUSED) {
            record->fate = RL_FATE_SET_ASIDE;
            record->why = record->item.why;
            revived += rl_batch_revive(&sink->batch, record);
        }
    }
    return revived;
}

/* One bulk. `*ret_revived`: there is more to write after it. */
static bool write_chosen(rl_sink *sink, size_t *ret_revived, rl_error *err) {
    size_t count = 0;
    *ret_revived = 0;
    RL_AUTO_FREE rl_apply_item **items = calloc(sink->batch.count + 1, sizeof *items);
    if (!items) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    for (size_t i = 0; i < sink->batch.count; i++) {
        if (sink->batch.records[i].fate == RL_FATE_TO_WRITE) {
            items[count++] = &sink->batch.records[i].item;
        }
    }
    if (count == 0) {
        return true;
    }
    rl_apply_counts counts = {0};
    int64_t begun_us = rl_clock_us();
    const rl_apply_target target = {sink->parts.mongo, sink->config.collection, sink->config.patience};
    bool ok = rl_apply_run(&target, items, count, &counts, err);
    rl_metric_observe_us(sink->metrics.write_time, rl_clock_us() - begun_us);
    rl_metric_add(sink->metrics.applied, counts.applied);
    rl_metric_add(sink->metrics.stale, counts.stale);
    atomic_store(&sink->mongo_ready, ok);
    sink->check_due_us = rl_clock_us() + RL_SINK_CHECK_EVERY_US;
    *ret_revived = note_outcomes(sink);
    return ok;
}

/* Each turn but the last refuses a record, so that there is a last. */
static bool write_records(rl_sink *sink, rl_error *err) {
    size_t revived = 1;
    while (revived > 0) {
        if (!rl_batch_coalesce(&sink->batch, err) || !write_chosen(sink, &revived, err)) {
            return false;
        }
    }
    return true;
}

static void log_letters(rl_sink *sink) {
    for (size_t i = 0; i < sink->batch.count; i++) {
        const rl_sink_record *record = &sink->batch.records[i];
        if (record->fate == RL_FATE_SET_ASIDE) {
            const rl_trace_ids trace = rl_message_trace(record->message);
            rl_log(sink->parts.log, RL_LOG_WARN, "result.set_aside", RL_S("id", record->id),
                   RL_I("partition", record->message->partition), RL_I("offset", record->message->offset),
                   RL_S("trace_id", trace.trace), RL_S("span_id", trace.span),
                   RL_S("class", rl_error_class_name(record->why.error_class)),
                   RL_S("error", record->why.message));
        }
    }
}

static void show_suspects(rl_sink *sink) {
    int64_t suspects = 0;
    for (size_t i = 0; i < sink->batch.count; i++) {
        const rl_sink_record *record = &sink->batch.records[i];
        suspects += record->fate == RL_FATE_TO_WRITE && record->item.suspicion.on;
    }
    rl_metric_set(sink->metrics.suspects, suspects);
}

bool rl_sink_attempt(rl_sink *sink, rl_error *err) {
    rl_error why = RL_ERROR_INIT;
    bool ok = read_records(sink, &why) && write_records(sink, &why);
    if (ok) {
        size_t letters = 0;
        log_letters(sink);
        ok = rl_set_aside(sink->parts.producer, sink->config.dead_letter_topic, SERVICE, &sink->batch,
                          &letters, &why);
        rl_metric_add(sink->metrics.dead_letters, (int64_t)letters);
    }
    show_suspects(sink);
    if (!ok) {
        rl_metric_add(sink->metrics.failures[why.error_class], 1);
        if (err) {
            *err = why;
        }
    }
    return ok;
}
