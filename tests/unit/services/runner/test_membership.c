/* When a member says that its group refuses it, and when it commits; without a group. */
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

/* A partition of which one record has been done since the last commit. */
static rl_partition *with_news(void) {
    rl_partition *partition = calloc(1, sizeof *partition);
    partition->window_capacity = 64;
    partition->stride_max = 16;
    partition->solo = -1;
    const rl_claim claim = {.committed = 100, .start = 100, .note = rl_bytes_of(""), .log_end = INT64_MAX};
    char note[RL_LEASE_NOTE_SIZE];
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_partition_claim(partition, &claim, &err), "%s", err.message);
    rl_partition_begin_commit(partition, note);
    rl_partition_committed(partition, 100);
    ck_assert(rl_watermark_take(partition->window, 100));
    rl_lease_hold(partition->lease, 100, true);
    partition->tasks++;
    rl_partition_release(partition, 100, partition->epoch, true);
    return partition;
}

START_TEST(a_lone_result_goes_before_the_commit_that_notes_it) {
    rl_partition *partition = with_news();
    struct rl_membership m = {.partitions = &partition, .count = 1};
    const int64_t done_us = rl_clock_us();
    const int64_t due_us = rl_membership_commit_due_us(&m, done_us);
    ck_assert_int_gt(due_us, done_us);
    ck_assert_int_lt(due_us, done_us + RL_US_PER_S);
    ck_assert_int_eq(rl_membership_commit_due_us(&m, done_us + 1), due_us); /* it is not put off again */
    rl_partition_free(partition);
}
END_TEST

START_TEST(commits_that_nobody_waits_for_keep_their_distance) {
    rl_partition *partition = with_news();
    struct rl_membership m = {.partitions = &partition, .count = 1};
    const int64_t now_us = rl_clock_us();
    const int64_t lone_us = rl_membership_commit_due_us(&m, now_us);
    m.last_commit_us = now_us;
    ck_assert_int_gt(rl_membership_commit_due_us(&m, now_us), lone_us);
    rl_partition_free(partition);
}
END_TEST

START_TEST(whoever_leaves_does_not_wait_for_it) {
    rl_partition *partition = with_news();
    struct rl_membership m = {.partitions = &partition, .count = 1, .hurry = true};
    ck_assert_int_le(rl_membership_commit_due_us(&m, rl_clock_us()), rl_clock_us());
    rl_partition_free(partition);
}
END_TEST

RL_SUITE("runner/membership", a_refusal_is_told_when_it_has_lasted, an_answer_ends_it,
         a_lone_result_goes_before_the_commit_that_notes_it,
         commits_that_nobody_waits_for_keep_their_distance, whoever_leaves_does_not_wait_for_it)
