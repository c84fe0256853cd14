/* claim.h: asks the group what it remembers of partitions: the committed offset and the note beside it.
 *
 * librdkafka reads committed offsets by itself to know where to start, but does not show the note. So it is
 * asked for once more, in the background. Where a note tells of leases, the end of the log is asked for as
 * well: what came later cannot have been started under that lease. Where nothing is committed, its beginning is, which
 * retention may have moved: an offset before it would be committed for nothing.
 *
 * One request at a time. What an answer does not tell, because the request failed or a partition has no leader at the
 * moment, may be asked for again.
 *
 * Thread: the consumer thread only; `on_claim` runs in rl_claims_poll.
 */
#ifndef RL_RUNNER_CLAIM_H
#define RL_RUNNER_CLAIM_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

typedef struct rl_claims rl_claims;

typedef struct {
    const char *topic;
    int32_t number;
    int64_t committed; /* -1: the group has none */
    int64_t start;     /* the first offset that is not done: `committed`, or where the log begins */
    rl_bytes note;     /* any bytes */
    int64_t log_end;   /* INT64_MAX where it does not matter */
} rl_claim;

typedef void (*rl_on_claim)(void *context, const rl_claim *claim);

/* `consumer`, which belongs to the group, is borrowed. `wake_fd` (an eventfd) gets 1 added when there is something to poll. */
rl_claims *rl_claims_new(rd_kafka_t *consumer, int wake_fd, rl_on_claim on_claim, void *context,
                         rl_error *err);

/* Before the consumer is destroyed. A request under way is waited for, a few seconds at most. NULL is fine. */
void rl_claims_free(rl_claims *claims);

/* Whether a request is under way. */
bool rl_claims_is_asking(const rl_claims *claims);

/* Asks for `partitions` (borrowed for the call). No request may be under way. */
void rl_claims_ask(rl_claims *claims, const rd_kafka_topic_partition_list_t *partitions);

/* Handles what has arrived. false, with TRANSIENT or FATAL, where the request failed, for some partitions at least: those
 * of which nothing was told are to be asked for again. */
bool rl_claims_poll(rl_claims *claims, rl_error *err);

#endif
