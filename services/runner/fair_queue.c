/* fair_queue.c: a ring of flows, each a list of items. A flow leaves the ring with its last item. */
#include "services/runner/fair_queue.h"

#include <stdlib.h>

struct rl_fair_flow {
    rl_fair_flow *next; /* in the ring */
    uint32_t name;
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

bool rl_fair_queue_push_back(rl_fair_queue *queue, rl_fair_item *item) {
    rl_fair_flow *flow = find(queue, item->flow);
    if (!flow) {
        return rl_fair_queue_push(queue, item);
    }
    item->next = flow->first;
    flow->first = item;
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

/* The flow before the one that is next, in the ring. */
static rl_fair_flow *before_next(const rl_fair_queue *queue, rl_fair_begin begin, const void *context) {
    rl_fair_flow *before = queue->last;
    rl_fair_flow *best = before;
    if (!before || !begin) {
        return best;
    }
    int64_t best_begin = begin(context, best->next->first);
    while ((before = before->next) != queue->last) {
        const int64_t its = begin(context, before->next->first);
        if (its < best_begin) {
            best = before;
            best_begin = its;
        }
    }
    return best;
}

const rl_fair_item *rl_fair_queue_peek(const rl_fair_queue *queue, rl_fair_begin begin, const void *context) {
    const rl_fair_flow *before = before_next(queue, begin, context);
    return before ? before->next->first : NULL;
}

rl_fair_item *rl_fair_queue_pop(rl_fair_queue *queue, rl_fair_begin begin, const void *context) {
    rl_fair_flow *before = before_next(queue, begin, context);
    if (!before) {
        return NULL;
    }
    rl_fair_flow *flow = before->next;
    const bool goes_on = flow->first != flow->last;
    rl_fair_item *item = unlink_first(queue, before);
    if (queue->last) {
        queue->last = goes_on ? flow : before; /* its turn is over */
    }
    return item;
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

bool rl_fair_queue_has(const rl_fair_queue *queue, uint32_t flow) {
    return find(queue, flow) != NULL;
}
