/* membership.h: a member of the consumer group: what is assigned to it, what it has committed, how it
 * gives partitions back.
 *
 * A runner is one member for each lane. The group's assignor evens out the number of partitions of a
 * member, not of a topic: members with several topics end up with all partitions of one and none of the
 * other, and runners stand idle beside a backlog. A member with one topic gets its share of that one.
 *
 * Theory of operation
 * -------------------
 * The group balances cooperatively (KIP-429): a rebalance takes away only what moves, and the rest goes on
 * being worked on. librdkafka announces changes through a callback and then waits until the application
 * carries them out, for as long as max.poll.interval allows. An assignment is carried out at once. A
 * revocation takes time, and the consumer must be polled meanwhile, so it is a small state machine that
 * rl_membership_advance drives:
 *
 *     announced -> nothing more is taken; what has not started is handed back (hook `withdraw`)
 *     draining  -> until what runs has ended and been acknowledged, at most `drain_us`;
 *                  then the rest is stopped (hook `abandon`)
 *     committing-> until the coordinator has the watermarks and notes that lease nothing any more, at most a
 *                  few seconds
 *     carried out
 *
 * If the group has already thrown us out (assignment lost), somebody else is working on the same records:
 * everything of those partitions is stopped at once and nothing is committed.
 *
 * Commits are asynchronous and one at a time, each with all watermarks that have moved and all leases that can
 * be renewed: every COMMIT_INTERVAL where only watermarks have moved, and at once where a lease runs out. A
 * commit that fails is made good by the next one. None is made while a rebalance is under way, for the reason
 * that rebalance_watch.h gives; what is leased by then goes on.
 *
 * An assigned partition is claimed before anything of it is taken: claim.h.
 *
 * Thread: the consumer thread only. Hooks run in it.
 */
#ifndef RL_RUNNER_MEMBERSHIP_H
#define RL_RUNNER_MEMBERSHIP_H

#include "lib/base/log.h"
#include "lib/stream/client.h"
#include "services/runner/partition.h"
#include "services/runner/runner_metrics.h"

typedef struct rl_membership rl_membership;

typedef struct {
    const rl_stream_config *stream;
    const char *group;
    const char *topic;
    size_t window;    /* offsets in flight per partition */
    size_t stride;    /* the most records of a partition that are leased and have not started */
    size_t slots;     /* of the runner */
    int64_t drain_us; /* how long a revocation waits for what runs */
    int wake_fd;      /* an eventfd: gets 1 added when there is something to do */
    /* Hands back what has not started of a partition that leaves. */
    void (*withdraw)(void *context, rl_partition *partition);
    /* Stops what runs of a partition: it leaves or is lost. */
    void (*abandon)(void *context, rl_partition *partition);
    void *context;
    rl_log *log;
    rl_runner_metrics *metrics;
} rl_membership_options;

/* Creates the consumer and joins the group in the background. `options` is copied, what it points at is
 * borrowed. */
rl_membership *rl_membership_new(const rl_membership_options *options, rl_error *err);

/* Serves what librdkafka has to say: call it after each wake-up and at least once a second. false with
 * FATAL where this member cannot go on. */
bool rl_membership_poll(rl_membership *membership, rl_error *err);

/* Carries revocations and commits forward. */
void rl_membership_advance(rl_membership *membership, int64_t now_us);

/* When rl_membership_advance has something to do next, monotonic; INT64_MAX: not before a wake-up. */
int64_t rl_membership_due_us(rl_membership *membership, int64_t now_us);

/* The next record: of the tenant that is next (tenant_clock.h), from one partition after the other. NOTHING; or PENDING,
 * where there are records that may not start yet. */
rl_take rl_membership_take(rl_membership *membership, rl_taken *ret);

/* By whose time tenants are compared. There for the membership's life. */
rl_tenant_clock *rl_membership_tenants(rl_membership *membership);

/* Whether a suspect could run now if all slots of the runner were empty. */
bool rl_membership_has_suspect(rl_membership *membership, int64_t now_us);

/* As rl_partition_has_begun_suspect, of any partition. */
bool rl_membership_has_begun_suspect(const rl_membership *membership);

/* As rl_partition_take_suspect, of one partition after the other: NOTHING, PENDING or RECORD. */
rl_take rl_membership_take_suspect(rl_membership *membership, bool begin, int64_t now_us, rl_taken *ret);

/* How many records lie between watermark and last one taken: adds those of all partitions to `*total`, and
 * raises `*largest` to those of the fullest. */
void rl_membership_add_windows(const rl_membership *membership, size_t *total, size_t *largest);

/* Whether the coordinator knows all that it must. */
bool rl_membership_is_committed(const rl_membership *membership);

/* The runner is about to leave: nothing more is taken, what has not started is handed back, and commits do not
 * wait to be worth their while. */
void rl_membership_hurry(rl_membership *membership);

/* What still runs is being stopped: it is handed back without suspicion. */
void rl_membership_surrender(rl_membership *membership);

/* Begins to leave the group; go on polling and advancing until rl_membership_is_closed. */
void rl_membership_leave(rl_membership *membership);
bool rl_membership_is_closed(const rl_membership *membership);

/* Whether a rebalance holds commits up. */
bool rl_membership_is_rebalancing(rl_membership *membership, int64_t now_us);

/* Whether it has been given an assignment (an empty one counts) and not lost it. Any thread. */
bool rl_membership_is_joined(const rl_membership *membership);

/* What the group has refused for RL_MEMBERSHIP_PATIENCE_US without a break, so that nothing is taken any more: NULL
 * (nothing), or a text that lives for ever. Any thread. */
const char *rl_membership_refused(const rl_membership *membership, int64_t now_us);

#define RL_MEMBERSHIP_PATIENCE_US (INT64_C(30) * 1000000)

/* Frees. No task may hold a reference or a message any more. Leaves the group only if
 * rl_membership_leave was called: otherwise the group notices by the session's timeout. */
void rl_membership_free(rl_membership *membership);

#endif
