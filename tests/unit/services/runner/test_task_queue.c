/* Tasks change threads. */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "services/runner/task.h"
#include "tests/support/suite.h"

START_TEST(tasks_come_out_in_the_order_in_which_they_went_in) {
    rl_task_queue *queue = rl_task_queue_new(-1, NULL);
    rl_task first = {0}, second = {0}, third = {0};
    rl_task_queue_push(queue, &first);
    rl_task_queue_push(queue, &second);
    ck_assert_ptr_eq(rl_task_queue_pop(queue), &first);
    rl_task_queue_push(queue, &third);
    ck_assert_ptr_eq(rl_task_queue_pop(queue), &second);
    ck_assert_ptr_eq(rl_task_queue_pop(queue), &third);
    ck_assert_ptr_null(rl_task_queue_pop(queue));
    rl_task_queue_free(queue);
}
END_TEST

START_TEST(a_push_wakes_whoever_polls_the_descriptor) {
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    rl_task_queue *queue = rl_task_queue_new(fd, NULL);
    struct pollfd wake = {.fd = fd, .events = POLLIN};
    ck_assert_int_eq(poll(&wake, 1, 0), 0);
    rl_task task = {0};
    rl_task_queue_push(queue, &task);
    ck_assert_int_eq(poll(&wake, 1, 0), 1);
    (void)rl_task_queue_pop(queue);
    rl_task_queue_free(queue);
    close(fd);
}
END_TEST

static void *wait_for_one(void *queue) {
    return rl_task_queue_wait(queue);
}

START_TEST(a_waiting_reader_gets_the_task) {
    rl_task_queue *queue = rl_task_queue_new(-1, NULL);
    pthread_t reader;
    ck_assert_int_eq(pthread_create(&reader, NULL, wait_for_one, queue), 0);
    rl_task task = {0};
    rl_task_queue_push(queue, &task);
    void *got = NULL;
    pthread_join(reader, &got);
    ck_assert_ptr_eq(got, &task);
    rl_task_queue_free(queue);
}
END_TEST

START_TEST(closing_lets_readers_go_after_the_last_task) {
    rl_task_queue *queue = rl_task_queue_new(-1, NULL);
    rl_task task = {0};
    rl_task_queue_push(queue, &task);
    rl_task_queue_close(queue);
    ck_assert_ptr_eq(rl_task_queue_wait(queue), &task);
    ck_assert_ptr_null(rl_task_queue_wait(queue));
    rl_task_queue_free(queue);
}
END_TEST

RL_SUITE("services/runner/task_queue", tasks_come_out_in_the_order_in_which_they_went_in,
         a_push_wakes_whoever_polls_the_descriptor, a_waiting_reader_gets_the_task,
         closing_lets_readers_go_after_the_last_task)
