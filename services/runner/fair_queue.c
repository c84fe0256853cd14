/* fair_queue.c: a ring of flows, each a list of items. A flow leaves the ring, and forgets what it had left to
 * spend, with its last item: credit is not saved up while idle. */
#include "services/runner/fair_queue.h"

#include <stdlib.h>

struct rl_fair_flow {
    rl_fair_flow *next; /* in the ring */
    uint32_t name;
    uint32_t credit;
    bool visited; /* it has got its quantum for this turn */
    rl_fair_item *first;
    rl_fair_item *last;
};

static rl_fair_flow *find(const rl_fair_queue *queue, uint32_t name) {
    rl_fair_flow *flow = queue->last;
    if (!flow) {
        return NULL;
    }
    do {
        if (flow->name == name) {
            return flow;
        }
        flow = flow->next;
    } while (flow != queue->last);
    return NULL;
}

/* A new flow has its turn after all others. */
static rl_fair_flow *add(rl_fair_queue *queue, uint32_t name) {
    rl_fair_flow *flow = calloc(1, sizeof *flow);
    if (flow) {
        flow->name = name;
        flow->next = queue->last ? queue->last->next : flow;
        if (queue->last) {
            queue->last->next = flow;
        }
        queue->last = flow;
    }
    return flow;
}

bool rl_fair_queue_push(rl_fair_queue *queue, rl_fair_item *item) {
    rl_fair_flow *flow = find(queue, item->flow);
    if (!flow && !(flow = add(queue, item->flow))) {
        return false;
    }
    item->next = NULL;
    if (flow->first) {
        flow->last->next = item;
    } else {
        flow->first = item;
    }
    flow->last = item;
    queue->count++;
    return true;
}

/* Takes the first item of the flow after `before` in the ring. */
static rl_fair_item *unlink_first(rl_fair_queue *queue, rl_fair_flow *before) {
    rl_fair_flow *flow = before->next;
    rl_fair_item *item = flow->first;
    flow->first = item->next;
    item->next = NULL;
    queue->count--;
    if (!flow->first) {
        before->next = flow->next;
        if (queue->last == flow) {
            queue->last = flow == before ? NULL : before;
        }
        free(flow);
    }
    return item;
}

static rl_fair_item *pay(rl_fair_queue *queue) {
    rl_fair_flow *flow = queue->last->next;
    flow->credit -= flow->first->cost;
    return unlink_first(queue, queue->last);
}

rl_fair_item *rl_fair_queue_pop(rl_fair_queue *queue) {
    while (queue->count > 0) {
        rl_fair_flow *flow = queue->last->next;
        if (!flow->visited) {
            flow->visited = true;
            flow->credit += RL_FAIR_QUANTUM;
        }
        if (flow->first->cost <= flow->credit) {
            return pay(queue);
        }
        flow->visited = false;
        queue->last = flow; /* its turn is over */
    }
    return NULL;
}

/* The flow before the one that is wanted, in the ring. */
static rl_fair_flow *before_wanted(const rl_fair_queue *queue, rl_fair_wanted wanted, const void *context) {
    rl_fair_flow *before = queue->last;
    if (!before) {
        return NULL;
    }
    do {
        if (wanted(context, before->next->name)) {
            return before;
        }
        before = before->next;
    } while (before != queue->last);
    return NULL;
}

const rl_fair_item *rl_fair_queue_find_wanted(const rl_fair_queue *queue, rl_fair_wanted wanted,
                                              const void *context) {
    const rl_fair_flow *before = before_wanted(queue, wanted, context);
    return before ? before->next->first : NULL;
}

rl_fair_item *rl_fair_queue_pop_wanted(rl_fair_queue *queue, rl_fair_wanted wanted, const void *context) {
    rl_fair_flow *before = before_wanted(queue, wanted, context);
    return before ? unlink_first(queue, before) : NULL;
}
