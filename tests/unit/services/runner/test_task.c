/* How long a record is tried whose program something outside its sandbox ends. */
#include "services/runner/task.h"
#include "tests/support/suite.h"

#define PATIENCE_US INT64_C(600000000)

START_TEST(what_is_ended_from_outside_is_tried_until_patience_is_over) {
    rl_task task = {.unfair_us = 0};
    ck_assert(rl_task_note_unfair(&task, 1000, PATIENCE_US));
    ck_assert(rl_task_note_unfair(&task, 999 + PATIENCE_US, PATIENCE_US));
    ck_assert(!rl_task_note_unfair(&task, 1000 + PATIENCE_US, PATIENCE_US));
}
END_TEST

START_TEST(outages_in_between_do_not_make_it_last_for_ever) {
    rl_task task = {.unfair_us = 0};
    int tries = 1;
    while (rl_task_note_unfair(&task, tries * PATIENCE_US, PATIENCE_US)) {
        task.unfair_us = 0; /* as an outage does */
        tries++;
    }
    ck_assert_int_eq(tries, RL_TASK_UNFAIR_MOST);
}
END_TEST

RL_SUITE("runner/task", what_is_ended_from_outside_is_tried_until_patience_is_over,
         outages_in_between_do_not_make_it_last_for_ever)
