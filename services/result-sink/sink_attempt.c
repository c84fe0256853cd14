/* sink_attempt.c: an attempt at the batch in hand: write it (lib/sink/writer.h), then send letters for what cannot be written. */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/stream/message.h"
#include "lib/stream/schema_topic.h"
#include "services/result-sink/set_aside.h"
#include "services/result-sink/sink_parts.h"

#define SERVICE "runlog-result-sink"
#define SCHEMAS_TIMEOUT_US (5 * RL_US_PER_S)

static bool learn_schemas(void *context, rl_error *err) {
    const rl_sink *sink = context;
    return !sink->config.schemas_topic ||
           rl_schema_topic_learn(&sink->config.intake.stream, sink->config.schemas_topic, sink->parts.codec,
                                 SCHEMAS_TIMEOUT_US, err) ||
           rl_error_prefix(err, "cannot look for an unknown schema");
}

rl_writer *rl_sink_new_writer(rl_sink *sink, rl_error *err) {
    const rl_writer_config config = {
        .mongo = sink->parts.mongo,
        .codec = sink->parts.codec,
        .collections = sink->config.collections,
        .retention_us = sink->config.retention_us,
        .patience = sink->config.patience,
        .bite_records = sink->config.batch_records,
        .bite_bytes = sink->config.batch_bytes,
        .learn = learn_schemas,
        .learn_context = sink,
        .write_time = sink->metrics.write_time,
    };
    return rl_writer_new(&config, err);
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

/* What the writes have shown of MongoDB spares asking it. */
static void note_mongo(rl_sink *sink) {
    bool well;
    if (rl_writer_asked(sink->writer, &well)) {
        atomic_store(&sink->mongo_ready, well);
        sink->check_due_us = rl_clock_us() + RL_SINK_CHECK_EVERY_US;
    }
}

static bool send_letters(rl_sink *sink, rl_error *err) {
    size_t letters = 0;
    log_letters(sink);
    bool ok = rl_set_aside(sink->parts.producer, sink->config.dead_letter_topic, SERVICE, &sink->batch,
                           &letters, err);
    rl_metric_add(sink->metrics.dead_letters, (int64_t)letters);
    return ok;
}

rl_writer_progress rl_sink_attempt(rl_sink *sink, rl_error *err) {
    rl_error why = RL_ERROR_INIT;
    rl_writer_progress progress = rl_writer_attempt(sink->writer, &sink->batch, &why);
    note_mongo(sink);
    if (progress != RL_WRITER_FAILED && !send_letters(sink, &why)) {
        progress = RL_WRITER_FAILED;
    }
    rl_sink_metrics_written(&sink->metrics, rl_writer_look(sink->writer));
    rl_metric_set(sink->metrics.suspects, (int64_t)rl_writer_suspects(sink->writer, &sink->batch));
    if (progress == RL_WRITER_FAILED) {
        rl_metric_add(sink->metrics.failures[why.error_class], 1);
        if (err) {
            *err = why;
        }
    }
    return progress;
}
