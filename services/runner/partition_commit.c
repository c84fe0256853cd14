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

/* ---- choosing what is leased ---- */

static size_t leased(const rl_partition *partition) {
    return partition->ready.count + partition->asked.count;
}

/* Where a leased record of the tenant's begins, the last of them. */
static int64_t last_begin(const rl_partition *partition, const rl_tenant *tenant) {
    return rl_tenant_clock_lease(partition->tenants, tenant) -
           rl_tenant_clock_expect_us(partition->tenants, tenant);
}

/* What may give up its lease: the last one of a tenant that has another here, of the tenant furthest ahead. A record that is
 * being tried again keeps it, as the note counts that. NULL: nothing. */
static rl_record_held *find_spare(const rl_partition *partition) {
    rl_record_held *spare = NULL;
    for (rl_record_held *r = partition->ready.first; r; r = (rl_record_held *)r->item.next) {
        if (r->leased && rl_lease_attempts(partition->lease, r->message->offset) < 0 &&
            (!spare || last_begin(partition, r->tenant) >= last_begin(partition, spare->tenant)) &&
            rl_record_list_count_flow(&partition->ready, r->item.flow) > 1) {
            spare = r;
        }
    }
    return spare;
}

/* false when memory is short. */
static bool take_back(rl_partition *partition, rl_record_held *record) {
    rl_record_list_remove(&partition->ready, record);
    if (!rl_fair_queue_push_back(&partition->waiting, &record->item)) {
        rl_record_list_push(&partition->ready, record);
        return false;
    }
    record->leased = false;
    record->tenant->leased--;
    rl_lease_hold(partition->lease, record->message->offset, false);
    return true;
}

/* Whether a tenant has nothing that may start, or will by the commit under way. */
static bool has_nothing_leased(const void *context, uint32_t tenant) {
    const rl_partition *partition = context;
    return rl_record_list_count_flow(&partition->ready, tenant) == 0 &&
           rl_record_list_count_flow(&partition->asked, tenant) == 0;
}

/* However few are leased at a time, a tenant with little must not wait for those of one with much. */
static bool passes_somebody_over(const rl_partition *partition) {
    return rl_fair_queue_find_wanted(&partition->waiting, has_nothing_leased, partition) &&
           (leased(partition) < partition->stride_max || find_spare(partition));
}

static void ask_for(rl_partition *partition, rl_fair_item *item) {
    rl_record_held *record = (rl_record_held *)item;
    record->leased = true;
    record->tenant->leased++;
    rl_lease_hold(partition->lease, record->message->offset, true);
    rl_record_list_push(&partition->asked, record);
}

static int64_t begin_of(const void *context, const rl_fair_item *item) {
    const rl_partition *partition = context;
    return rl_tenant_clock_lease(partition->tenants, ((const rl_record_held *)item)->tenant);
}

static void ask_for_next(rl_partition *partition) {
    ask_for(partition, rl_fair_queue_pop(&partition->waiting, begin_of, partition));
}

/* Whether the next of what waits would begin before the last of what is leased. */
static bool is_behind(const rl_partition *partition, const rl_record_held *leased_one) {
    const rl_fair_item *next = rl_fair_queue_peek(&partition->waiting, begin_of, partition);
    return next && begin_of(partition, next) < last_begin(partition, leased_one->tenant);
}

/* The tenant whose turn it was had nothing leased: some of what is gives way, whether or not there is room besides. */
static void exchange(rl_partition *partition) {
    rl_record_held *spare;
    while ((spare = find_spare(partition)) != NULL && is_behind(partition, spare) &&
           take_back(partition, spare)) {
        ask_for_next(partition);
    }
}

/* Everybody has one. */
static void ask_for_the_passed_over(rl_partition *partition) {
    while (passes_somebody_over(partition)) {
        if (leased(partition) >= partition->stride_max && !take_back(partition, find_spare(partition))) {
            return;
        }
        ask_for(partition, rl_fair_queue_pop_wanted(&partition->waiting, has_nothing_leased, partition));
    }
}

/* Chooses what the next commit leases. */
static void choose(rl_partition *partition) {
    const bool starved = partition->starved;
    if (starved) {
        size_t doubled = 2 * stride(partition);
        partition->stride = doubled < partition->stride_max ? doubled : partition->stride_max;
        partition->starved = false;
    } else if (rl_watermark_span(partition->window) == 0) {
        partition->stride = 0;
    }
    while (leased(partition) < stride(partition) && partition->waiting.count > 0) {
        ask_for_next(partition);
    }
    ask_for_the_passed_over(partition);
    if (starved) {
        exchange(partition);
    }
    if (partition->waiting.count == 0 && leased(partition) < stride(partition)) {
        int64_t to = rl_watermark_next(partition->window) + (int64_t)(stride(partition) - leased(partition));
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
