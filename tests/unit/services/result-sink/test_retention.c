#include "services/result-sink/retention.h"

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

RL_SUITE("sink/retention", expiry_counts_from_when_it_finished,
         a_record_that_does_not_know_falls_back_to_its_other_times, a_time_beyond_all_times_does_not_overflow)
