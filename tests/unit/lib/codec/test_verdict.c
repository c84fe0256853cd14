#include "lib/codec/verdict.h"

#include "tests/support/suite.h"

START_TEST(every_verdict_has_a_name_that_parses_back) {
    for (int i = 0; i < RL_VERDICT_COUNT; i++) {
        rl_verdict back = RL_VERDICT_COUNT;
        ck_assert(rl_verdict_parse(rl_verdict_name((rl_verdict)i), &back));
        ck_assert_int_eq(back, i);
    }
}
END_TEST

START_TEST(every_limit_has_a_name_that_parses_back) {
    for (int i = 0; i < RL_LIMIT_COUNT; i++) {
        rl_limit back = RL_LIMIT_COUNT;
        ck_assert(rl_limit_parse(rl_limit_name((rl_limit)i), &back));
        ck_assert_int_eq(back, i);
    }
}
END_TEST

START_TEST(an_unknown_name_changes_nothing) {
    rl_verdict verdict = RL_VERDICT_OK;
    rl_limit limit = RL_LIMIT_MEMORY;
    ck_assert(!rl_verdict_parse("EXCELLENT", &verdict));
    ck_assert(!rl_limit_parse("", &limit));
    ck_assert_int_eq(verdict, RL_VERDICT_OK);
    ck_assert_int_eq(limit, RL_LIMIT_MEMORY);
}
END_TEST

RL_SUITE("codec/verdict", every_verdict_has_a_name_that_parses_back, every_limit_has_a_name_that_parses_back,
         an_unknown_name_changes_nothing)
