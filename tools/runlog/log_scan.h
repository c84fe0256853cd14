/* log_scan.h: reads stretches of the log, from offsets to offsets.
 *
 * What there is to read is noted first: one range for each partition, from an offset to another one, usually the one
 * behind the last record at that moment. The scan then reads exactly that, whatever is written meanwhile, and ends: a range is
 * over when its last record has been seen, or when the partition ends at or behind its end (compaction and retention
 * leave gaps). Records of a partition come in order, partitions in any. No group takes part and nothing is
 * committed: reading changes nothing.
 *
 * Memory: half a MiB read ahead for each partition, or one record where that is larger.
 *
 * Thread: one at a time; the visitor runs on the caller's.
 */
#ifndef RL_TOOLS_LOG_SCAN_H
#define RL_TOOLS_LOG_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/stream/client.h"

#define RL_LOG_OPEN INT64_MAX /* as the end of a range: follow what is written, without end */

typedef struct {
    const char *topic; /* borrowed: names of topics are constants (lib/stream/topics.h) */
    int32_t partition;
    int64_t from, to; /* offsets: from the first of them to before the second */
} rl_log_range;

/* {0} is an empty list. No partition may be in it twice. */
typedef struct {
    rl_log_range *items; /* owned */
    size_t count, capacity;
} rl_log_ranges;

void rl_log_ranges_free(rl_log_ranges *ranges);
bool rl_log_ranges_add(rl_log_ranges *ranges, const rl_log_range *range, rl_error *err);

/* How many offsets they have in all: at least as many as there are records. RL_LOG_OPEN ends count as nothing. */
int64_t rl_log_ranges_size(const rl_log_ranges *ranges);

/* The range of that partition; NULL where there is none. */
rl_log_range *rl_log_ranges_find(const rl_log_ranges *ranges, const char *topic, int32_t partition);

/* A range as people write it, both ends included: "submissions/3@100-199"; "submissions/3@100-" to the end, "submissions/3@100" for
 * one record. `topics` are those it may be of; `ret` borrows the name from there. INVALID for anything else. */
bool rl_log_range_parse(const char *text, const char *const *topics, size_t topic_count, rl_log_range *ret,
                        rl_error *err);

#define RL_LOG_RANGE_SIZE 320

/* The same as text; of a range that holds something. */
void rl_log_range_text(const rl_log_range *range, char out[RL_LOG_RANGE_SIZE]);

/* A consumer for scans and for questions (kafka_view.h); freed by rd_kafka_destroy. INVALID where a setting is wrong. */
rd_kafka_t *rl_log_scan_client(const rl_stream_config *stream, rl_error *err);

/* Adds every partition of `topic`, from its first record to behind the last there is now. INVALID where there is no such
 * topic, TRANSIENT where Kafka does not answer. */
bool rl_log_ranges_add_topic(rl_log_ranges *ranges, rd_kafka_t *client, const char *topic, rl_error *err);

/* Narrows each range to the records that Kafka has from `since_us` on, and from `until_us` on no more (wall clock; 0: not
 * narrowed). Kafka goes by the time that the writer of a record gave it: leave room for clocks that differ. */
bool rl_log_ranges_narrow(rl_log_ranges *ranges, rd_kafka_t *client, int64_t since_us, int64_t until_us,
                          rl_error *err);

typedef enum {
    RL_LOG_NEXT,   /* go on */
    RL_LOG_ENOUGH, /* end the scan: it has succeeded */
    RL_LOG_FAILED, /* end the scan with the error that the visitor has set */
} rl_log_step;

/* Called for each record; it lives for the call. Called with NULL whenever nothing has come for a fifth of a second, so that the
 * visitor can look at its clock. */
typedef rl_log_step (*rl_log_visit)(void *context, const rd_kafka_message_t *message, rl_error *err);

/* Reads the ranges to their ends. TRANSIENT where Kafka sends nothing for 30 seconds though there is something to come. */
bool rl_log_scan(rd_kafka_t *client, const rl_log_ranges *ranges, rl_log_visit visit, void *context,
                 rl_error *err);

#define RL_AUTO_RANGES RL_CLEANUP(rl_log_ranges_free)

#endif
