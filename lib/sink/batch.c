/* batch.c: a growing table, and coalescing through a hash of the ids. */
#include "lib/sink/batch.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

bool rl_batch_add(rl_batch *batch, rd_kafka_message_t *message) {
    if (batch->count == batch->capacity) {
        size_t capacity = batch->capacity ? batch->capacity * 2 : 64;
        rl_sink_record *grown = realloc(batch->records, capacity * sizeof *grown);
        if (!grown) {
            return false;
        }
        batch->records = grown;
        batch->capacity = capacity;
    }
    batch->records[batch->count++] = (rl_sink_record){.message = message, .fate = RL_FATE_UNREAD};
    batch->bytes += message->len;
    return true;
}

/* Whether `record` wins over `there`, which came before it. */
static bool wins(const rl_apply_item *record, const rl_apply_item *there) {
    if (record->deleted != there->deleted) {
        return record->deleted;
    }
    return !record->deleted && record->generation > there->generation;
}

static bool same_document(const rl_sink_record *a, const rl_sink_record *b) {
    return a->place == b->place && strcmp(a->id, b->id) == 0;
}

/* Puts `record` into the open-addressed `table` (a power of two, never full) or lets it meet the one of
 * its id, which one of the two does not survive. */
static void meet(rl_sink_record **table, size_t size, rl_sink_record *record) {
    size_t slot = (size_t)rl_hash(rl_bytes_of(record->id)) & (size - 1);
    while (table[slot] && !same_document(table[slot], record)) {
        slot = (slot + 1) & (size - 1);
    }
    rl_sink_record *there = table[slot];
    if (!there) {
        table[slot] = record;
        return;
    }
    if (wins(&record->item, &there->item)) {
        there->fate = RL_FATE_SUPERSEDED;
        table[slot] = record;
    } else {
        record->fate = RL_FATE_SUPERSEDED;
    }
}

bool rl_batch_coalesce(rl_batch *batch, rl_error *err) {
    size_t size = 16;
    while (size < batch->count * 2) {
        size *= 2;
    }
    rl_sink_record **table = calloc(size, sizeof(rl_sink_record *));
    if (!table) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->records[i].fate == RL_FATE_TO_WRITE) {
            meet(table, size, &batch->records[i]);
        }
    }
    free(table);
    return true;
}

size_t rl_batch_revive(rl_batch *batch, const rl_sink_record *refused) {
    size_t revived = 0;
    for (size_t i = 0; i < batch->count; i++) {
        rl_sink_record *record = &batch->records[i];
        if (record->fate == RL_FATE_SUPERSEDED && same_document(record, refused)) {
            record->fate = RL_FATE_TO_WRITE;
            revived++;
        }
    }
    return revived;
}

size_t rl_batch_superseded(const rl_batch *batch) {
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        count += batch->records[i].fate == RL_FATE_SUPERSEDED;
    }
    return count;
}

/* What the unwritten records of `partition` superseded is to be written after all. (All records of an id are in
 * one partition, unless the topic's number of partitions was changed in between.) */
static void revive_others(rl_batch *batch, int32_t partition) {
    for (size_t i = 0; i < batch->count; i++) {
        const rl_sink_record *record = &batch->records[i];
        if (record->message->partition == partition && record->fate == RL_FATE_TO_WRITE) {
            (void)rl_batch_revive(batch, record); /* the next coalescing counts them again */
        }
    }
}

size_t rl_batch_drop_partition(rl_batch *batch, int32_t partition) {
    size_t kept = 0, dropped = 0;
    revive_others(batch, partition);
    for (size_t i = 0; i < batch->count; i++) {
        rl_sink_record *record = &batch->records[i];
        if (record->message->partition == partition) {
            batch->bytes -= record->message->len;
            rl_sink_record_clear(record);
            dropped++;
        } else {
            batch->records[kept++] = *record;
        }
    }
    batch->count = kept;
    return dropped;
}

/* The decision that is still being carried out and stands nearest before `record` in its partition. */
static rl_sink_record *obstacle(rl_batch *batch, const rl_sink_record *record) {
    rl_sink_record *nearest = NULL;
    for (size_t i = 0; i < batch->count; i++) {
        rl_sink_record *other = &batch->records[i];
        if (other->fate == RL_FATE_WRITTEN && other->message->partition == record->message->partition &&
            other->message->offset < record->message->offset &&
            (!nearest || other->message->offset > nearest->message->offset)) {
            nearest = other;
        }
    }
    return nearest;
}

static bool has_obstacles(const rl_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->records[i].fate == RL_FATE_WRITTEN) {
            return true;
        }
    }
    return false;
}

void rl_batch_report_done(rl_batch *batch, rl_batch_report report, void *context) {
    const bool obstacles = has_obstacles(batch);
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        rl_sink_record *record = &batch->records[i];
        if (record->fate == RL_FATE_WRITTEN) {
            continue;
        }
        const int64_t through =
            record->through > record->message->offset ? record->through : record->message->offset;
        rl_sink_record *before = obstacles ? obstacle(batch, record) : NULL;
        report(context, record, before ? -1 : through);
        if (before && before->through < through) {
            before->through = through;
        }
    }
    for (size_t i = 0; i < batch->count; i++) {
        rl_sink_record *record = &batch->records[i];
        if (record->fate == RL_FATE_WRITTEN) {
            batch->records[kept++] = *record;
        } else {
            batch->bytes -= record->message->len;
            rl_sink_record_clear(record);
        }
    }
    batch->count = kept;
}

void rl_batch_clear(rl_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        rl_sink_record_clear(&batch->records[i]);
    }
    batch->count = batch->bytes = 0;
}

void rl_batch_free(rl_batch *batch) {
    rl_batch_clear(batch);
    free(batch->records);
    *batch = (rl_batch){0};
}
