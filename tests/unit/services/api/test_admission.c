#include "services/api/admission.h"

#include "lib/base/clock.h"
#include "suite.h"

#define WAIT_S 100
#define ABSENCE_S 60
/* What is assumed of unknown runners, ten a second, for as long as that. */
#define ASSUMED 1000

static rl_admission *admission;
static int64_t now_us;
static int64_t finished;

static rl_admission *make(int64_t wait_s) {
    const rl_admission_config config = {wait_s * RL_US_PER_S, ABSENCE_S * RL_US_PER_S};
    rl_admission *ret = rl_admission_new(&config, NULL);
    ck_assert_ptr_nonnull(ret);
    return ret;
}

static void set_up(void) {
    admission = make(WAIT_S);
    now_us = 1000 * RL_US_PER_S;
    finished = 0;
}

static void tear_down(void) {
    rl_admission_free(admission);
}

static void see_log(int64_t backlog, int64_t members, int64_t appended) {
    const rl_admission_sight sight = {now_us, backlog, members, appended};
    rl_admission_observe(admission, &sight);
}

/* The group has committed what it has finished. */
static void see(int64_t backlog, int64_t members) {
    see_log(backlog, members, finished + backlog);
}

static void finish(int64_t count, int executed_s) {
    for (int64_t i = 0; i < count; i++) {
        rl_admission_finished(admission, executed_s * RL_US_PER_S);
    }
    finished += count;
}

/* Nobody is there for so many seconds. */
static void stay_alone(int seconds, int64_t backlog) {
    for (int i = 0; i < seconds; i++) {
        now_us += RL_US_PER_S;
        see(backlog, 0);
    }
}

/* Seconds in which the runners finish `rate` records that executed for `executed_s` each, and leave `backlog`. */
static void work(int seconds, int rate, int executed_s, int64_t backlog) {
    for (int i = 0; i < seconds; i++) {
        now_us += RL_US_PER_S;
        finish(rate, executed_s);
        see(backlog, 3);
    }
}

static rl_admission_judgement judge(int64_t backlog) {
    return rl_admission_judge(admission, backlog, 0, now_us);
}

static void expect(int64_t backlog, rl_admission_verdict verdict) {
    const rl_admission_judgement seen = judge(backlog);
    ck_assert_msg(seen.verdict == verdict, "backlog %lld: verdict %d, wait %lld s, rate %f/s",
                  (long long)backlog, (int)seen.verdict, (long long)(seen.wait_us / RL_US_PER_S),
                  rl_admission_statistics(admission).rate);
}

static void expect_rate(double low, double high) {
    const double rate = rl_admission_statistics(admission).rate;
    ck_assert_msg(rate >= low && rate <= high, "rate %f, expected %f to %f", rate, low, high);
}

START_TEST(unknown_runners_are_trusted_with_a_bounded_backlog) {
    expect(0, RL_ADMITTED);
    expect(ASSUMED, RL_ADMITTED);
    expect(ASSUMED + 1, RL_REFUSED_WAIT);
}
END_TEST

START_TEST(the_wait_is_the_backlog_divided_by_the_measured_rate) {
    see(500, 3);
    work(300, 5, 0, 500);
    expect_rate(4.9, 5.1);
    ck_assert_int_ge(judge(250).wait_us / RL_US_PER_S, 49);
    ck_assert_int_le(judge(250).wait_us / RL_US_PER_S, 50);
    expect(499, RL_ADMITTED);
    expect(511, RL_REFUSED_WAIT);
}
END_TEST

START_TEST(what_is_answered_without_being_executed_is_no_sign_of_fast_runners) {
    see(9500, 3);
    work(300, 5, 0, 9500);
    for (int64_t left = 9000; left >= 1000; left -= 1000) { /* a batch of thousands is cancelled */
        for (int i = 0; i < 1000; i++) {
            rl_admission_skipped(admission);
        }
        finished += 1000;
        now_us += RL_US_PER_S;
        see(left, 3);
    }
    expect_rate(4.9, 5.1);
    expect(399, RL_ADMITTED); /* they wait no more */
    expect(511, RL_REFUSED_WAIT);
}
END_TEST

START_TEST(fast_runners_are_believed_within_seconds) {
    see(5000, 3);
    work(3, 500, 0, 5000);
    expect(9000, RL_ADMITTED);
}
END_TEST

START_TEST(little_work_is_no_sign_of_slow_runners) {
    see(0, 3);
    for (int minute = 0; minute < 30; minute++) {
        work(1, 1, 0, 1);
        work(59, 0, 0, 0);
    }
    expect(ASSUMED, RL_ADMITTED);
}
END_TEST

START_TEST(runners_that_have_slots_to_spare_are_not_measured) {
    see(100, 3);
    work(300, 5, 20, 105); /* 100 at a time execute: hardly anything waits */
    expect_rate(9, 10);
}
END_TEST

START_TEST(a_standstill_lowers_the_rate_until_hardly_anything_is_admitted) {
    see(200, 3);
    work(60, 10, 0, 200);
    expect(200, RL_ADMITTED);
    work(120, 0, 0, 200); /* might be long programs */
    expect(200, RL_ADMITTED);
    work(10, 0, 0, 200);
    expect(200, RL_REFUSED_WAIT);
    work(60, 10, 0, 200);
    expect(200, RL_ADMITTED);
}
END_TEST

START_TEST(a_few_are_admitted_whatever_the_rate) {
    see(200, 3);
    work(3600, 0, 0, 200);
    expect(200, RL_REFUSED_WAIT);
    see(8, 3);
    expect(8, RL_ADMITTED);
    expect(9, RL_REFUSED_WAIT);
}
END_TEST

START_TEST(what_was_refused_is_admitted_again_at_four_fifths_and_not_before) {
    see(2000, 3);
    work(300, 10, 0, 2000);
    expect(1100, RL_REFUSED_WAIT);
    see(900, 3);
    expect(900, RL_REFUSED_WAIT);
    expect(801, RL_REFUSED_WAIT);
    see(700, 3);
    expect(900, RL_ADMITTED);
    expect(1100, RL_REFUSED_WAIT);
}
END_TEST

START_TEST(a_low_rate_is_forgotten_in_quiet_times_and_a_high_one_is_not) {
    see(200, 3);
    work(300, 1, 0, 200);
    expect_rate(0.9, 1.1);
    work(600, 0, 0, 0);
    expect_rate(9.9, 10);
    work(300, 50, 0, 200);
    work(600, 0, 0, 0);
    expect_rate(49, 51);
}
END_TEST

START_TEST(time_without_observation_says_nothing) {
    see(500, 3);
    work(60, 10, 0, 500);
    now_us += 60 * RL_US_PER_S; /* the broker was away */
    see(500, 3);
    expect_rate(9.9, 10.1);
    work(1, 10, 0, 500);
    expect_rate(9.9, 10.1);
}
END_TEST

START_TEST(results_that_are_committed_and_not_seen_are_no_standstill) {
    see_log(500, 3, 1000);
    for (int i = 1; i <= 300; i++) {
        now_us += RL_US_PER_S;
        see_log(500, 3, 1000 + i);
    }
    expect_rate(9.9, 10.1);
}
END_TEST

/* A hundred programs of a minute on slots of which some stay free. */
START_TEST(long_programs_from_a_cold_start_are_no_standstill) {
    see(0, 3);
    work(1, 0, 0, 100);
    for (int i = 1; i < 60; i++) {
        expect(100, RL_ADMITTED);
        work(1, 0, 0, 100);
    }
    work(1, 50, 60, 50);
    expect(100, RL_ADMITTED);
    work(1, 50, 60, 0);
    expect(100, RL_ADMITTED);
}
END_TEST

/* Sixty-four slots, programs that last as long as any may, and as many again as soon as they end. */
START_TEST(waves_of_the_longest_programs_keep_the_slots_full) {
    see(0, 3);
    for (int wave = 0; wave < 20; wave++) {
        work(1, 0, 0, 64);
        for (int i = 1; i < 122; i++) {
            expect(64, RL_ADMITTED);
            work(1, 0, 0, 64);
        }
        work(1, 64, 122, 64);
    }
    expect(64, RL_ADMITTED);
}
END_TEST

/* One record holds a partition's offset, and others behind it are finished at five a second. */
START_TEST(what_is_finished_and_not_committed_is_no_backlog) {
    see_log(10, 3, 10);
    for (int i = 1; i <= 600; i++) {
        now_us += RL_US_PER_S;
        finish(5, 1);
        see_log(10 + 5 * i, 3, 10 + 5 * i);
        expect(10 + 5 * i, RL_ADMITTED);
    }
    ck_assert_int_le(judge(3010).wait_us / RL_US_PER_S, 1);
    expect(3010 + 1100, RL_REFUSED_WAIT); /* what is added to it waits */
    see_log(0, 3, 3010);
    expect(1100, RL_REFUSED_WAIT);
}
END_TEST

START_TEST(a_wait_without_end_is_told_as_a_day) {
    see(5000000, 3);
    work(3600, 0, 0, 5000000);
    ck_assert_int_eq(judge(INT64_C(100) * 1000 * 1000).wait_us, RL_ADMISSION_MOST_WAIT_US);
}
END_TEST

START_TEST(while_nothing_is_measured_one_may_soon_come_back) {
    see(100000, 3);
    expect(100000, RL_REFUSED_WAIT);
    ck_assert_int_le(judge(100000).retry_after_s, 5);
}
END_TEST

START_TEST(nobody_there_is_borne_for_a_while_with_a_backlog_or_without) {
    see(0, 0);
    stay_alone(ABSENCE_S - 1, 0);
    expect(0, RL_ADMITTED);
    expect(50, RL_ADMITTED);
    now_us += RL_US_PER_S;
    expect(0, RL_REFUSED_ABSENT);
    expect(50, RL_REFUSED_ABSENT);
    ck_assert_int_eq(rl_admission_absent_us(admission, now_us), ABSENCE_S * RL_US_PER_S);
    see(0, 3);
    expect(0, RL_ADMITTED);
    ck_assert_int_eq(rl_admission_absent_us(admission, now_us), 0);
}
END_TEST

START_TEST(members_that_are_not_known_change_nothing) {
    see(0, -1);
    now_us += 2 * ABSENCE_S * RL_US_PER_S;
    see(0, -1);
    expect(0, RL_ADMITTED);
    see(0, 0);
    stay_alone(ABSENCE_S - 1, 0);
    now_us += RL_US_PER_S;
    see(0, -1);
    expect(0, RL_REFUSED_ABSENT);
    now_us += 60 * RL_US_PER_S; /* nobody could be asked: perhaps they are back */
    expect(0, RL_ADMITTED);
    ck_assert_int_eq(rl_admission_absent_us(admission, now_us), 0);
    see(0, 0);
    expect(0, RL_ADMITTED);
}
END_TEST

START_TEST(while_nobody_is_there_the_rate_stays_as_it_was) {
    see(200, 3);
    work(300, 2, 0, 200);
    expect_rate(1.9, 2.1);
    for (int i = 0; i < 600; i++) {
        now_us += RL_US_PER_S;
        see(i % 2 ? 200 : 0, 0);
    }
    expect_rate(1.9, 2.1);
}
END_TEST

START_TEST(the_time_to_come_back_is_an_estimate_within_bounds_and_spread) {
    see(2000, 3);
    work(300, 10, 0, 2000);
    ck_assert_int_eq(judge(1010).retry_after_s, 21); /* until 800 are left */
    ck_assert_int_eq(judge(100000).retry_after_s, 48);
    const int latest = rl_admission_judge(admission, 100000, UINT32_MAX, now_us).retry_after_s;
    ck_assert_int_gt(latest, 48);
    ck_assert_int_le(latest, 60);
    work(1, 100, 0, 2000);
    ck_assert_int_ge(judge(1200).retry_after_s, 1);
}
END_TEST

START_TEST(when_it_is_off_everything_is_admitted) {
    rl_admission_free(admission);
    admission = make(0);
    see(1000000, 0);
    now_us += 2 * ABSENCE_S * RL_US_PER_S;
    see(1000000, 0);
    expect(1000000, RL_ADMITTED);
    ck_assert(rl_admission_is_off(admission));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: admission");
    TCase *tests = tcase_create("arithmetic");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, unknown_runners_are_trusted_with_a_bounded_backlog);
    tcase_add_test(tests, the_wait_is_the_backlog_divided_by_the_measured_rate);
    tcase_add_test(tests, what_is_answered_without_being_executed_is_no_sign_of_fast_runners);
    tcase_add_test(tests, fast_runners_are_believed_within_seconds);
    tcase_add_test(tests, little_work_is_no_sign_of_slow_runners);
    tcase_add_test(tests, runners_that_have_slots_to_spare_are_not_measured);
    tcase_add_test(tests, a_standstill_lowers_the_rate_until_hardly_anything_is_admitted);
    tcase_add_test(tests, a_few_are_admitted_whatever_the_rate);
    tcase_add_test(tests, what_was_refused_is_admitted_again_at_four_fifths_and_not_before);
    tcase_add_test(tests, a_low_rate_is_forgotten_in_quiet_times_and_a_high_one_is_not);
    tcase_add_test(tests, time_without_observation_says_nothing);
    tcase_add_test(tests, results_that_are_committed_and_not_seen_are_no_standstill);
    tcase_add_test(tests, long_programs_from_a_cold_start_are_no_standstill);
    tcase_add_test(tests, waves_of_the_longest_programs_keep_the_slots_full);
    tcase_add_test(tests, what_is_finished_and_not_committed_is_no_backlog);
    tcase_add_test(tests, a_wait_without_end_is_told_as_a_day);
    tcase_add_test(tests, while_nothing_is_measured_one_may_soon_come_back);
    tcase_add_test(tests, nobody_there_is_borne_for_a_while_with_a_backlog_or_without);
    tcase_add_test(tests, members_that_are_not_known_change_nothing);
    tcase_add_test(tests, while_nobody_is_there_the_rate_stays_as_it_was);
    tcase_add_test(tests, the_time_to_come_back_is_an_estimate_within_bounds_and_spread);
    tcase_add_test(tests, when_it_is_off_everything_is_admitted);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
