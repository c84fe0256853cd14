/* partition.c: reading ahead, taking, giving back. */
#include "services/runner/partition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/codec/id.h"
#include "lib/stream/client.h"
#include "lib/stream/message.h"

/* Of records that wait here; as many again may wait in librdkafka's queue. */
#define READ_AHEAD_BYTES ((size_t)512 * 1024)

static const uint64_t one = 1;

rl_partition *rl_partition_open(rd_kafka_t *consumer, const char *topic, int32_t number,
                                size_t window_capacity, size_t stride_max, rl_tenant_clock *tenants,
                                int wake_fd, rl_error *err) {
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
    partition->stride_max = stride_max;
    partition->tenants = tenants;
    partition->solo = -1;
    partition->committed = -1;
    return partition;
}

bool rl_partition_claim(rl_partition *partition, const rl_claim *claim, rl_error *err) {
    int64_t start = claim->start;
    rl_lease_note note;
    (void)rl_lease_note_read(claim->note, start, &note); /* what is not ours says nothing */
    RL_AUTO_WATERMARK rl_watermark *window = rl_watermark_new(start, partition->window_capacity, err);
    RL_AUTO_LEASE rl_lease *lease = window ? rl_lease_new(partition->window_capacity, err) : NULL;
    if (!lease || !rl_lease_recall(lease, &note, claim->log_end, err)) {
        return false;
    }
    partition->window = RL_STEAL(window);
    partition->lease = RL_STEAL(lease);
    partition->epoch++;
    partition->committed = claim->committed;
    partition->leased_to = start;
    partition->asked_to = start;
    partition->note = NULL;
    partition->claimed = true;
    return true;
}

/* ---- what is held ---- */

static void drop_list(rl_partition *partition, rl_record_list *list) {
    rl_record_held *record;
    while ((record = rl_record_list_pop(list)) != NULL) {
        rl_lease_hold(partition->lease, record->message->offset, false);
        rl_record_held_free(record);
    }
}

static void drop_held(rl_partition *partition) {
    rl_fair_item *item;
    while ((item = rl_fair_queue_pop(&partition->waiting, NULL, NULL)) != NULL) {
        rl_record_held_free((rl_record_held *)item);
    }
    if (partition->claimed) {
        drop_list(partition, &partition->asked);
        drop_list(partition, &partition->ready);
        drop_list(partition, &partition->suspects);
    }
    partition->held_bytes = 0;
}

/* An attempt that did not begin, or that the runner ends itself, does not count. */
static void end_solo(rl_partition *partition) {
    if (partition->solo >= 0 && partition->solo_counted) {
        rl_lease_count(partition->lease, partition->solo, -1);
    }
    partition->solo = -1;
    partition->solo_counted = false;
    partition->solo_sent = false;
    partition->solo_running = false;
    partition->solo_parked = false;
}

/* ---- reading ahead ---- */

/* A record that lies before the window's end means that the log itself was cut back (a broker lost its disk,
 * a topic was made anew): what was in flight, held or suspected belongs to a log that is gone, so a new window
 * starts here. */
static bool fit_window(rl_partition *partition, int64_t offset, rl_error *err) {
    if (offset >= rl_watermark_next(partition->window)) {
        return true;
    }
    RL_AUTO_WATERMARK rl_watermark *window = rl_watermark_new(offset, partition->window_capacity, err);
    RL_AUTO_LEASE rl_lease *lease = window ? rl_lease_new(partition->window_capacity, err) : NULL;
    if (!lease) {
        return false;
    }
    drop_held(partition);
    end_solo(partition);
    rl_watermark_free(partition->window);
    rl_lease_free(partition->lease);
    partition->window = RL_STEAL(window);
    partition->lease = RL_STEAL(lease);
    partition->epoch++;
    partition->committed = offset;
    partition->leased_to = offset;
    partition->asked_to = offset;
    return true;
}

static rl_take next_message(rl_partition *partition, rd_kafka_message_t **ret_message, rl_error *err) {
    if (partition->held) {
        *ret_message = RL_STEAL(partition->held);
        return RL_TAKE_RECORD;
    }
    /* A full window need not look: whatever comes next lies beyond it. */
    if (!rl_watermark_has_room(partition->window, rl_watermark_next(partition->window))) {
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

static void hold_leased(rl_partition *partition, rl_record_list *list, rl_record_held *record) {
    record->leased = true;
    record->tenant->leased++;
    rl_record_list_push(list, record);
    rl_lease_hold(partition->lease, record->message->offset, true);
}

/* Puts a record that may run beside others where it waits. false when memory is short. */
static bool place_beside(rl_partition *partition, rl_record_held *record) {
    const int64_t offset = record->message->offset;
    record->tenant = rl_tenant_clock_hold(partition->tenants, record->item.flow);
    if (!record->tenant) {
        return false;
    }
    if (record->condemned) {
        rl_record_list_push(&partition->ready, record);
    } else if (offset < partition->leased_to) {
        hold_leased(partition, &partition->ready, record);
    } else if (offset < partition->asked_to) {
        hold_leased(partition, &partition->asked, record);
    } else {
        return rl_fair_queue_push(&partition->waiting, &record->item);
    }
    return true;
}

/* Puts a record that has its place in the window where it waits. false when memory is short. */
static bool place(rl_partition *partition, rl_record_held *record) {
    int attempts = rl_lease_attempts(partition->lease, record->message->offset);
    record->condemned = attempts >= RL_SUSPECT_TRIES;
    record->item.flow = rl_id_peek_tenant_tag(rl_message_key(record->message));
    if (attempts > 0 && !record->condemned) {
        rl_record_list_push(&partition->suspects, record);
    } else if (!place_beside(partition, record)) {
        return false;
    }
    partition->held_bytes += record->message->len;
    return true;
}

static rl_take short_of_memory(rl_partition *partition, rl_record_held *record, rd_kafka_message_t *message) {
    if (record) {
        record->message = NULL;
        rl_record_held_free(record);
    }
    partition->held = message;
    return RL_TAKE_ERROR;
}

/* RECORD: one more is held. */
static rl_take read_one(rl_partition *partition, rl_error *err) {
    rd_kafka_message_t *message = NULL;
    rl_take taken = next_message(partition, &message, err);
    if (taken != RL_TAKE_RECORD) {
        return taken;
    }
    rl_record_held *record = fit_window(partition, message->offset, err) ? rl_record_held_new(err) : NULL;
    if (!record) {
        return short_of_memory(partition, NULL, message);
    }
    record->message = message;
    if (!rl_watermark_has_room(partition->window, message->offset)) {
        (void)short_of_memory(partition, record, message);
        return RL_TAKE_NOTHING;
    }
    if (!place(partition, record)) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory for a tenant's queue");
        return short_of_memory(partition, record, message);
    }
    (void)rl_watermark_take(partition->window, message->offset); /* there is room, and it is new */
    return RL_TAKE_RECORD;
}

static bool is_open(const rl_partition *partition) {
    return partition->state == RL_PARTITION_ACTIVE && partition->claimed;
}

bool rl_partition_read_ahead(rl_partition *partition, rl_error *err) {
    rl_take taken = RL_TAKE_RECORD;
    while (is_open(partition) && taken == RL_TAKE_RECORD && partition->held_bytes < READ_AHEAD_BYTES) {
        taken = read_one(partition, err);
    }
    return taken != RL_TAKE_ERROR;
}

/* ---- taking ---- */

static void hand_over(rl_partition *partition, rl_record_held *record, int attempts, rl_taken *ret) {
    rd_kafka_message_t *message = RL_STEAL(record->message);
    *ret = (rl_taken){
        .partition = partition,
        .message = message,
        .tenant = record->tenant,
        .attempt = 1 + attempts,
        .condemned = record->condemned,
    };
    if (record->tenant) {
        record->tenant->working++;
    }
    partition->held_bytes -= message->len;
    partition->tasks++;
    rl_record_held_free(record);
}

/* How often a record that may run beside others has been tried before, as far as is known. */
static int tries_before(const rl_partition *partition, const rl_record_held *record) {
    bool suspect = rl_lease_attempts(partition->lease, record->message->offset) >= 0;
    return record->condemned ? RL_SUSPECT_TRIES : suspect ? 1 : 0;
}

rl_record_held *rl_partition_next(const rl_partition *partition, int64_t *ret_begin) {
    rl_record_held *next = NULL;
    if (!is_open(partition)) {
        return NULL;
    }
    for (rl_record_held *r = partition->ready.first; r; r = (rl_record_held *)r->item.next) {
        int64_t begin = rl_tenant_clock_begin(partition->tenants, r->tenant);
        if (!next || begin < *ret_begin) {
            next = r;
            *ret_begin = begin;
        }
    }
    return next;
}

void rl_partition_take(rl_partition *partition, rl_record_held *record, rl_taken *ret) {
    rl_record_list_remove(&partition->ready, record);
    hand_over(partition, record, tries_before(partition, record), ret);
}

void rl_partition_note_starving(rl_partition *partition, const rl_tenant *tenant) {
    const bool waits =
        tenant ? rl_fair_queue_has(&partition->waiting, tenant->tag) : partition->waiting.count > 0;
    partition->starved = partition->starved || waits;
}

bool rl_partition_has_suspect(const rl_partition *partition) {
    return partition->state == RL_PARTITION_ACTIVE && partition->suspects.count > 0 &&
           !partition->solo_parked;
}

rl_take rl_partition_take_suspect(rl_partition *partition, bool begin, rl_taken *ret) {
    if (!rl_partition_has_suspect(partition) || partition->solo_running) {
        return RL_TAKE_NOTHING;
    }
    if (partition->solo < 0) {
        if (!begin) {
            return RL_TAKE_NOTHING;
        }
        partition->solo = partition->suspects.first->message->offset;
    }
    if (!partition->solo_counted) {
        return RL_TAKE_PENDING;
    }
    partition->solo_running = true;
    rl_record_held *record = rl_record_list_pop(&partition->suspects);
    hand_over(partition, record, rl_lease_attempts(partition->lease, partition->solo), ret);
    ret->solo = true;
    return RL_TAKE_RECORD;
}

bool rl_partition_has_begun_suspect(const rl_partition *partition) {
    return partition->solo >= 0 && (!partition->solo_parked || partition->solo_counted);
}

void rl_partition_park_suspect(rl_partition *partition, uint32_t epoch) {
    partition->solo_parked = partition->solo_parked || partition->epoch == epoch;
}

bool rl_partition_resume_suspect(rl_partition *partition, uint32_t epoch) {
    if (partition->epoch != epoch) {
        return true;
    }
    partition->solo_parked = false;
    return partition->solo_counted && partition->solo_sent;
}

/* ---- giving back ---- */

void rl_partition_release(rl_partition *partition, int64_t offset, uint32_t epoch, bool done) {
    if (partition->claimed && partition->epoch == epoch) {
        if (done) {
            rl_lease_settle(partition->lease, offset);
            (void)rl_watermark_done(partition->window, offset);
        } else {
            rl_lease_hold(partition->lease, offset, false);
        }
        if (partition->solo == offset) {
            end_solo(partition);
        }
    }
    partition->tasks--;
    if (partition->tasks == 0 && partition->state == RL_PARTITION_DEPARTED) {
        rl_partition_free(partition);
    }
}

void rl_partition_withdraw(rl_partition *partition) {
    partition->state = RL_PARTITION_LEAVING;
    drop_held(partition);
    partition->leased_to = 0;
    partition->asked_to = 0;
    if (partition->claimed && !partition->solo_running) {
        end_solo(partition);
    }
}

void rl_partition_surrender(rl_partition *partition) {
    if (partition->claimed) {
        rl_lease_drop_all(partition->lease);
        end_solo(partition);
    }
}

void rl_partition_close(rl_partition *partition) {
    drop_held(partition);
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
        rl_lease_free(partition->lease);
        free(partition->note);
        free(partition->sent_note);
        free(partition->topic);
        free(partition);
    }
}
