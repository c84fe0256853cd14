/* sink_watch.h: how far the sink has come on `results`, where the log ends, and whether the broker answers.
 *
 * A thread asks once a second for the offsets that the sink's group has committed and hands them to the
 * cache, which may then drop what lies below them; and for the ends of the partitions, which tell whether
 * the reader is up to date. That the broker answers is also the measure of being connected to the log.
 *
 * Thread: any.
 */
#ifndef RL_API_SINK_WATCH_H
#define RL_API_SINK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/stream/client.h"
#include "services/api/result_cache.h"

typedef struct rl_sink_watch rl_sink_watch;

/* Both are borrowed; `client` is a consumer with the sink's group id. Asks nothing yet. NULL and TRANSIENT
 * when memory is short. */
rl_sink_watch *rl_sink_watch_new(rd_kafka_t *client, rl_result_cache *cache, rl_error *err);
void rl_sink_watch_free(rl_sink_watch *watch);

/* Ends the thread; the client is not used from here on. */
void rl_sink_watch_stop(rl_sink_watch *watch);

/* Asks now. Fills the offsets of `list`, partitions of `results`: negative where the sink has committed
 * nothing. TRANSIENT where the broker does not answer. */
bool rl_sink_watch_ask(rl_sink_watch *watch, rd_kafka_topic_partition_list_t *list, rl_error *err);

/* Where a partition stands at the start: what the sink has committed (negative: nothing), and its end.
 * Before rl_sink_watch_start, for each partition from 0 on. */
void rl_sink_watch_begin(rl_sink_watch *watch, int32_t partition, int64_t committed, int64_t end);

/* Goes on asking for partitions 0 to `partitions` - 1. Once. TRANSIENT where there is no thread to be had. */
bool rl_sink_watch_start(rl_sink_watch *watch, int32_t partitions, rl_error *err);

/* What the sink had committed of a partition when last asked; negative: nothing. */
int64_t rl_sink_watch_committed(const rl_sink_watch *watch, int32_t partition);

/* Where a partition ended a second or two ago. A reader that keeps up has passed it. */
int64_t rl_sink_watch_end(const rl_sink_watch *watch, int32_t partition);

/* Whether these ends are recent. */
bool rl_sink_watch_ends_known(const rl_sink_watch *watch);

/* Whether the broker has answered lately. Not before rl_sink_watch_start. */
bool rl_sink_watch_connected(const rl_sink_watch *watch);

/* librdkafka has lost all brokers: not connected until the next answer. */
void rl_sink_watch_brokers_down(rl_sink_watch *watch);

RL_DEFINE_CLEANUP(rl_sink_watch_slot, rl_sink_watch, rl_sink_watch_free)

#endif
