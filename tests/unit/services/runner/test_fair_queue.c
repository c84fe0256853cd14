/* Whose turn it is. */
#include "services/runner/fair_queue.h"
#include "tests/support/suite.h"

#define MANY 1000

static rl_fair_item items[MANY];

/* Queues items first to last - 1 of `flow`. */
static void push(rl_fair_queue *queue, int first, int last, uint32_t flow) {
    for (int i = first; i < last; i++) {
        items[i] = (rl_fair_item){.flow = flow};
        ck_assert(rl_fair_queue_push(queue, &items[i]));
    }
}

static int pop(rl_fair_queue *queue) {
    rl_fair_item *item = rl_fair_queue_pop(queue, NULL, NULL);
    return item ? (int)(item - items) : -1;
}

static void drain(rl_fair_queue *queue, size_t expected) {
    size_t count = 0;
    while (pop(queue) >= 0) {
        count++;
    }
    ck_assert_uint_eq(count, expected);
    ck_assert_uint_eq(queue->count, 0);
    ck_assert_ptr_null(queue->last);
}

START_TEST(an_empty_queue_has_nothing) {
    rl_fair_queue queue = {0};
    ck_assert_int_eq(pop(&queue), -1);
}
END_TEST

START_TEST(one_flow_keeps_its_order) {
    rl_fair_queue queue = {0};
    push(&queue, 0, 10, 7);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(pop(&queue), i);
    }
    drain(&queue, 0);
}
END_TEST

START_TEST(a_newcomer_waits_one_turn_not_a_backlog) {
    rl_fair_queue queue = {0};
    push(&queue, 0, 200, 1);
    ck_assert_int_eq(pop(&queue), 0);
    push(&queue, 200, 203, 2);
    int at = 0;
    for (int served = 0; served < 3; at++) {
        served += pop(&queue) >= 200;
    }
    ck_assert_msg(at <= 6, "the newcomer's third item was number %d", at);
    drain(&queue, 200 - 1 - ((size_t)at - 3));
}
END_TEST

START_TEST(flows_share_evenly) {
    rl_fair_queue queue = {0};
    push(&queue, 0, 300, 1);
    push(&queue, 300, 600, 2);
    push(&queue, 600, 900, 3);
    int taken[3] = {0};
    for (int i = 0; i < 90; i++) {
        taken[pop(&queue) / 300]++;
    }
    ck_assert_int_eq(taken[0], 30);
    ck_assert_int_eq(taken[1], 30);
    ck_assert_int_eq(taken[2], 30);
    drain(&queue, 810);
}
END_TEST

static int64_t begin_of(const void *context, const rl_fair_item *item) {
    return ((const int64_t *)context)[item->flow];
}

START_TEST(who_begins_first_is_next_and_equal_ones_take_turns) {
    rl_fair_queue queue = {0};
    int64_t begin[4] = {0, 5, 5, 7};
    push(&queue, 0, 10, 1);
    push(&queue, 10, 20, 2);
    push(&queue, 20, 30, 3);
    for (int i = 0; i < 4; i++) {
        ck_assert_ptr_eq(rl_fair_queue_pop(&queue, begin_of, begin), &items[i]);
        ck_assert_ptr_eq(rl_fair_queue_pop(&queue, begin_of, begin), &items[10 + i]);
    }
    begin[3] = 1;
    for (int i = 20; i < 30; i++) { /* to its last */
        ck_assert_ptr_eq(rl_fair_queue_pop(&queue, begin_of, begin), &items[i]);
    }
    ck_assert(!rl_fair_queue_has(&queue, 3));
    ck_assert(rl_fair_queue_has(&queue, 2));
    begin[1] = 0;
    for (int i = 4; i < 10; i++) {
        ck_assert_ptr_eq(rl_fair_queue_pop(&queue, begin_of, begin), &items[i]);
    }
    drain(&queue, 6);
    ck_assert(!rl_fair_queue_has(&queue, 2));
}
END_TEST

START_TEST(idle_flows_save_nothing_up) {
    rl_fair_queue queue = {0};
    for (int i = 0; i < 50; i++) { /* flow 1 comes and goes */
        push(&queue, 0, 1, 1);
        ck_assert_int_eq(pop(&queue), 0);
    }
    push(&queue, 0, 20, 1);
    push(&queue, 20, 40, 2);
    int first = 0;
    for (int i = 0; i < 20; i++) {
        first += pop(&queue) < 20;
    }
    ck_assert_int_eq(first, 10);
    drain(&queue, 20);
}
END_TEST

static bool is_flow(const void *context, uint32_t flow) {
    return flow == *(const uint32_t *)context;
}

START_TEST(a_flow_that_is_wanted_is_served_out_of_turn) {
    rl_fair_queue queue = {0};
    uint32_t wanted = 2;
    ck_assert_ptr_null(rl_fair_queue_find_wanted(&queue, is_flow, &wanted));
    push(&queue, 0, 10, 1);
    ck_assert_ptr_null(rl_fair_queue_pop_wanted(&queue, is_flow, &wanted));
    push(&queue, 10, 12, 2);
    push(&queue, 12, 20, 3);
    ck_assert_ptr_eq(rl_fair_queue_find_wanted(&queue, is_flow, &wanted), &items[10]);
    ck_assert_ptr_eq(rl_fair_queue_pop_wanted(&queue, is_flow, &wanted), &items[10]);
    ck_assert_ptr_eq(rl_fair_queue_pop_wanted(&queue, is_flow, &wanted), &items[11]);
    ck_assert_ptr_null(rl_fair_queue_pop_wanted(&queue, is_flow, &wanted));
    wanted = 3; /* the last of the ring */
    for (int i = 12; i < 20; i++) {
        ck_assert_ptr_eq(rl_fair_queue_pop_wanted(&queue, is_flow, &wanted), &items[i]);
    }
    wanted = 1; /* alone */
    for (int i = 0; i < 10; i++) {
        ck_assert_ptr_eq(rl_fair_queue_pop_wanted(&queue, is_flow, &wanted), &items[i]);
    }
    drain(&queue, 0);
}
END_TEST

RL_SUITE("runner/fair_queue", an_empty_queue_has_nothing, a_flow_that_is_wanted_is_served_out_of_turn,
         one_flow_keeps_its_order, a_newcomer_waits_one_turn_not_a_backlog, flows_share_evenly,
         who_begins_first_is_next_and_equal_ones_take_turns, idle_flows_save_nothing_up)
