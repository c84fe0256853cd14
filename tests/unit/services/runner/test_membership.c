/* When a member says that its group refuses it; without a group. */
#include "services/runner/membership_parts.h"
#include "tests/support/suite.h"

START_TEST(a_refusal_is_told_when_it_has_lasted) {
    struct rl_membership m = {.count = 0};
    ck_assert_ptr_null(rl_membership_refused(&m, rl_clock_us()));
    rl_membership_note_answer(&m.commits_refused_us, false);
    ck_assert_ptr_null(rl_membership_refused(&m, rl_clock_us()));
    int64_t since_us = m.commits_refused_us;
    rl_membership_note_answer(&m.commits_refused_us, false); /* the first one counts */
    ck_assert_int_eq(m.commits_refused_us, since_us);
    ck_assert_ptr_nonnull(strstr(rl_membership_refused(&m, since_us + RL_MEMBERSHIP_PATIENCE_US), "commits"));
}
END_TEST

START_TEST(an_answer_ends_it) {
    struct rl_membership m = {.count = 0};
    rl_membership_note_answer(&m.claims_refused_us, false);
    int64_t late_us = m.claims_refused_us + RL_MEMBERSHIP_PATIENCE_US;
    ck_assert_ptr_nonnull(strstr(rl_membership_refused(&m, late_us), "offsets"));
    rl_membership_note_answer(&m.claims_refused_us, true);
    ck_assert_ptr_null(rl_membership_refused(&m, late_us));
}
END_TEST

RL_SUITE("runner/membership", a_refusal_is_told_when_it_has_lasted, an_answer_ends_it)
