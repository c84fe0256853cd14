/* partition.c: taking records in order, one window at a time. */
#include "services/runner/partition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/stream/client.h"

static const uint64_t one = 1;

rl_partition *rl_partition_open(rd_kafka_t *consumer, const char *topic, int32_t number,
                                size_t window_capacity, int wake_fd, rl_error *err) {
    rl_partition *partition = calloc(1, sizeof *partition);
    char *name = strdup(topic);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_partition(consumer, topic, number);
    if (!partition || !name || !queue) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "cannot open partition %.100s/%d", topic, (int)number);
        if (queue) {
            rd_kafka_queue_destroy(queue);
        }
        free(name);
        free(partition);
        return NULL;
    }
    rd_kafka_queue_forward(queue, NULL);
    rd_kafka_queue_io_event_enable(queue, wake_fd, &one, sizeof one);
    partition->topic = name;
    partition->number = number;
    partition->state = RL_PARTITION_ACTIVE;
    partition->queue = queue;
    partition->window_capacity = window_capacity;
    partition->committed = -1;
    return partition;
}

/* The first record of a partition opens its window. A later record that lies before the window's end means
 * that the log itself was cut back (a broker lost its disk, a topic was made anew): what was in flight
 * belongs to a log that is gone, so a new window starts here. */
static bool fit_window(rl_partition *partition, int64_t offset, rl_error *err) {
    if (partition->window && offset >= rl_watermark_next(partition->window)) {
        return true;
    }
    rl_watermark *window = rl_watermark_new(offset, partition->window_capacity, err);
    if (!window) {
        return false;
    }
    rl_watermark_free(partition->window);
    partition->window = window;
    partition->epoch++;
    partition->committed = offset;
    return true;
}

static rl_take next_message(rl_partition *partition, rd_kafka_message_t **ret_message, rl_error *err) {
    if (partition->held) {
        *ret_message = RL_STEAL(partition->held);
        return RL_TAKE_RECORD;
    }
    /* A full window need not look: whatever comes next lies beyond it. */
    if (partition->window &&
        !rl_watermark_has_room(partition->window, rl_watermark_next(partition->window))) {
        return RL_TAKE_NOTHING;
    }
    rd_kafka_message_t *message = rd_kafka_consume_queue(partition->queue, 0);
    if (!message) {
        return RL_TAKE_NOTHING;
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rl_stream_error(err, message->err, rd_kafka_message_errstr(message));
        rd_kafka_message_destroy(message);
        return RL_TAKE_ERROR;
    }
    *ret_message = message;
    return RL_TAKE_RECORD;
}

rl_take rl_partition_take(rl_partition *partition, rd_kafka_message_t **ret_message, rl_error *err) {
    if (partition->state != RL_PARTITION_ACTIVE) {
        return RL_TAKE_NOTHING;
    }
    rd_kafka_message_t *message = NULL;
    rl_take taken = next_message(partition, &message, err);
    if (taken != RL_TAKE_RECORD) {
        return taken;
    }
    if (!fit_window(partition, message->offset, err)) {
        partition->held = message;
        return RL_TAKE_ERROR;
    }
    if (!rl_watermark_take(partition->window, message->offset)) {
        partition->held = message;
        return RL_TAKE_NOTHING;
    }
    *ret_message = message;
    return RL_TAKE_RECORD;
}

void rl_partition_release(rl_partition *partition, int64_t offset, uint32_t epoch, bool done) {
    if (done && partition->window && partition->epoch == epoch) {
        (void)rl_watermark_done(partition->window, offset);
    }
    partition->tasks--;
    if (partition->tasks == 0 && partition->state == RL_PARTITION_DEPARTED) {
        rl_partition_free(partition);
    }
}

bool rl_partition_is_dirty(const rl_partition *partition) {
    return partition->window && rl_watermark_offset(partition->window) > partition->committed;
}

int64_t rl_partition_begin_commit(rl_partition *partition) {
    partition->commit_epoch = partition->epoch;
    return rl_watermark_offset(partition->window);
}

void rl_partition_committed(rl_partition *partition, int64_t offset) {
    if (partition->commit_epoch == partition->epoch && partition->committed < offset) {
        partition->committed = offset;
    }
}

void rl_partition_close(rl_partition *partition) {
    if (partition->held) {
        rd_kafka_message_destroy(partition->held);
        partition->held = NULL;
    }
    if (partition->queue) {
        rd_kafka_queue_io_event_enable(partition->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(partition->queue);
        partition->queue = NULL;
    }
    partition->state = RL_PARTITION_DEPARTED;
}

void rl_partition_free(rl_partition *partition) {
    if (partition) {
        rl_watermark_free(partition->window);
        free(partition->topic);
        free(partition);
    }
}
