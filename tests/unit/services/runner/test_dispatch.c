/* The slots. */
#include <pthread.h>

#include "services/runner/dispatch.h"
#include "tests/support/suite.h"

typedef struct {
    pthread_barrier_t together;
} meeting;

/* Returns only when all slots are in it: proof that they run side by side. */
static void meet(void *context, rl_task *task) {
    meeting *m = context;
    pthread_barrier_wait(&m->together);
    task->state = RL_TASK_DECIDED;
}

START_TEST(slots_work_side_by_side_and_send_their_tasks_home) {
    meeting m;
    pthread_barrier_init(&m.together, NULL, 3);
    rl_slots *slots = rl_slots_new(3, meet, &m, NULL);
    rl_task_queue *home = rl_task_queue_new(-1, NULL);
    rl_task tasks[3] = {{.home = home}, {.home = home}, {.home = home}};
    for (size_t i = 0; i < 3; i++) {
        rl_slots_start(slots, &tasks[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(rl_task_queue_wait(home)->state, RL_TASK_DECIDED);
    }
    rl_slots_free(slots);
    rl_task_queue_free(home);
    pthread_barrier_destroy(&m.together);
}
END_TEST

static void work(void *context, rl_task *task) {
    (void)context;
    task->state = RL_TASK_DECIDED;
}

START_TEST(a_slot_is_free_again_before_its_task_is_home) {
    rl_slots *slots = rl_slots_new(1, work, NULL, NULL);
    rl_task_queue *home = rl_task_queue_new(-1, NULL);
    rl_task task = {.home = home};
    for (int i = 0; i < 1000; i++) {
        rl_slots_start(slots, &task);
        (void)rl_task_queue_wait(home);
        ck_assert_uint_eq(rl_slots_busy(slots), 0);
    }
    rl_slots_free(slots);
    rl_task_queue_free(home);
}
END_TEST

START_TEST(freeing_waits_for_what_was_started) {
    rl_task_queue *home = rl_task_queue_new(-1, NULL);
    rl_slots *slots = rl_slots_new(1, work, NULL, NULL);
    rl_task tasks[2] = {{.home = home}, {.home = home}};
    rl_slots_start(slots, &tasks[0]);
    rl_slots_start(slots, &tasks[1]);
    rl_slots_free(slots);
    ck_assert_ptr_nonnull(rl_task_queue_pop(home));
    ck_assert_ptr_nonnull(rl_task_queue_pop(home));
    rl_task_queue_free(home);
}
END_TEST

START_TEST(no_slots_are_refused) {
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(rl_slots_new(0, work, NULL, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
}
END_TEST

RL_SUITE("services/runner/dispatch", slots_work_side_by_side_and_send_their_tasks_home,
         a_slot_is_free_again_before_its_task_is_home, freeing_waits_for_what_was_started,
         no_slots_are_refused)
