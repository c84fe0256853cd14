/* partition_commit.c: what of a partition is to be committed, when, and what an acknowledgement allows. */
#include <stdlib.h>
#include <string.h>

#include "services/runner/partition.h"

#define STRIDE_MIN 4

/* Offsets that are leased before their records are there, or will be by the commit under way. */
static size_t ahead(const rl_partition *partition) {
    int64_t next = rl_watermark_next(partition->window);
    return partition->asked_to > next ? (size_t)(partition->asked_to - next) : 0;
}

/* Records that may start, or will by the commit under way. */
static size_t covered(const rl_partition *partition) {
    return partition->ready.count + partition->asked.count + ahead(partition);
}

static size_t stride(const rl_partition *partition) {
    size_t least = partition->stride_max < STRIDE_MIN ? partition->stride_max : STRIDE_MIN;
    return partition->stride > least ? partition->stride : least;
}

/* Whether the next note is to count the attempt of the suspect on its own. */
static bool counts_solo(const rl_partition *partition) {
    return partition->solo >= 0 && !partition->solo_parked;
}

/* What was sent last may have arrived, acknowledged or not. */
static bool is_solo_told(const rl_partition *partition) {
    bool counts = counts_solo(partition);
    return partition->solo < 0 || (partition->solo_counted == counts && partition->solo_sent == counts);
}

static bool waits_for_acknowledgement(const rl_partition *partition) {
    return partition->asked.count > 0 || !is_solo_told(partition) ||
           (ahead(partition) > 0 && partition->asked_to > partition->leased_to);
}

/* Whether a tenant has nothing that may start, or will by the commit under way. */
static bool has_nothing_leased(const void *context, uint32_t tenant) {
    const rl_partition *partition = context;
    return !rl_record_list_has_flow(&partition->ready, tenant) &&
           !rl_record_list_has_flow(&partition->asked, tenant);
}

/* However few are leased at a time, a tenant with little must not wait for those of one with much. */
static bool passes_somebody_over(const rl_partition *partition) {
    return partition->ready.count + partition->asked.count < partition->stride_max &&
           rl_fair_queue_find_wanted(&partition->waiting, has_nothing_leased, partition);
}

static void ask_for(rl_partition *partition, rl_fair_item *item) {
    rl_record_held *record = (rl_record_held *)item;
    rl_lease_hold(partition->lease, record->message->offset, true);
    rl_record_list_push(&partition->asked, record);
}

/* Chooses what the next commit leases. */
static void choose(rl_partition *partition) {
    if (partition->starved) {
        size_t doubled = 2 * stride(partition);
        partition->stride = doubled < partition->stride_max ? doubled : partition->stride_max;
        partition->starved = false;
    } else if (rl_watermark_span(partition->window) == 0) {
        partition->stride = 0;
    }
    while (partition->ready.count + partition->asked.count < stride(partition) &&
           partition->waiting.count > 0) {
        ask_for(partition, rl_fair_queue_pop(&partition->waiting));
    }
    while (passes_somebody_over(partition)) {
        ask_for(partition, rl_fair_queue_pop_wanted(&partition->waiting, has_nothing_leased, partition));
    }
    size_t chosen = partition->ready.count + partition->asked.count;
    if (partition->waiting.count == 0 && chosen < stride(partition)) {
        int64_t to = rl_watermark_next(partition->window) + (int64_t)(stride(partition) - chosen);
        partition->asked_to = to > partition->asked_to ? to : partition->asked_to;
    }
}

/* As the next note is to be. */
static void write_note(rl_partition *partition, char ret_note[RL_LEASE_NOTE_SIZE]) {
    int by = (int)counts_solo(partition) - (int)partition->solo_counted;
    rl_lease_note note;
    rl_lease_count(partition->lease, partition->solo, by);
    rl_lease_note_of(partition->lease, rl_watermark_offset(partition->window),
                     rl_watermark_next(partition->window), ahead(partition), &note);
    rl_lease_count(partition->lease, partition->solo, -by);
    rl_lease_note_write(&note, ret_note);
}

rl_commit_need rl_partition_commit_need(rl_partition *partition) {
    if (!partition->claimed) {
        return RL_COMMIT_NONE; /* it may hold somebody's note: not to be overwritten unread */
    }
    bool moved = rl_watermark_offset(partition->window) > partition->committed;
    if (partition->state == RL_PARTITION_LEAVING) {
        char note[RL_LEASE_NOTE_SIZE];
        write_note(partition, note);
        bool known = partition->note && strcmp(partition->note, note) == 0;
        return moved || !known ? RL_COMMIT_NOW : RL_COMMIT_NONE;
    }
    if (waits_for_acknowledgement(partition) || passes_somebody_over(partition) ||
        2 * covered(partition) < stride(partition)) {
        return RL_COMMIT_NOW;
    }
    return moved ? RL_COMMIT_SOON : RL_COMMIT_NONE;
}

bool rl_partition_joins_commit(rl_partition *partition) {
    return rl_partition_commit_need(partition) != RL_COMMIT_NONE ||
           (partition->claimed && partition->state == RL_PARTITION_ACTIVE &&
            covered(partition) < stride(partition));
}

int64_t rl_partition_begin_commit(rl_partition *partition, char ret_note[RL_LEASE_NOTE_SIZE]) {
    if (partition->state == RL_PARTITION_ACTIVE) {
        choose(partition);
    }
    partition->commit_epoch = partition->epoch;
    partition->solo_sent = counts_solo(partition);
    write_note(partition, ret_note);
    free(partition->sent_note);
    partition->sent_note = strdup(ret_note); /* NULL, when memory is short, is "not known" */
    return rl_watermark_offset(partition->window);
}

void rl_partition_committed(rl_partition *partition, int64_t offset) {
    if (!partition->claimed || partition->commit_epoch != partition->epoch) {
        return;
    }
    if (partition->committed < offset) {
        partition->committed = offset;
    }
    free(partition->note);
    partition->note = partition->sent_note;
    partition->sent_note = NULL;
    rl_record_held *record;
    while ((record = rl_record_list_pop(&partition->asked)) != NULL) {
        rl_record_list_push(&partition->ready, record);
    }
    partition->leased_to = partition->asked_to;
    if (partition->solo >= 0) {
        rl_lease_count(partition->lease, partition->solo,
                       (int)partition->solo_sent - (int)partition->solo_counted);
        partition->solo_counted = partition->solo_sent;
    }
}
