/* Whose fault it is that a container does not start. With real containers:
 * tests/integration/services/runner/test_sandbox_engine.c. */
#include "services/runner/starts.h"

#include "lib/base/clock.h"
#include "tests/support/suite.h"

static const rl_manifest bash = {.name = "bash"}, python = {.name = "python"}, java = {.name = "java"};

static rl_starts *open_starts(void) {
    rl_error err = RL_ERROR_INIT;
    rl_starts *starts = rl_starts_new(&err);
    ck_assert_msg(starts != NULL, "%s", err.message);
    return starts;
}

START_TEST(a_host_on_which_nothing_has_started_yet_is_ill) {
    RL_AUTO_STARTS rl_starts *starts = open_starts();
    const rl_manifest *other = NULL;
    ck_assert(!rl_starts_is_ill(starts));
    ck_assert_int_eq(rl_starts_ask(starts, &bash, rl_clock_us(), &other), RL_STARTS_UNKNOWN);
    ck_assert(rl_starts_is_ill(starts));
    rl_starts_note(starts, &bash);
    ck_assert(!rl_starts_is_ill(starts));
}
END_TEST

START_TEST(the_languages_own_containers_prove_nothing_against_it) {
    RL_AUTO_STARTS rl_starts *starts = open_starts();
    const rl_manifest *other = NULL;
    int64_t since_us = rl_clock_us();
    rl_starts_note(starts, &bash);
    ck_assert_int_eq(rl_starts_ask(starts, &bash, since_us, &other), RL_STARTS_UNKNOWN);
}
END_TEST

START_TEST(another_language_that_has_started_since_proves_the_host_well) {
    RL_AUTO_STARTS rl_starts *starts = open_starts();
    const rl_manifest *other = NULL;
    int64_t since_us = rl_clock_us();
    rl_starts_note(starts, &python);
    rl_starts_note(starts, &bash);
    rl_starts_note(starts, &bash);
    ck_assert_int_eq(rl_starts_ask(starts, &bash, since_us, &other), RL_STARTS_OTHERS);
    ck_assert_int_eq(rl_starts_ask(starts, &java, since_us, &other), RL_STARTS_OTHERS);
    ck_assert(!rl_starts_is_ill(starts));
}
END_TEST

START_TEST(one_that_started_long_ago_is_tried_by_one_at_a_time) {
    RL_AUTO_STARTS rl_starts *starts = open_starts();
    const rl_manifest *other = NULL;
    rl_starts_note(starts, &python);
    rl_starts_note(starts, &bash);
    int64_t since_us = rl_clock_us() + 1;
    ck_assert_int_eq(rl_starts_ask(starts, &bash, since_us, &other), RL_STARTS_TRY);
    ck_assert_ptr_eq(other, &python);
    ck_assert_int_eq(rl_starts_ask(starts, &bash, since_us, &other), RL_STARTS_UNKNOWN);
    ck_assert(!rl_starts_is_ill(starts));
    rl_starts_tried(starts, false);
    ck_assert(rl_starts_is_ill(starts));
    ck_assert_int_eq(rl_starts_ask(starts, &bash, since_us, &other), RL_STARTS_TRY);
    rl_starts_note(starts, &python);
    rl_starts_tried(starts, true);
    ck_assert(!rl_starts_is_ill(starts));
}
END_TEST

RL_SUITE("runner/starts", a_host_on_which_nothing_has_started_yet_is_ill,
         the_languages_own_containers_prove_nothing_against_it,
         another_language_that_has_started_since_proves_the_host_well,
         one_that_started_long_ago_is_tried_by_one_at_a_time)
