#include "services/runner/sweep.h"

#include "tests/support/suite.h"

#define NOW INT64_C(1795424141000000)
#define SECOND INT64_C(1000000)

static bool is_orphan(rl_container_phase phase, int64_t created_us, int64_t finished_us) {
    rl_engine_state state = {
        .phase = phase, .created_us = created_us, .started_us = created_us, .finished_us = finished_us};
    return rl_sweep_is_orphan(&state, NOW);
}

START_TEST(a_running_container_is_never_an_orphan) {
    ck_assert(!is_orphan(RL_CONTAINER_RUNNING, NOW - 3600 * SECOND, 0));
}
END_TEST

START_TEST(an_exited_container_is_one_a_minute_after_its_end) {
    ck_assert(!is_orphan(RL_CONTAINER_EXITED, NOW - 3600 * SECOND, NOW - 59 * SECOND));
    ck_assert(is_orphan(RL_CONTAINER_EXITED, NOW - 3600 * SECOND, NOW - 61 * SECOND));
}
END_TEST

START_TEST(a_container_that_was_never_started_is_one_a_minute_after_its_creation) {
    ck_assert(!is_orphan(RL_CONTAINER_CREATED, NOW - 59 * SECOND, 0));
    ck_assert(is_orphan(RL_CONTAINER_CREATED, NOW - 61 * SECOND, 0));
}
END_TEST

START_TEST(a_clock_that_was_set_back_does_not_keep_orphans_for_ever) {
    ck_assert(!is_orphan(RL_CONTAINER_EXITED, 0, NOW + 30 * SECOND));
    ck_assert(is_orphan(RL_CONTAINER_EXITED, 0, NOW + 3600 * SECOND));
}
END_TEST

START_TEST(one_that_runs_and_was_never_started_is_an_orphan_a_minute_after_its_creation) {
    rl_engine_state state = {.phase = RL_CONTAINER_RUNNING, .created_us = NOW - 59 * SECOND};
    ck_assert(!rl_sweep_is_orphan(&state, NOW));
    state.created_us = NOW - 61 * SECOND;
    ck_assert(rl_sweep_is_orphan(&state, NOW));
}
END_TEST

RL_SUITE("runner/sweep", a_running_container_is_never_an_orphan,
         one_that_runs_and_was_never_started_is_an_orphan_a_minute_after_its_creation,
         an_exited_container_is_one_a_minute_after_its_end,
         a_container_that_was_never_started_is_one_a_minute_after_its_creation,
         a_clock_that_was_set_back_does_not_keep_orphans_for_ever)
