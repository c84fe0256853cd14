/* Exercising a real broker. */
#include "lib/base/clock.h"
#include "tests/support/kafka.h"
#include "tests/support/suite.h"
#include "tools/runlog/warm_up.h"

START_TEST(records_go_there_and_come_back_again_and_again) {
    const rl_stream_config stream = rl_test_stream();
    for (int again = 0; again < 2; again++) {
        size_t records = 0;
        rl_error err = RL_ERROR_INIT;
        ck_assert_msg(rl_warm_up(&stream, RL_US_PER_MS, &records, &err), "%s", err.message);
        ck_assert_uint_gt(records, 0);
    }
}
END_TEST

START_TEST(a_broker_that_is_away_is_transient) {
    const rl_stream_config nowhere = {"127.0.0.1:1", "test", "socket.timeout.ms=1000", NULL};
    size_t records = 0;
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_warm_up(&nowhere, RL_US_PER_MS, &records, &err));
    ck_assert_msg(err.error_class == RL_TRANSIENT, "%s", err.message);
    ck_assert_uint_eq(records, 0);
}
END_TEST

RL_SUITE("tools/runlog/warm_up on a broker", records_go_there_and_come_back_again_and_again,
         a_broker_that_is_away_is_transient)
