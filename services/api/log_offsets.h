/* log_offsets.h: where the partitions of a topic begin and end, and how new its newest record is.
 *
 * One question for all partitions (ListOffsets, KIP-396 and KIP-734; brokers answer the last kind from
 * Kafka 3.0 on).
 *
 * Thread: any; each call waits for its answer.
 */
#ifndef RL_API_LOG_OFFSETS_H
#define RL_API_LOG_OFFSETS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/stream/client.h"

/* How many partitions `topic` has. TRANSIENT where no broker answers or knows the topic. */
bool rl_log_partitions(rd_kafka_t *client, const char *topic, int timeout_ms, int32_t *ret, rl_error *err);

/* Fills `ret[0]` to `ret[partitions - 1]` with the offsets that the next records will have. TRANSIENT where
 * not every partition's leader answers. */
bool rl_log_ends(rd_kafka_t *client, const char *topic, int32_t partitions, int timeout_ms, int64_t *ret,
                 rl_error *err);

/* The same for the oldest records that are still there. */
bool rl_log_begins(rd_kafka_t *client, const char *topic, int32_t partitions, int timeout_ms, int64_t *ret,
                   rl_error *err);

/* The largest timestamp of all records of the topic, in ms since 1970; -1 where there are none. */
bool rl_log_newest_ms(rd_kafka_t *client, const char *topic, int32_t partitions, int timeout_ms, int64_t *ret,
                      rl_error *err);

#endif
