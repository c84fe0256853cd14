#include "lib/sink/retention.h"

#include "tests/support/suite.h"

START_TEST(expiry_counts_from_when_it_finished) {
    const rl_finished finished = {.finished_us = 1000, .started_us = 900, .queued_us = 800};
    ck_assert_int_eq(rl_retention_expires_us(&finished, 2000, 50), 1050);
}
END_TEST

START_TEST(a_record_that_does_not_know_falls_back_to_its_other_times) {
    ck_assert_int_eq(rl_retention_expires_us(&(rl_finished){.started_us = 900, .queued_us = 800}, 2000, 50),
                     950);
    ck_assert_int_eq(rl_retention_expires_us(&(rl_finished){.queued_us = 800}, 2000, 50), 850);
    ck_assert_int_eq(rl_retention_expires_us(&(rl_finished){.finished_us = -5}, 2000, 50), 2050);
}
END_TEST

START_TEST(a_time_beyond_all_times_does_not_overflow) {
    const rl_finished finished = {.finished_us = INT64_MAX - 10};
    ck_assert_int_eq(rl_retention_expires_us(&finished, 0, 50), INT64_MAX);
}
END_TEST

START_TEST(a_tombstone_outlives_what_may_finish_after_it) {
    enum { WEEK_S = 7 * 86400 };
    const rl_deleted deleted = {.deleted_us = 1000};
    const rl_finished late = {.finished_us = 1000 + WEEK_S * INT64_C(1000000)};
    ck_assert_int_gt(rl_retention_deleted_us(&deleted, 0, 50), rl_retention_expires_us(&late, 0, 50));
}
END_TEST

START_TEST(a_decision_outlives_what_its_replay_may_still_bring) {
    enum { WEEK_S = 7 * 86400 };
    const rl_replay_decision decision = {.decided_us = 1000};
    const rl_finished late = {.finished_us = 1000 + WEEK_S * INT64_C(1000000)};
    ck_assert_int_gt(rl_retention_decided_us(&decision, 0, 50), rl_retention_expires_us(&late, 0, 50));
    ck_assert_int_eq(rl_retention_decided_us(&(rl_replay_decision){0}, 1000, 50),
                     rl_retention_decided_us(&decision, 7, 50));
}
END_TEST

START_TEST(a_tombstone_without_a_time_counts_from_when_it_was_logged) {
    const int64_t dated = rl_retention_deleted_us(&(rl_deleted){.deleted_us = 700}, 9, 50);
    ck_assert_int_eq(rl_retention_deleted_us(&(rl_deleted){0}, 700, 50), dated);
    ck_assert_int_eq(rl_retention_deleted_us(&(rl_deleted){.deleted_us = INT64_MAX - 1}, 0, 50), INT64_MAX);
}
END_TEST

RL_SUITE("sink/retention", expiry_counts_from_when_it_finished, a_tombstone_outlives_what_may_finish_after_it,
         a_decision_outlives_what_its_replay_may_still_bring,
         a_tombstone_without_a_time_counts_from_when_it_was_logged,
         a_record_that_does_not_know_falls_back_to_its_other_times, a_time_beyond_all_times_does_not_overflow)
