/* partition.h: one assigned partition: its queue inside librdkafka, its window, its lease, what has been
 * committed.
 *
 * The partition's queue is split off from the consumer's, so that polling the consumer (which keeps the
 * group membership alive) and taking work (which waits for a free slot) are two things.
 *
 * A record's way
 * --------------
 *     queue --read ahead--> waiting --chosen--> asked --acknowledged--> ready --taken--> a task
 *                     \--------------- leased before it came -----------^
 *                      \--> suspects --alone, after a commit that counts the attempt--> a task
 *
 * A suspect (lease.h) that has not been tried since goes the way of the others; from the second time on it is one of
 * `suspects`.
 *
 * Reading ahead fills the window, up to READ_AHEAD_BYTES. What waits is chosen by the clock of its tenant (tenant_clock.h), a
 * few at a time, and leased (lease.h) by the next commit; once that is acknowledged it may start. A tenant that waits and has
 * nothing leased gets one more at once, so that whatever else is leased, each has something ready: which tenant of all
 * partitions is next is then decided when a slot is free, by the same clock. While nothing waits, the lease is kept some
 * offsets ahead of the log's end, so that a record that arrives at an idle partition starts at once. How many are leased, the
 * stride, doubles when a slot had to wait for a lease, or the tenant whose turn it was had none, and starts again when the
 * partition has nothing to do: what a loss makes suspect stays small.
 *
 * Before anything is read the partition must have been claimed: what the last owner left in its note decides
 * which records are suspects.
 *
 * Thread: the consumer thread only. Tasks in other threads point at it but do not look inside; `tasks`
 * counts them, and a partition that was revoked lives until the last of them has come home.
 */
#ifndef RL_RUNNER_PARTITION_H
#define RL_RUNNER_PARTITION_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "services/runner/claim.h"
#include "services/runner/lease.h"
#include "services/runner/record_list.h"
#include "services/runner/tenant_clock.h"
#include "services/runner/watermark.h"

typedef enum {
    RL_PARTITION_ACTIVE,   /* ours: records are taken */
    RL_PARTITION_LEAVING,  /* to be given back: nothing is taken, what runs may end */
    RL_PARTITION_DEPARTED, /* no longer ours */
} rl_partition_state;

typedef struct rl_partition {
    char *topic;
    int32_t number;
    rl_partition_state state;
    rd_kafka_queue_t *queue;  /* NULL once departed */
    rd_kafka_message_t *held; /* taken from the queue, but the window has no room for it yet */
    size_t window_capacity;
    size_t tasks; /* references */

    bool claimed;         /* what follows is valid */
    uint32_t claim_round; /* of the membership's request that asks for it; 0: none yet */
    rl_watermark *window;
    uint32_t epoch; /* counts windows: a task of an older one no longer moves the watermark */

    rl_lease *lease;
    rl_tenant_clock *tenants; /* of all partitions of the lane; borrowed */
    rl_fair_queue waiting;    /* read, not leased */
    rl_record_list asked;     /* in the note of the next commit, or of the one under way */
    rl_record_list ready;     /* leased */
    rl_record_list suspects;  /* read, each to run alone: this partition's, and the runner's, one at a time */
    size_t held_bytes;        /* of the records in these four */
    size_t stride, stride_max;
    bool starved;      /* a slot was free and nothing ready anywhere while something waited here */
    int64_t leased_to; /* offsets before it are leased when they are read */
    int64_t asked_to;  /* the same, once the next commit is acknowledged */

    int64_t solo;      /* the suspect whose attempt is being counted, or runs; -1: none */
    bool solo_counted; /* its attempt is in the note that was acknowledged last */
    bool solo_sent;    /* its attempt is in the note that was sent last, acknowledged or not */
    bool solo_running; /* it has been taken, and is not answered */
    bool solo_parked;  /* it has been taken, and waits, uncounted, for Docker or its image */

    int64_t committed;     /* acknowledged by the coordinator; -1: the group has none */
    uint32_t commit_epoch; /* of the window whose offset is being committed */
    char *note;            /* beside `committed`; NULL: not known */
    char *sent_note;       /* of the commit under way */
} rl_partition;

/* A record that was taken. */
typedef struct {
    rl_partition *partition;     /* one reference, until rl_partition_release */
    rd_kafka_message_t *message; /* the taker's */
    rl_tenant *tenant; /* counts the record as working until the taker says otherwise; NULL: a suspect's */
    size_t lane;       /* which one it is, of rl_lanes_new */
    int32_t attempt;   /* 1: the first try, as far as is known; 2 and not solo: a suspect's, beside others */
    bool solo;         /* nothing else may run beside it */
    bool condemned;    /* it has been lost with its runner too often: answer it, do not run it */
} rl_taken;

/* Splits the queue of an assigned partition off; call it before rd_kafka_incremental_assign, so that no
 * record goes the other way. `wake_fd` (an eventfd) gets 1 added when the empty queue gets a record.
 * `stride_max`: the most records that are leased and not started. `tenants` is borrowed for its life. NULL and TRANSIENT
 * when memory is short. */
rl_partition *rl_partition_open(rd_kafka_t *consumer, const char *topic, int32_t number,
                                size_t window_capacity, size_t stride_max, rl_tenant_clock *tenants,
                                int wake_fd, rl_error *err);

/* Starts from what the group remembers. false with TRANSIENT when memory is short. */
bool rl_partition_claim(rl_partition *partition, const rl_claim *claim, rl_error *err);

/* What came out of taking. */
typedef enum {
    RL_TAKE_RECORD,  /* `ret` says what it is */
    RL_TAKE_NOTHING, /* nothing there, no room, or no lease yet */
    RL_TAKE_PENDING, /* not yet: a suspect's attempt is being written down, or a lease */
    RL_TAKE_ERROR,   /* reading ahead: `err` says what the broker or the client reports of this partition */
} rl_take;

/* Reads ahead. Never blocks. false: `err` says what there is to report, and reading goes on the next time. */
bool rl_partition_read_ahead(rl_partition *partition, rl_error *err);

/* Of the records that may start beside others: the first of the tenant that is next, and where that begins. NULL: none. */
rl_record_held *rl_partition_next(const rl_partition *partition, int64_t *ret_begin);

/* Takes that record. */
void rl_partition_take(rl_partition *partition, rl_record_held *record, rl_taken *ret);

/* Nothing was ready for a free slot: if something waits here, the next commit leases more. With `tenant`: nothing of the
 * tenant whose turn it was, if something of its waits here. */
void rl_partition_note_starving(rl_partition *partition, const rl_tenant *tenant);

/* Whether a suspect's record is here that can run once all slots are empty. */
bool rl_partition_has_suspect(const rl_partition *partition);

/* For a runner whose slots are empty. Takes the suspect whose attempt has been written down; or, with `begin`,
 * chooses one. PENDING: the next commit counts the attempt. */
rl_take rl_partition_take_suspect(rl_partition *partition, bool begin, rl_taken *ret);

/* Whether a suspect's attempt is in a note, or about to be: a loss would be put down to it, so nothing else may start. */
bool rl_partition_has_begun_suspect(const rl_partition *partition);

/* The suspect that was taken waits for another try; its attempt is taken back by the next commit. `epoch`: the task's. */
void rl_partition_park_suspect(rl_partition *partition, uint32_t epoch);

/* It is to be tried again, once this is true: its attempt is in an acknowledged note, or its window is over. */
bool rl_partition_resume_suspect(rl_partition *partition, uint32_t epoch);

/* Gives a task's reference back. `done`: its record is answered and its offset may be committed, unless
 * `epoch` is over. Frees a departed partition with the last one. */
void rl_partition_release(rl_partition *partition, int64_t offset, uint32_t epoch, bool done);

/* The partition is to be given back: LEAVING. What has not started is forgotten, here and in the lease; the
 * log has it. */
void rl_partition_withdraw(rl_partition *partition);

/* What still runs is being stopped by the runner itself: it is handed back without suspicion. */
void rl_partition_surrender(rl_partition *partition);

/* Gives the queue back; afterwards the partition is DEPARTED and waits for its tasks. */
void rl_partition_close(rl_partition *partition);

/* Frees a closed partition. */
void rl_partition_free(rl_partition *partition);

/* ---- committing: partition_commit.c ---- */

typedef enum {
    RL_COMMIT_NONE, /* the coordinator knows all that it must */
    RL_COMMIT_SOON, /* the watermark has moved */
    RL_COMMIT_NOW,  /* something cannot start before, or the partition is leaving */
} rl_commit_need;

rl_commit_need rl_partition_commit_need(rl_partition *partition);

/* Whether a commit that is made anyway should take this partition along. */
bool rl_partition_joins_commit(rl_partition *partition);

/* The offset to commit now; chooses what to lease and writes the note to go with it. One commit may be under
 * way at a time. */
int64_t rl_partition_begin_commit(rl_partition *partition, char ret_note[RL_LEASE_NOTE_SIZE]);

/* The coordinator has acknowledged `offset` and the note. An acknowledgement for a window that is over says
 * nothing about the present one: its offsets belong to a log that is gone. */
void rl_partition_committed(rl_partition *partition, int64_t offset);

#endif
