/* batch.h: the records in hand, in the order in which they came.
 *
 * Thread: the sink's. Memory: grows to the configured bounds once and is kept.
 */
#ifndef RL_SINK_BATCH_H
#define RL_SINK_BATCH_H

#include "lib/sink/record.h"

typedef struct {
    rl_sink_record *records;
    size_t count;
    size_t capacity;
    size_t bytes; /* of the values of all messages */
} rl_batch;

/* Takes `message` over. When memory is short, false: it stays the caller's. */
bool rl_batch_add(rl_batch *batch, rd_kafka_message_t *message);

/* Of the records that are to be written, keeps one for each document: a tombstone if there is one, else the highest
 * generation, and of equals the one that came first. The others become SUPERSEDED. One
 * by one the guards would come to the same end, but an unordered bulk has no first. TRANSIENT when memory
 * is short. */
bool rl_batch_coalesce(rl_batch *batch, rl_error *err);

/* `refused` is of this batch and will not be written: what it superseded has to be written in its place. Returns how
 * many records of its id are TO_WRITE again; coalescing keeps the best of them. */
size_t rl_batch_revive(rl_batch *batch, const rl_sink_record *refused);

/* How many records are SUPERSEDED. */
size_t rl_batch_superseded(const rl_batch *batch);

/* Forgets all records of `partition`, those too that are settled: should the partition come back while the
 * batch is held, reporting a settled one would move its position past an earlier one that is not. What they
 * superseded in other partitions is TO_WRITE again unless they were written. Returns how many there were. */
size_t rl_batch_drop_partition(rl_batch *batch, int32_t partition);

/* After an attempt that left nothing to do but decisions still being carried out (WRITTEN): hands over, by `report`, how far
 * each partition has been dealt with, and keeps those decisions only. What follows one of them in its partition is
 * remembered with it (`through`) and handed over once it is settled. With none left the batch is empty. */
typedef void (*rl_batch_report)(void *context, const rl_sink_record *record, int64_t through);
void rl_batch_report_done(rl_batch *batch, rl_batch_report report, void *context);

/* Forgets everything and keeps the memory of the table; rl_batch_free gives that back too. */
void rl_batch_clear(rl_batch *batch);
void rl_batch_free(rl_batch *batch);

#endif
