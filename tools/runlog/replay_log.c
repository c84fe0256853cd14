/* replay_log.c: clients, codec and offsets; what is read is in replay_read.c. See replay_log.h. */
#include "tools/runlog/replay_log.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/schema_source.h"
#include "lib/stream/schema_topic.h"
#include "lib/stream/topics.h"
#include "tools/runlog/kafka_view.h"
#include "tools/runlog/settings.h"

#define DELIVERY_US (60 * RL_US_PER_S)
#define SCHEMA_US (10 * RL_US_PER_S)

struct rl_replay_log {
    rl_cli_settings settings;
    rl_stream_config stream; /* borrows from the settings */
    rd_kafka_t *reader;
    rl_codec *codec;
    rl_schema_source *schemas;
    rl_producer *producer; /* NULL until something is written */
};

rl_replay_log *rl_replay_log_open(const rl_cli_call *call, rl_error *err) {
    RL_AUTO_REPLAY_LOG rl_replay_log *log = calloc(1, sizeof *log);
    if (!log) {
        (void)rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return NULL;
    }
    if (!rl_cli_settings_load(call->environment, &log->settings, err)) {
        return NULL;
    }
    log->stream = rl_cli_settings_stream(&log->settings);
    log->reader = rl_log_scan_client(&log->stream, err);
    log->codec = log->reader ? rl_codec_new(err) : NULL;
    log->schemas = log->codec ? rl_schema_source_new(&log->stream, RL_TOPIC_SCHEMAS, log->codec, err) : NULL;
    return log->schemas ? RL_STEAL(log) : NULL;
}

void rl_replay_log_close(rl_replay_log *log) {
    if (!log) {
        return;
    }
    rl_producer_free(log->producer);
    if (log->schemas) {
        rl_schema_source_free(log->schemas);
    }
    rl_codec_free(log->codec);
    if (log->reader) {
        rd_kafka_destroy(log->reader);
    }
    free(log);
}

rd_kafka_t *rl_replay_log_reader(const rl_replay_log *log) {
    return log->reader;
}

rl_codec *rl_replay_log_codec(const rl_replay_log *log) {
    return log->codec;
}

rl_producer *rl_replay_log_producer(rl_replay_log *log, rl_error *err) {
    static const rl_record_kind kinds[] = {RL_RECORD_SUBMISSION, RL_RECORD_REPLAY, RL_RECORD_CANCEL,
                                           RL_RECORD_APPLIED, RL_RECORD_DISCARDED};
    if (log->producer) {
        return log->producer;
    }
    RL_AUTO_PRODUCER rl_producer *producer = rl_producer_new(&log->stream, DELIVERY_US, err);
    if (!producer ||
        !rl_schema_topic_publish(producer, log->codec, kinds, sizeof kinds / sizeof *kinds, err)) {
        return NULL;
    }
    log->producer = RL_STEAL(producer);
    return log->producer;
}

bool rl_replay_log_write(rl_replay_log *log, const char *topic, const char *key, rl_bytes value,
                         rl_error *err) {
    rl_producer *producer = rl_replay_log_producer(log, err);
    const rl_record record = {
        .topic = topic, .partition = RD_KAFKA_PARTITION_UA, .key = rl_bytes_of(key), .value = value};
    return producer && (rl_producer_send_wait(producer, &record, NULL, err) ||
                        rl_error_prefix(err, "cannot write to %s", topic));
}

bool rl_replay_log_kind(rl_replay_log *log, rl_bytes framed, rl_record_kind *ret_kind, rl_error *err) {
    return rl_schema_source_resolve(log->schemas, framed, SCHEMA_US, err) &&
           rl_codec_kind(log->codec, framed, ret_kind, err);
}

bool rl_replay_log_submission(rl_replay_log *log, rl_bytes framed, rl_arena *arena, rl_submission *ret,
                              rl_error *err) {
    return rl_schema_source_resolve(log->schemas, framed, SCHEMA_US, err) &&
           rl_submission_decode(log->codec, framed, arena, ret, err);
}

/* ---- which offsets ---- */

bool rl_replay_log_note_topic(rl_replay_log *log, const char *topic, int64_t since_us, rl_log_ranges *ranges,
                              rl_error *err) {
    return rl_log_ranges_add_topic(ranges, log->reader, topic, err) &&
           rl_log_ranges_narrow(ranges, log->reader, since_us, 0, err);
}

bool rl_replay_log_extend(rl_replay_log *log, rl_log_ranges *ranges, rl_error *err) {
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_new((int)ranges->count);
    for (size_t i = 0; i < ranges->count; i++) {
        (void)rd_kafka_topic_partition_list_add(ends, ranges->items[i].topic, ranges->items[i].partition);
    }
    if (!rl_kafka_view_offsets(log->reader, ends, RD_KAFKA_OFFSET_SPEC_LATEST, err)) {
        return false;
    }
    for (size_t i = 0; i < ranges->count; i++) {
        ranges->items[i].to = ends->elems[i].offset;
    }
    return true;
}

void rl_replay_log_passed(rl_log_ranges *ranges) {
    for (size_t i = 0; i < ranges->count; i++) {
        ranges->items[i].from = ranges->items[i].to;
    }
}

/* Narrows a partition's range to what lies within the asked ones: from the first to the last of them. */
static void narrow_to(rl_log_range *range, const rl_log_ranges *asked) {
    int64_t from = range->to, to = range->from;
    for (size_t i = 0; i < asked->count; i++) {
        const rl_log_range *one = &asked->items[i];
        if (one->partition == range->partition && strcmp(one->topic, range->topic) == 0) {
            from = one->from < from ? one->from : from;
            to = one->to > to ? one->to : to;
        }
    }
    range->from = from > range->from ? from : range->from;
    range->to = to < range->to ? to : range->to;
}

bool rl_replay_log_note(rl_replay_log *log, rl_replay_selection *selection, rl_error *err) {
    int64_t since_us = 0, until_us = 0;
    rl_replay_selection_times(selection, &since_us, &until_us);
    rl_log_ranges *ranges = &selection->submissions;
    if (!rl_log_ranges_add_topic(ranges, log->reader, RL_TOPIC_SUBMISSIONS, err) ||
        !rl_log_ranges_add_topic(ranges, log->reader, RL_TOPIC_SUBMISSIONS_BATCH, err) ||
        !rl_log_ranges_narrow(ranges, log->reader, since_us, until_us, err)) {
        return false;
    }
    for (size_t i = 0; selection->offsets.count > 0 && i < ranges->count; i++) {
        narrow_to(&ranges->items[i], &selection->offsets);
    }
    return true;
}
