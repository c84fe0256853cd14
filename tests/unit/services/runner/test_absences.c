#include "services/runner/absences.h"

#include <stdio.h>

#include "tests/support/suite.h"

#define MEMORY_US 1000

START_TEST(a_language_is_away_since_it_was_first_missed) {
    RL_AUTO_ABSENCES rl_absences *absences = rl_absences_new(MEMORY_US, NULL);
    ck_assert_int_eq(rl_absences_since_us(absences, "klingon", 10), 10);
    ck_assert_int_eq(rl_absences_since_us(absences, "klingon", 500), 10);
    ck_assert_int_eq(rl_absences_since_us(absences, "quenya", 600), 600);
    ck_assert_int_eq(rl_absences_since_us(absences, "klingon", 1400), 10);
}
END_TEST

START_TEST(one_that_was_there_in_between_begins_anew) {
    RL_AUTO_ABSENCES rl_absences *absences = rl_absences_new(MEMORY_US, NULL);
    rl_absences_end(absences, "klingon");
    ck_assert_int_eq(rl_absences_since_us(absences, "klingon", 10), 10);
    rl_absences_end(absences, "klingon");
    ck_assert_int_eq(rl_absences_since_us(absences, "klingon", 20), 20);
}
END_TEST

START_TEST(one_that_nobody_asks_for_is_forgotten) {
    RL_AUTO_ABSENCES rl_absences *absences = rl_absences_new(MEMORY_US, NULL);
    ck_assert_int_eq(rl_absences_since_us(absences, "klingon", 10), 10);
    ck_assert_int_eq(rl_absences_since_us(absences, "klingon", 10 + MEMORY_US), 10);
    ck_assert_int_eq(rl_absences_since_us(absences, "klingon", 11 + 2 * MEMORY_US), 11 + 2 * MEMORY_US);
}
END_TEST

START_TEST(of_too_many_the_longest_unasked_goes) {
    RL_AUTO_ABSENCES rl_absences *absences = rl_absences_new(MEMORY_US, NULL);
    char name[16];
    for (int i = 0; i < RL_ABSENCES_MAX; i++) {
        snprintf(name, sizeof name, "n%d", i);
        ck_assert_int_eq(rl_absences_since_us(absences, name, 100 + i), 100 + i);
    }
    ck_assert_int_eq(rl_absences_since_us(absences, "n0", 200), 100);
    ck_assert_int_eq(rl_absences_since_us(absences, "one more", 201), 201);
    ck_assert_int_eq(rl_absences_since_us(absences, "n0", 202), 100);
    ck_assert_int_eq(rl_absences_since_us(absences, "n1", 203), 203);
}
END_TEST

START_TEST(names_of_any_length_will_do) {
    RL_AUTO_ABSENCES rl_absences *absences = rl_absences_new(MEMORY_US, NULL);
    char name[1000];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    ck_assert_int_eq(rl_absences_since_us(absences, name, 10), 10);
    ck_assert_int_eq(rl_absences_since_us(absences, name, 20), 10);
}
END_TEST

RL_SUITE("runner/absences", a_language_is_away_since_it_was_first_missed,
         one_that_was_there_in_between_begins_anew, one_that_nobody_asks_for_is_forgotten,
         of_too_many_the_longest_unasked_goes, names_of_any_length_will_do)
