/* producer.h: records onto the log, each with its delivery report.
 *
 * Idempotent, acks=all, lz4, no linger. A thread of the producer's own serves the delivery reports, so
 * callbacks run there and must only hand over (set a flag, push to a queue).
 *
 * A producer can fail for good: when the order of its records can no longer be kept (the broker lost what it
 * had acknowledged, say), librdkafka raises a fatal error and sends nothing more. Every record is refused as
 * FATAL then, and rl_producer_has_failed tells it without a record at hand. Who owns the producer ends the
 * process, so that its successor begins with a new one, or frees it and makes another.
 *
 * Thread: rl_producer_send and the questions from any thread.
 */
#ifndef RL_STREAM_PRODUCER_H
#define RL_STREAM_PRODUCER_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/stream/client.h"

typedef struct rl_producer rl_producer;

/* What became of a record. `err` is NULL when it is on the log; `offset` is where. Runs on the producer's thread. */
typedef void (*rl_delivered)(void *context, int32_t partition, int64_t offset, const rl_error *err);

typedef struct {
    const char *name;
    rl_bytes value;
} rl_header;

typedef struct {
    const char *topic;
    int32_t partition; /* or RD_KAFKA_PARTITION_UA: by the key's hash */
    rl_bytes key;
    rl_bytes value;
    const rl_header *headers; /* may be NULL */
    size_t header_count;
} rl_record;

/* `delivery_timeout_us`: how long a record is tried; 0: for ever (until rl_producer_free). */
rl_producer *rl_producer_new(const rl_stream_config *config, int64_t delivery_timeout_us, rl_error *err);

/* Fetches the metadata of `topic`, so that the first record is not late. Waits up to `timeout_us`.
 * `*ret_partitions` (may be NULL) gets the number of partitions. TRANSIENT where the broker does not answer
 * or does not know the topic. */
bool rl_producer_prime(rl_producer *producer, const char *topic, int64_t timeout_us, int32_t *ret_partitions,
                       rl_error *err);

/* Queues a copy of the record. true: `delivered` will be called exactly once. false: it will not (TRANSIENT: the local
 * queue is full or the producer is closing; INVALID: too large; FATAL: the producer has failed, and so will
 * every later record). `delivered` may be NULL for news that may be lost. */
bool rl_producer_send(rl_producer *producer, const rl_record *record, rl_delivered delivered, void *context,
                      rl_error *err);

/* Where a record stands now. */
typedef struct {
    int32_t partition;
    int64_t offset;
} rl_delivery;

/* Sends and waits for the report. Returns the delivery's outcome; `ret` may be NULL. */
bool rl_producer_send_wait(rl_producer *producer, const rl_record *record, rl_delivery *ret, rl_error *err);

/* Whether the producer has failed for good. `err` (may be NULL) then gets FATAL and the first cause. Cheap (one
 * atomic read while all is well): for readiness checks and loops. Never goes back to false. */
bool rl_producer_has_failed(const rl_producer *producer, rl_error *err);

/* librdkafka's own client, for what is not wrapped here: tests inject its faults. Borrowed. */
rd_kafka_t *rl_producer_client(rl_producer *producer);

/* Records queued or in flight. */
int rl_producer_pending(const rl_producer *producer);

/* Waits until nothing is pending or `timeout_us` has passed; true when nothing is. */
bool rl_producer_flush(rl_producer *producer, int64_t timeout_us);

/* Fails what is still pending (each `delivered` is called), stops the thread and frees. NULL is fine. */
void rl_producer_free(rl_producer *producer);

RL_DEFINE_CLEANUP(rl_producer_slot, rl_producer, rl_producer_free)
#define RL_AUTO_PRODUCER RL_CLEANUP(rl_producer_slot)

#endif
