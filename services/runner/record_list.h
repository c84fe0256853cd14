/* record_list.h: records that were read from their partition and have not been started, in order.
 *
 * Thread: the consumer thread. Plain value: zeroed is empty.
 */
#ifndef RL_RUNNER_RECORD_LIST_H
#define RL_RUNNER_RECORD_LIST_H

#include <librdkafka/rdkafka.h>

#include "lib/base/error.h"
#include "services/runner/fair_queue.h"
#include "services/runner/tenant_clock.h"

typedef struct {
    rl_fair_item item; /* first: a record is also an item of a fair queue */
    rd_kafka_message_t *message;
    rl_tenant *tenant; /* counts it as held; NULL: a suspect that is to run alone */
    bool leased;       /* and as leased */
    bool condemned;    /* not to be executed any more, only to be answered */
} rl_record_held;

typedef struct {
    rl_record_held *first;
    rl_record_held *last;
    size_t count;
} rl_record_list;

/* Room for a record, without one yet. NULL and TRANSIENT when memory is short. */
rl_record_held *rl_record_held_new(rl_error *err);

/* Its message goes too, and its tenant does not count it any more. NULL is fine. */
void rl_record_held_free(rl_record_held *record);

void rl_record_list_push(rl_record_list *list, rl_record_held *record);

/* NULL: none. */
rl_record_held *rl_record_list_pop(rl_record_list *list);

/* Takes out one that is in the list. */
void rl_record_list_remove(rl_record_list *list, rl_record_held *record);

/* How many records of this flow are in it. */
size_t rl_record_list_count_flow(const rl_record_list *list, uint32_t flow);

#endif
