/* membership_parts.h: what the membership's own files share: the consumer and the way to the partitions
 * (membership.c), assignments and revocations (membership_assignment.c), claims (membership_claims.c) and commits
 * (membership_commit.c).
 *
 * Thread: the consumer thread only, but for the atomics.
 */
#ifndef RL_RUNNER_MEMBERSHIP_PARTS_H
#define RL_RUNNER_MEMBERSHIP_PARTS_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "lib/base/clock.h"
#include "lib/stream/rebalance_watch.h"
#include "services/runner/claim.h"
#include "services/runner/membership.h"

#define RL_MEMBERSHIP_REFUSED_PAUSE_US (250 * RL_US_PER_MS) /* after a commit or a claim that failed */

struct rl_membership {
    rl_membership_options o;
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue; /* the consumer's; after rl_membership_leave one of our own */
    bool leaving;
    bool hurry; /* commit as soon as may be: the runner is about to leave */
    atomic_bool joined;
    rl_error fatal;  /* RL_OK: none */
    int logged_code; /* of the last kafka.error */
    int64_t logged_us;
    rl_rebalance_watch rebalance;

    rl_partition **partitions; /* assigned: ACTIVE or LEAVING */
    size_t count, capacity;
    size_t turn;             /* which partition is looked at first */
    rl_tenant_clock tenants; /* of all of them, and of tasks whose partition is gone */

    rd_kafka_topic_partition_list_t *revoked; /* a revocation under way, or NULL */
    int64_t drain_until_us;
    int64_t commit_until_us; /* 0: still draining */

    rl_claims *claims;
    uint32_t claim_round; /* counts requests */
    int64_t claim_not_before_us;
    _Atomic int64_t claims_refused_us; /* monotonic: since when none has been answered; 0: the last one was */

    bool committing;
    int64_t last_commit_us;
    int64_t moved_us; /* since when there has been a commit to make that nobody waits for; 0: not seen yet */
    int64_t commit_not_before_us;
    _Atomic int64_t commits_refused_us; /* as claims_refused_us */
};

/* ---- membership.c ---- */

/* NULL: it is not ours. */
rl_partition *rl_membership_find(rl_membership *m, const char *topic, int32_t number);

/* The member cannot go on; the first reason counts. */
void rl_membership_fail(rl_membership *m, const rl_error *err);

/* Logs trouble that comes again and again (a broker that is away) now and then; FATAL is a failure. */
void rl_membership_complain(rl_membership *m, const rl_error *err);

/* Logs and destroys what librdkafka has refused to do; NULL is fine. */
void rl_membership_report(rl_membership *m, const char *doing, rd_kafka_error_t *refused);

/* Notes in `since_us` that a request has been refused, or that one was accepted. */
void rl_membership_note_answer(_Atomic int64_t *since_us, bool accepted);

/* ---- membership_assignment.c ---- */

void rl_membership_on_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t code,
                                rd_kafka_topic_partition_list_t *list, void *opaque);

/* Carries the revocation under way a step on. */
void rl_membership_advance_revocation(rl_membership *m, int64_t now_us);

/* Ends this member's claim to a partition. Its tasks may come home later. */
void rl_membership_depart(rl_membership *m, rl_partition *partition);

/* ---- membership_claims.c ---- */

/* Asks for all partitions that are not claimed yet, unless it was done or refused just now. */
void rl_membership_ask_claims(rl_membership *m, int64_t now_us);
void rl_membership_poll_claims(rl_membership *m);
void rl_membership_on_claim(void *context, const rl_claim *claim);

/* ---- membership_commit.c ---- */

void rl_membership_on_commit(rd_kafka_t *consumer, rd_kafka_resp_err_t code,
                             rd_kafka_topic_partition_list_t *list, void *opaque);

/* When the next commit may be made; INT64_MAX: there is nothing to commit, or something to wait for that
 * will wake us. */
int64_t rl_membership_commit_due_us(rl_membership *m, int64_t now_us);
void rl_membership_commit(rl_membership *m, int64_t now_us);

#endif
