#include "lib/sink/suspicion.h"

#include "tests/support/suite.h"

static const rl_patience patience = {.strikes = 3, .us = 100};

START_TEST(neither_strikes_nor_time_alone_are_enough) {
    rl_suspicion many = {0}, late = {0};
    for (int64_t now_us = 1000; now_us < 1100; now_us++) {
        ck_assert(!rl_suspicion_strike(&many, &patience, now_us));
    }
    ck_assert(!rl_suspicion_strike(&late, &patience, 1000));
    ck_assert(!rl_suspicion_strike(&late, &patience, 999000));
}
END_TEST

START_TEST(an_unbroken_row_that_lasts_gives_the_document_up) {
    rl_suspicion suspicion = {0};
    ck_assert(!rl_suspicion_strike(&suspicion, &patience, 1000));
    ck_assert(!rl_suspicion_strike(&suspicion, &patience, 1050));
    ck_assert(rl_suspicion_strike(&suspicion, &patience, 1100));
}
END_TEST

START_TEST(a_server_that_fails_the_other_document_ends_the_row) {
    rl_suspicion suspicion = {0};
    rl_suspicion_raise(&suspicion);
    ck_assert(!rl_suspicion_strike(&suspicion, &patience, 1000));
    ck_assert(!rl_suspicion_strike(&suspicion, &patience, 1090));
    rl_suspicion_clear(&suspicion);
    ck_assert(!suspicion.on);
    ck_assert(!rl_suspicion_strike(&suspicion, &patience, 1100));
    ck_assert(!rl_suspicion_strike(&suspicion, &patience, 1150));
    ck_assert(rl_suspicion_strike(&suspicion, &patience, 1200));
}
END_TEST

RL_SUITE("sink/suspicion", neither_strikes_nor_time_alone_are_enough,
         an_unbroken_row_that_lasts_gives_the_document_up,
         a_server_that_fails_the_other_document_ends_the_row)
