#include "lib/codec/result.h"
#include "tests/support/suite.h"

static rl_submission submission;

static rl_finished finished(int64_t generation, rl_verdict verdict, bool held) {
    submission = (rl_submission){.generation = generation, .held = held};
    return (rl_finished){.generation = generation, .verdict = verdict, .submission = &submission};
}

START_TEST(a_first_run_is_always_visible) {
    for (int verdict = 0; verdict < RL_VERDICT_COUNT; verdict++) {
        rl_finished f = finished(0, (rl_verdict)verdict, true);
        ck_assert_int_eq(rl_finished_standing_of(&f), RL_STANDING_VISIBLE);
        f.submission = NULL;
        ck_assert_int_eq(rl_finished_standing_of(&f), RL_STANDING_VISIBLE);
    }
}
END_TEST

START_TEST(a_replay_is_visible_unless_it_is_to_be_held) {
    const rl_verdict executed[] = {RL_VERDICT_OK, RL_VERDICT_COMPILE_ERROR, RL_VERDICT_TIME_LIMIT,
                                   RL_VERDICT_WRONG_ANSWER};
    for (size_t i = 0; i < sizeof executed / sizeof executed[0]; i++) {
        rl_finished now = finished(1, executed[i], false);
        ck_assert_int_eq(rl_finished_standing_of(&now), RL_STANDING_VISIBLE);
        rl_finished later = finished(1, executed[i], true);
        ck_assert_int_eq(rl_finished_standing_of(&later), RL_STANDING_HELD);
    }
}
END_TEST

START_TEST(a_replay_that_could_not_be_executed_replaces_nothing) {
    for (int held = 0; held < 2; held++) {
        rl_finished broken = finished(5, RL_VERDICT_SYSTEM_ERROR, held);
        ck_assert_int_eq(rl_finished_standing_of(&broken), RL_STANDING_NONE);
        rl_finished cancelled = finished(5, RL_VERDICT_CANCELLED, held);
        ck_assert_int_eq(rl_finished_standing_of(&cancelled), RL_STANDING_NONE);
        rl_finished unreadable = finished(5, RL_VERDICT_OK, held);
        unreadable.submission = NULL;
        ck_assert_int_eq(rl_finished_standing_of(&unreadable), RL_STANDING_NONE);
    }
}
END_TEST

RL_SUITE("codec/standing", a_first_run_is_always_visible, a_replay_is_visible_unless_it_is_to_be_held,
         a_replay_that_could_not_be_executed_replaces_nothing)
