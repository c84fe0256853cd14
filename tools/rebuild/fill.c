/* fill.c: partitions into one queue, records into batches, batches to their end. */
#include "tools/rebuild/fill.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/sink/retention.h"
#include "lib/stream/schema_topic.h"
#include "tools/runlog/log_scan.h"

#define BATCH_RECORDS 500
#define BATCH_BYTES ((size_t)16 * 1024 * 1024)
#define POLL_MS 200
#define KAFKA_PATIENCE_US (30 * RL_US_PER_S)
#define MONGO_PATIENCE_US (120 * RL_US_PER_S)
#define SCHEMAS_TIMEOUT_US (10 * RL_US_PER_S)
#define BACKOFF_MIN_US (100 * RL_US_PER_MS)
#define BACKOFF_MAX_US (5 * RL_US_PER_S)

/* ---- the target ---------------------------------------------------------------------------------------- */

static bool note_any(void *context, const bson_t *document) {
    (void)document;
    *(bool *)context = true;
    return false;
}

bool rl_fill_check_empty(rl_mongo *mongo, rl_error *err) {
    const rl_sink_collections names = RL_SINK_COLLECTIONS;
    const char *const collections[] = {names.results, names.held, names.replays};
    bson_t everything = BSON_INITIALIZER;
    for (size_t i = 0; i < 3; i++) {
        bool found = false;
        if (!rl_query_find(mongo, collections[i], &everything, "_id", 1, note_any, &found, err)) {
            return false;
        }
        if (found) {
            return rl_error_set(err, RL_INVALID, 0,
                                "the database %s is not empty: its collection %s has documents",
                                rl_mongo_database(mongo), collections[i]);
        }
    }
    return true;
}

/* ---- batches ------------------------------------------------------------------------------------------- */

typedef struct {
    const rl_fill_config *config;
    rl_writer *writer;
    rl_batch batch;
    rl_fill_outcome *outcome;
} filling;

static bool learn(void *context, rl_error *err) {
    const rl_fill_config *config = context;
    return rl_schema_topic_learn(&config->stream, config->schemas_topic, config->codec, SCHEMAS_TIMEOUT_US,
                                 err);
}

static void pause_us(int64_t us) {
    (void)nanosleep(&(struct timespec){.tv_sec = us / RL_US_PER_S, .tv_nsec = us % RL_US_PER_S * 1000}, NULL);
}

static void count_set_aside(filling *f) {
    for (size_t i = 0; i < f->batch.count; i++) {
        const rl_sink_record *record = &f->batch.records[i];
        if (record->fate != RL_FATE_SET_ASIDE) {
            continue;
        }
        if (f->outcome->set_aside++ == 0) {
            (void)snprintf(f->outcome->first_why, sizeof f->outcome->first_why, "%s", record->why.message);
        }
    }
}

/* Brings the batch to its end, however many bites that takes. */
static bool write_batch(filling *f, rl_error *err) {
    int64_t taken_us = rl_clock_us(), backoff_us = 0;
    rl_writer_progress progress;
    while ((progress = rl_writer_attempt(f->writer, &f->batch, err)) != RL_WRITER_DONE) {
        if (progress == RL_WRITER_MORE) {
            taken_us = rl_clock_us();
            backoff_us = 0;
            continue;
        }
        if (rl_clock_us() - taken_us > MONGO_PATIENCE_US) {
            return false;
        }
        backoff_us = rl_backoff_next_us(backoff_us, BACKOFF_MIN_US, BACKOFF_MAX_US);
        pause_us(backoff_us);
    }
    count_set_aside(f);
    f->outcome->records += (int64_t)f->batch.count;
    f->outcome->written = *rl_writer_look(f->writer);
    rl_batch_clear(&f->batch);
    if (f->config->progress) {
        f->config->progress(f->config->context, f->outcome);
    }
    return true;
}

/* ---- the log ------------------------------------------------------------------------------------------- */

typedef struct {
    const rl_log_range *range;
    rd_kafka_topic_t *topic;
    bool begun, done;
} reading;

/* The log of a partition that has lost its first records begins with its first one of now. */
static void note_begin(filling *f, reading *r, const rd_kafka_message_t *message) {
    rd_kafka_timestamp_type_t type;
    const int64_t ms = rd_kafka_message_timestamp(message, &type);
    if (!r->begun && r->range->from > 0 && ms * RL_US_PER_MS > f->outcome->begins_us) {
        f->outcome->begins_us = ms * RL_US_PER_MS;
    }
    r->begun = true;
}

/* Takes `message` over. */
static bool take(filling *f, reading *r, rd_kafka_message_t *message, rl_error *err) {
    note_begin(f, r, message);
    if (!rl_batch_add(&f->batch, message)) {
        rd_kafka_message_destroy(message);
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    return (f->batch.count < BATCH_RECORDS && f->batch.bytes < BATCH_BYTES) || write_batch(f, err);
}

static reading *reading_of(reading *readings, size_t count, int32_t partition) {
    for (size_t i = 0; i < count; i++) {
        if (readings[i].range->partition == partition) {
            return &readings[i];
        }
    }
    return NULL;
}

static bool start(const rl_fill_config *config, rd_kafka_t *client, rd_kafka_queue_t *queue, reading *r,
                  rl_error *err) {
    r->done = r->range->from >= r->range->to;
    if (r->done) {
        return true;
    }
    r->topic = rd_kafka_topic_new(client, config->topic, NULL);
    return (r->topic &&
            rd_kafka_consume_start_queue(r->topic, r->range->partition, r->range->from, queue) == 0) ||
           rl_stream_error(err, rd_kafka_last_error(), "cannot read the topic of results");
}

static void stop(reading *r) {
    if (r->topic) {
        (void)rd_kafka_consume_stop(r->topic, r->range->partition); /* refuses one that was not started */
        rd_kafka_topic_destroy(r->topic);
        r->topic = NULL;
    }
    r->done = true;
}

static size_t count_unfinished(const reading *readings, size_t count) {
    size_t unfinished = 0;
    for (size_t i = 0; i < count; i++) {
        unfinished += !readings[i].done;
    }
    return unfinished;
}

/* Errors that come in a record's place: one that goes by is waited for. */
static bool goes_by(const rd_kafka_message_t *message, rl_error *err) {
    rl_stream_error(err, message->err, "cannot read the topic of results");
    return err->error_class == RL_TRANSIENT;
}

static bool read_all(filling *f, rd_kafka_queue_t *queue, reading *readings, size_t count, rl_error *err) {
    int64_t heard_us = rl_clock_us();
    while (count_unfinished(readings, count) > 0) {
        RL_CLEANUP(rl_rd_message_slot) rd_kafka_message_t *message = rd_kafka_consume_queue(queue, POLL_MS);
        const bool is_end = message && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (!message || (message->err && !is_end)) {
            if (message && !goes_by(message, err)) {
                return false;
            }
            if (rl_clock_us() - heard_us > KAFKA_PATIENCE_US) {
                return rl_error_set(err, RL_TRANSIENT, 0, "Kafka does not send what it has");
            }
            continue;
        }
        reading *r = reading_of(readings, count, message->partition);
        if (!r || r->done) {
            continue; /* read ahead, before the reading was stopped */
        }
        const bool last = message->offset + (is_end ? 0 : 1) >= r->range->to;
        const bool belongs = !is_end && message->offset < r->range->to;
        if (belongs && !take(f, r, RL_STEAL(message), err)) {
            return false;
        }
        if (last) {
            stop(r);
        }
        heard_us = rl_clock_us(); /* after the writing, which may have taken its time */
    }
    return f->batch.count == 0 || write_batch(f, err);
}

static bool read_ranges(filling *f, rd_kafka_t *client, const rl_log_ranges *ranges, reading *readings,
                        rl_error *err) {
    RL_CLEANUP(rl_rd_queue_slot) rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    bool ok = true;
    for (size_t i = 0; ok && i < ranges->count; i++) {
        const rl_log_range *range = &ranges->items[i];
        readings[i].range = range;
        if (range->from > 0 && range->from >= range->to) {
            f->outcome->begins_us = rl_wall_clock_us(); /* all of it has gone */
        }
        ok = start(f->config, client, queue, &readings[i], err);
    }
    ok = ok && read_all(f, queue, readings, ranges->count, err);
    for (size_t i = 0; i < ranges->count && readings[i].range; i++) {
        stop(&readings[i]);
    }
    return ok;
}

static bool read_log(filling *f, rl_error *err) {
    RL_CLEANUP(rl_rd_client_slot) rd_kafka_t *client = rl_log_scan_client(&f->config->stream, err);
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    if (!client || !rl_log_ranges_add_topic(&ranges, client, f->config->topic, err)) {
        return false;
    }
    f->outcome->total = rl_log_ranges_size(&ranges);
    RL_AUTO_FREE reading *readings = calloc(ranges.count + 1, sizeof *readings);
    if (!readings) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    return read_ranges(f, client, &ranges, readings, err);
}

bool rl_fill(const rl_fill_config *config, rl_fill_outcome *ret, rl_error *err) {
    const rl_sink_collections names = RL_SINK_COLLECTIONS;
    *ret = (rl_fill_outcome){0};
    const rl_writer_config writer = {.mongo = config->mongo,
                                     .codec = config->codec,
                                     .collections = names,
                                     .retention_us = config->retention_us,
                                     .patience = RL_APPLY_PATIENCE,
                                     .bite_records = BATCH_RECORDS,
                                     .bite_bytes = BATCH_BYTES,
                                     .learn = learn,
                                     .learn_context = (void *)config};
    if (!rl_retention_ensure_indexes(config->mongo, &names, err)) {
        return false;
    }
    filling f = {.config = config, .outcome = ret, .writer = rl_writer_new(&writer, err)};
    bool ok = f.writer && read_log(&f, err);
    rl_writer_free(f.writer);
    rl_batch_free(&f.batch);
    return ok;
}
