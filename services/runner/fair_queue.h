/* fair_queue.h: what waits, by flow: which flow is next is the asker's to say, and flows that are equal take turns.
 *
 * Items belong to flows (here: tenants). Within a flow the order is that of arrival. So a flow with a thousand items delays
 * another one not by a thousand items but by what its owner's share is.
 *
 * Thread: one at a time. Memory: one small allocation for each flow that has items; items are linked through
 * themselves.
 */
#ifndef RL_RUNNER_FAIR_QUEUE_H
#define RL_RUNNER_FAIR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The head of whatever is queued. */
typedef struct rl_fair_item {
    struct rl_fair_item *next; /* the queue's, while it holds the item */
    uint32_t flow;
} rl_fair_item;

typedef struct rl_fair_flow rl_fair_flow;

/* Zeroed is empty. */
typedef struct {
    rl_fair_flow *last; /* of a ring of flows with items: the next turn is the one after it */
    size_t count;       /* items */
} rl_fair_queue;

/* false, and the item is still the caller's, when memory is short. */
bool rl_fair_queue_push(rl_fair_queue *queue, rl_fair_item *item);

/* The same for one that was here before: it is the first of its flow again. */
bool rl_fair_queue_push_back(rl_fair_queue *queue, rl_fair_item *item);

/* Where the flow of this item, its first, begins. */
typedef int64_t (*rl_fair_begin)(const void *context, const rl_fair_item *item);

/* The first item of the flow that begins first; of equal ones of that whose turn it is. NULL: there is none. `begin` NULL:
 * all are equal. */
rl_fair_item *rl_fair_queue_pop(rl_fair_queue *queue, rl_fair_begin begin, const void *context);
const rl_fair_item *rl_fair_queue_peek(const rl_fair_queue *queue, rl_fair_begin begin, const void *context);

/* The first item of a flow, one with items, that `wanted` picks out; NULL: of none. */
typedef bool (*rl_fair_wanted)(const void *context, uint32_t flow);
const rl_fair_item *rl_fair_queue_find_wanted(const rl_fair_queue *queue, rl_fair_wanted wanted,
                                              const void *context);
rl_fair_item *rl_fair_queue_pop_wanted(rl_fair_queue *queue, rl_fair_wanted wanted, const void *context);

/* Whether a flow has items. */
bool rl_fair_queue_has(const rl_fair_queue *queue, uint32_t flow);

#endif
