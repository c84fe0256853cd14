/* partition.h: one assigned partition: its queue inside librdkafka, its window, what has been committed.
 *
 * The partition's queue is split off from the consumer's, so that polling the consumer (which keeps the
 * group membership alive) and taking work (which waits for a free slot) are two things.
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
    rl_watermark *window;  /* NULL until the first record shows where the partition starts */
    uint32_t epoch;        /* counts windows: a task of an older one no longer moves the watermark */
    int64_t committed;     /* acknowledged by the coordinator; the first record's offset at first */
    uint32_t commit_epoch; /* of the window whose offset is being committed */
    size_t tasks;          /* references */
} rl_partition;

/* Splits the queue of an assigned partition off; call it before rd_kafka_incremental_assign, so that no
 * record goes the other way. `wake_fd` (an eventfd) gets 1 added when the empty queue gets a record. NULL
 * and TRANSIENT when memory is short. */
rl_partition *rl_partition_open(rd_kafka_t *consumer, const char *topic, int32_t number,
                                size_t window_capacity, int wake_fd, rl_error *err);

/* What came out of rl_partition_take. */
typedef enum {
    RL_TAKE_RECORD,  /* `ret_message` is the caller's, its offset is in the window */
    RL_TAKE_NOTHING, /* nothing there, or no room */
    RL_TAKE_ERROR,   /* `err` says what the broker or the client reports of this partition; go on */
} rl_take;

/* Takes the next record, if there is one and the window has room. Never blocks. */
rl_take rl_partition_take(rl_partition *partition, rd_kafka_message_t **ret_message, rl_error *err);

/* Gives a task's reference back. `done`: its record is answered and its offset may be committed, unless
 * `epoch` is over. Frees a departed partition with the last one. */
void rl_partition_release(rl_partition *partition, int64_t offset, uint32_t epoch, bool done);

/* Whether the watermark has moved past what the coordinator knows. */
bool rl_partition_is_dirty(const rl_partition *partition);

/* The offset to commit now. One commit may be under way at a time. */
int64_t rl_partition_begin_commit(rl_partition *partition);

/* The coordinator has acknowledged `offset`. An acknowledgement for a window that is over says nothing about
 * the present one: its offsets belong to a log that is gone. */
void rl_partition_committed(rl_partition *partition, int64_t offset);

/* Gives the queue back; afterwards the partition is DEPARTED and waits for its tasks. */
void rl_partition_close(rl_partition *partition);

/* Frees a closed partition. */
void rl_partition_free(rl_partition *partition);

#endif
