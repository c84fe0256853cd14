/* record_list.c: linked through the item that a fair queue uses too: a record is in one of them at a time. */
#include "services/runner/record_list.h"

#include <errno.h>
#include <stdlib.h>

rl_record_held *rl_record_held_new(rl_error *err) {
    rl_record_held *record = calloc(1, sizeof *record);
    if (!record) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
    }
    return record;
}

void rl_record_held_free(rl_record_held *record) {
    if (record) {
        if (record->message) {
            rd_kafka_message_destroy(record->message);
        }
        if (record->tenant) {
            record->tenant->held--;
            record->tenant->leased -= record->leased;
        }
        free(record);
    }
}

void rl_record_list_push(rl_record_list *list, rl_record_held *record) {
    record->item.next = NULL;
    if (list->last) {
        list->last->item.next = &record->item;
    } else {
        list->first = record;
    }
    list->last = record;
    list->count++;
}

rl_record_held *rl_record_list_pop(rl_record_list *list) {
    rl_record_held *record = list->first;
    if (record) {
        list->first = (rl_record_held *)record->item.next;
        if (!list->first) {
            list->last = NULL;
        }
        record->item.next = NULL;
        list->count--;
    }
    return record;
}

static rl_record_held *next_of(const rl_record_held *record) {
    return (rl_record_held *)record->item.next;
}

void rl_record_list_remove(rl_record_list *list, rl_record_held *record) {
    rl_record_held *before = list->first;
    if (before == record) {
        (void)rl_record_list_pop(list);
        return;
    }
    while (next_of(before) != record) {
        before = next_of(before);
    }
    before->item.next = record->item.next;
    if (list->last == record) {
        list->last = before;
    }
    record->item.next = NULL;
    list->count--;
}

size_t rl_record_list_count_flow(const rl_record_list *list, uint32_t flow) {
    size_t count = 0;
    for (const rl_record_held *record = list->first; record; record = next_of(record)) {
        count += record->item.flow == flow;
    }
    return count;
}
