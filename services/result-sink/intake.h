/* intake.h: the sink's membership of its consumer group: records in, offsets out.
 *
 * Partitions come and go by cooperative rebalancing. What has been dealt with is reported by
 * rl_intake_done; the intake commits it without waiting, one commit under way at a time, so that commits
 * thin out by themselves under load, and looks at the outcome of each: one that failed is made again. None
 * begins while a rebalance is under way or about to be (rebalance_watch.h).
 * Before a partition is given up, the owner is asked to finish what it has in hand (`release`); what is done
 * by then is committed, and only then is the partition let go. A partition that was lost (the group has
 * gone on without us) is let go without a commit.
 *
 * While the owner cannot work (MongoDB is away) it holds the intake: partitions are paused and polling goes
 * on, so that the group keeps this member. Pausing throws the prefetched records away, which is why it is
 * kept for outages.
 *
 * Thread: everything on the sink's thread, save rl_intake_ready. `release` runs inside rl_intake_poll and
 * rl_intake_leave.
 */
#ifndef RL_SINK_INTAKE_H
#define RL_SINK_INTAKE_H

#include <stdint.h>

#include "lib/stream/client.h"

typedef struct rl_intake rl_intake;

typedef struct {
    rl_stream_config stream;
    const char *topic;
    const char *group;
} rl_intake_config;

/* Asks for partitions back. `lost`: they may have another owner already, nothing can be finished. */
typedef void (*rl_intake_release)(void *context, const rd_kafka_topic_partition_list_t *partitions,
                                  bool lost);

/* Joins the group; the first partitions arrive during rl_intake_poll. Everything in `config` is copied. NULL
 * with INVALID for a setting that librdkafka refuses. */
rl_intake *rl_intake_new(const rl_intake_config *config, rl_intake_release release, void *context,
                         rl_error *err);

/* Waits up to `timeout_us` for a record. `*ret_message` is the caller's to destroy, or NULL when none came
 * (also after a rebalance or an error that cures itself). false with FATAL when this client cannot go on. */
bool rl_intake_poll(rl_intake *intake, int64_t timeout_us, rd_kafka_message_t **ret_message, rl_error *err);

/* Every record of `partition` up to and including `offset` has been dealt with for good. */
void rl_intake_done(rl_intake *intake, int32_t partition, int64_t offset);

/* Starts a commit of what is done, unless one is under way or there is nothing new. */
void rl_intake_commit(rl_intake *intake);

/* Pauses all partitions, those assigned later included; and goes on. */
void rl_intake_hold(rl_intake *intake);
void rl_intake_resume(rl_intake *intake);

typedef struct {
    int64_t commits;         /* confirmed by the broker, since start */
    int64_t commit_failures; /* since start */
    int64_t lost;            /* partitions that the group had given to others before they were given back */
    int64_t lag;             /* records on the assigned partitions that are not done */
    int32_t partitions;      /* assigned now */
} rl_intake_figures;
rl_intake_figures rl_intake_look(rl_intake *intake);

/* For readiness, from any thread: whether the group has given this member its share and a broker answers. */
bool rl_intake_ready(void *intake, char reason[128]);

/* Gives the partitions back (through `release`), commits what is done and leaves the group; nothing but
 * rl_intake_ready and rl_intake_free may follow. */
void rl_intake_leave(rl_intake *intake);

/* Leaves the group if that has not been done. NULL is fine. */
void rl_intake_free(rl_intake *intake);

#endif
