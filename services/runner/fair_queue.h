/* fair_queue.h: whose turn it is: deficit round robin (M. Shreedhar, G. Varghese: "Efficient Fair Queuing
 * Using Deficit Round-Robin", SIGCOMM 1995).
 *
 * Items belong to flows (here: tenants) and have a cost. Flows with items are visited in turn; each visit
 * adds RL_FAIR_QUANTUM to what the flow may spend, and items leave as long as it can pay for them. So a flow
 * with a thousand items delays another one by one visit, not by a thousand items; within a flow the order is
 * that of arrival.
 *
 * Thread: one at a time. Memory: one small allocation for each flow that has items; items are linked through
 * themselves.
 */
#ifndef RL_RUNNER_FAIR_QUEUE_H
#define RL_RUNNER_FAIR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RL_FAIR_QUANTUM 1

/* The head of whatever is queued. */
typedef struct rl_fair_item {
    struct rl_fair_item *next; /* the queue's, while it holds the item */
    uint32_t flow;
    uint32_t cost; /* at least 1 */
} rl_fair_item;

typedef struct rl_fair_flow rl_fair_flow;

/* Zeroed is empty. */
typedef struct {
    rl_fair_flow *last; /* of a ring of flows with items: the next turn is the one after it */
    size_t count;       /* items */
} rl_fair_queue;

/* false, and the item is still the caller's, when memory is short. */
bool rl_fair_queue_push(rl_fair_queue *queue, rl_fair_item *item);

/* The next item in fair order; NULL: none. */
rl_fair_item *rl_fair_queue_pop(rl_fair_queue *queue);

/* The first item of a flow, one with items, that `wanted` picks out; NULL: of none. Pop_wanted takes it out of its turn
 * and free of charge. */
typedef bool (*rl_fair_wanted)(const void *context, uint32_t flow);
const rl_fair_item *rl_fair_queue_find_wanted(const rl_fair_queue *queue, rl_fair_wanted wanted,
                                              const void *context);
rl_fair_item *rl_fair_queue_pop_wanted(rl_fair_queue *queue, rl_fair_wanted wanted, const void *context);

#endif
