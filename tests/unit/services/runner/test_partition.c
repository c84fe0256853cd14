/* What of a partition is committed, when, and with which note; without a log. */
#include "services/runner/partition.h"
#include "tests/support/suite.h"

/* A partition that was claimed at `committed` with `note` beside it. */
static rl_partition *claimed(int64_t committed, const char *note) {
    rl_partition *partition = calloc(1, sizeof *partition);
    partition->window_capacity = 64;
    partition->stride_max = 16;
    partition->solo = -1;
    const rl_claim claim = {
        .committed = committed, .start = committed, .note = rl_bytes_of(note), .log_end = INT64_MAX};
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_partition_claim(partition, &claim, &err), "%s", err.message);
    return partition;
}

static void expect_commit(rl_partition *partition, int64_t offset, const char *note) {
    char text[RL_LEASE_NOTE_SIZE];
    ck_assert_int_eq(rl_partition_begin_commit(partition, text), offset);
    ck_assert_str_eq(text, note);
}

/* As if `count` records from the window's end on had been taken. */
static void take(rl_partition *partition, int count) {
    for (int i = 0; i < count; i++) {
        int64_t offset = rl_watermark_next(partition->window);
        ck_assert(rl_watermark_take(partition->window, offset));
        rl_lease_hold(partition->lease, offset, true);
        partition->tasks++;
    }
}

START_TEST(an_unclaimed_partition_is_not_committed) {
    rl_partition partition = {.solo = -1, .committed = -1};
    ck_assert_int_eq(rl_partition_commit_need(&partition), RL_COMMIT_NONE);
    ck_assert(!rl_partition_joins_commit(&partition));
}
END_TEST

START_TEST(a_claimed_partition_leases_ahead_at_once_and_then_rests) {
    rl_partition *partition = claimed(100, "");
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NOW);
    expect_commit(partition, 100, "runlog/1 100 ....");
    rl_partition_committed(partition, 100);
    ck_assert_int_eq(partition->leased_to, 104);
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NONE);
    ck_assert(!rl_partition_joins_commit(partition));
    rl_partition_free(partition);
}
END_TEST

START_TEST(one_record_of_an_idle_partition_makes_one_unhurried_commit) {
    rl_partition *partition = claimed(100, "");
    expect_commit(partition, 100, "runlog/1 100 ....");
    rl_partition_committed(partition, 100);
    take(partition, 1);
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NONE);
    rl_partition_release(partition, 100, partition->epoch, true);
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_SOON);
    expect_commit(partition, 101, "runlog/1 101 ....");
    rl_partition_free(partition);
}
END_TEST

START_TEST(a_lease_is_renewed_before_it_runs_out) {
    rl_partition *partition = claimed(100, "");
    expect_commit(partition, 100, "runlog/1 100 ....");
    rl_partition_committed(partition, 100);
    take(partition, 3);
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NOW);
    expect_commit(partition, 100, "runlog/1 100 .......");
    ck_assert_int_eq(partition->leased_to, 104); /* not before the acknowledgement */
    rl_partition_committed(partition, 100);
    ck_assert_int_eq(partition->leased_to, 107);
    partition->tasks = 0;
    rl_partition_free(partition);
}
END_TEST

START_TEST(a_clean_hand_back_leaves_no_lease) {
    rl_partition *partition = claimed(100, "");
    expect_commit(partition, 100, "runlog/1 100 ....");
    rl_partition_committed(partition, 100);
    take(partition, 2);
    rl_partition_withdraw(partition);
    rl_partition_release(partition, 101, partition->epoch, true);
    expect_commit(partition, 100, "runlog/1 100 .");
    rl_partition_committed(partition, 100);
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NONE);
    rl_partition_surrender(partition);
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NOW);
    expect_commit(partition, 100, "");
    partition->tasks = 0;
    rl_partition_free(partition);
}
END_TEST

START_TEST(suspects_of_the_last_owner_are_handed_on) {
    rl_partition *partition = claimed(100, "runlog/1 100 .-2");
    expect_commit(partition, 100, "runlog/1 100 1.2.");
    rl_partition_committed(partition, 100);
    rl_partition_withdraw(partition);
    expect_commit(partition, 100, "runlog/1 100 0-2");
    rl_partition_free(partition);
}
END_TEST

START_TEST(an_attempt_counts_from_the_acknowledgement_and_not_when_the_runner_ends_it) {
    rl_partition *partition = claimed(100, "runlog/1 100 1");
    partition->solo = 100; /* as if its record had been chosen */
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NOW);
    expect_commit(partition, 100, "runlog/1 100 2...");
    ck_assert(!partition->solo_counted);
    rl_partition_committed(partition, 100);
    ck_assert(partition->solo_counted);
    partition->solo_running = true;
    rl_partition_withdraw(partition);
    expect_commit(partition, 100, "runlog/1 100 2");
    rl_partition_surrender(partition);
    expect_commit(partition, 100, "runlog/1 100 1");
    rl_partition_free(partition);
}
END_TEST

/* A partition whose suspect at 100, lost twice, has been taken: alone, and counted. */
static rl_partition *with_suspect_taken(void) {
    rl_partition *partition = claimed(100, "runlog/1 100 2");
    partition->solo = 100;
    ck_assert(rl_partition_has_begun_suspect(partition)); /* before its attempt is written down */
    expect_commit(partition, 100, "runlog/1 100 3...");
    rl_partition_committed(partition, 100);
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NONE);
    partition->solo_running = true;
    ck_assert(rl_partition_has_begun_suspect(partition));
    return partition;
}

START_TEST(a_suspect_that_waits_for_another_try_is_not_counted) {
    rl_partition *partition = with_suspect_taken();
    rl_partition_park_suspect(partition, partition->epoch);
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NOW);
    expect_commit(partition, 100, "runlog/1 100 2...");
    ck_assert(rl_partition_has_begun_suspect(partition)); /* not before the acknowledgement */
    rl_partition_committed(partition, 100);
    ck_assert(!rl_partition_has_begun_suspect(partition));
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NONE);
    ck_assert_int_eq(rl_lease_attempts(partition->lease, 100), 2);

    ck_assert(!rl_partition_resume_suspect(partition, partition->epoch));
    ck_assert(rl_partition_has_begun_suspect(partition));
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NOW);
    expect_commit(partition, 100, "runlog/1 100 3...");
    ck_assert(!rl_partition_resume_suspect(partition, partition->epoch));
    rl_partition_committed(partition, 100);
    ck_assert(rl_partition_resume_suspect(partition, partition->epoch));
    rl_partition_free(partition);
}
END_TEST

START_TEST(a_suspect_is_not_resumed_while_its_attempt_may_be_taken_back) {
    rl_partition *partition = with_suspect_taken();
    rl_partition_park_suspect(partition, partition->epoch);
    expect_commit(partition, 100, "runlog/1 100 2...");
    ck_assert(!rl_partition_resume_suspect(partition, partition->epoch));
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NOW);
    expect_commit(partition, 100, "runlog/1 100 3..."); /* the one before was never acknowledged */
    rl_partition_committed(partition, 100);
    ck_assert(rl_partition_resume_suspect(partition, partition->epoch));
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NONE);
    rl_partition_free(partition);
}
END_TEST

START_TEST(a_suspect_that_ends_while_a_note_is_under_way_leaves_its_count_to_nobody) {
    rl_partition *partition = claimed(100, "runlog/1 100 22");
    partition->solo = 100;
    expect_commit(partition, 100, "runlog/1 100 32..");
    rl_partition_committed(partition, 100);
    ck_assert(rl_watermark_take(partition->window, 100));
    partition->tasks++;
    partition->solo_running = true;
    expect_commit(partition, 100, "runlog/1 100 32...");
    rl_partition_release(partition, 100, partition->epoch, true);
    ck_assert(!rl_partition_has_begun_suspect(partition));
    partition->solo = 101;
    rl_partition_committed(partition, 100);
    ck_assert(!partition->solo_counted);
    expect_commit(partition, 101, "runlog/1 101 3...");
    rl_partition_free(partition);
}
END_TEST

START_TEST(a_suspect_of_a_window_that_is_over_asks_for_no_count) {
    rl_partition *partition = claimed(100, "runlog/1 100 22");
    partition->solo = 101;
    rl_partition_park_suspect(partition, partition->epoch - 1);
    ck_assert(rl_partition_has_begun_suspect(partition));
    ck_assert(rl_partition_resume_suspect(partition, partition->epoch - 1));
    ck_assert(!partition->solo_counted);
    rl_partition_free(partition);
}
END_TEST

START_TEST(a_note_that_makes_no_sense_makes_no_suspects) {
    rl_partition *partition = claimed(100, "runlog/1 99 ...\xff\xfe");
    ck_assert_uint_eq(rl_lease_suspects(partition->lease), 0);
    rl_partition_free(partition);
}
END_TEST

START_TEST(an_acknowledgement_from_before_the_log_was_cut_back_is_no_news_of_the_new_one) {
    rl_partition *partition = claimed(900, "");
    expect_commit(partition, 900, "runlog/1 900 ....");
    partition->epoch++;
    partition->committed = 0;
    partition->leased_to = 0;
    rl_partition_committed(partition, 900);
    ck_assert_int_eq(partition->committed, 0);
    ck_assert_int_eq(partition->leased_to, 0);
    rl_partition_free(partition);
}
END_TEST

/* ---- tenants ---- */

#define RECORDS 32

static rd_kafka_message_t messages[RECORDS];

/* As if a record had been read: the message is not librdkafka's to free. */
static rl_record_held *read_record(rl_partition *partition, uint32_t tenant) {
    rl_error err = RL_ERROR_INIT;
    rl_record_held *record = rl_record_held_new(&err);
    const int64_t offset = rl_watermark_next(partition->window);
    ck_assert_ptr_nonnull(record);
    ck_assert(rl_watermark_take(partition->window, offset));
    record->message = &messages[offset % RECORDS];
    record->message->offset = offset;
    record->item = (rl_fair_item){.flow = tenant};
    record->tenant = rl_tenant_clock_hold(partition->tenants, tenant);
    ck_assert_ptr_nonnull(record->tenant);
    return record;
}

static void read_leased(rl_partition *partition, uint32_t tenant) {
    rl_record_held *record = read_record(partition, tenant);
    rl_lease_hold(partition->lease, record->message->offset, true);
    record->leased = true;
    record->tenant->leased++;
    rl_record_list_push(&partition->ready, record);
}

static void read_waiting(rl_partition *partition, uint32_t tenant) {
    ck_assert(rl_fair_queue_push(&partition->waiting, &read_record(partition, tenant)->item));
}

static void forget(rl_record_held *record) {
    record->message = NULL;
    rl_record_held_free(record);
}

static void forget_all(rl_partition *partition) {
    rl_record_held *record;
    while ((record = rl_record_list_pop(&partition->ready)) != NULL) {
        forget(record);
    }
    while ((record = (rl_record_held *)rl_fair_queue_pop(&partition->waiting, NULL, NULL)) != NULL) {
        forget(record);
    }
}

/* Claimed, with leases ahead that are acknowledged. */
static rl_partition *shared(rl_tenant_clock *clock) {
    rl_partition *partition = claimed(100, "");
    partition->tenants = clock;
    expect_commit(partition, 100, "runlog/1 100 ....");
    rl_partition_committed(partition, 100);
    for (int i = 0; i < 4; i++) {
        read_leased(partition, 1);
    }
    return partition;
}

static void commit(rl_partition *partition) {
    char note[RL_LEASE_NOTE_SIZE];
    (void)rl_partition_begin_commit(partition, note);
    rl_partition_committed(partition, 100);
}

START_TEST(a_tenant_with_nothing_leased_is_leased_something_at_once_and_is_next) {
    rl_tenant_clock clock = {.spread_us = INT64_MAX};
    rl_partition *partition = shared(&clock);
    read_waiting(partition, 1);
    read_waiting(partition, 1);
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NONE); /* enough is leased */
    read_waiting(partition, 2);
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NOW);
    char note[RL_LEASE_NOTE_SIZE];
    (void)rl_partition_begin_commit(partition, note);
    ck_assert_uint_eq(partition->asked.count, 1);
    rl_partition_committed(partition, 100);
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NONE);
    partition->ready.first->tenant->expected_us = 1;
    int64_t begin;
    const rl_record_held *next = rl_partition_next(partition, &begin);
    ck_assert_int_eq(next->message->offset, 106);
    forget_all(partition);
    ck_assert_uint_eq(clock.tenants->held, 0);
    ck_assert_uint_eq(clock.tenants->leased, 0);
    rl_tenant_clock_clear(&clock);
    rl_partition_free(partition);
}
END_TEST

START_TEST(leases_go_to_the_tenant_that_is_behind_once_it_had_none_when_it_was_next) {
    rl_tenant_clock clock = {.spread_us = INT64_MAX};
    rl_partition *partition = shared(&clock);
    read_waiting(partition, 1);
    read_waiting(partition, 2);
    read_waiting(partition, 2);
    partition->ready.first->tenant->used_us = 3600 * INT64_C(1000000);
    commit(partition);
    ck_assert_uint_eq(partition->ready.count, 5); /* the one that everybody gets */
    rl_partition_note_starving(partition, rl_tenant_clock_first(&clock));
    ck_assert(partition->starved);
    commit(partition);
    ck_assert_uint_eq(partition->ready.count, 7);
    ck_assert_int_eq(partition->ready.first->tenant->tag, 1);
    ck_assert_int_eq(((rl_record_held *)partition->ready.last)->tenant->tag, 1); /* the last of all */
    forget_all(partition);
    rl_tenant_clock_clear(&clock);
    rl_partition_free(partition);
}
END_TEST

START_TEST(what_is_leased_gives_way_to_a_tenant_that_is_behind) {
    rl_tenant_clock clock = {.spread_us = INT64_MAX};
    rl_partition *partition = shared(&clock);
    for (int i = 4; i < 16; i++) { /* all that may be leased */
        read_leased(partition, 1);
    }
    partition->stride = 16;
    partition->ready.first->tenant->used_us = 3600 * INT64_C(1000000);
    for (int i = 0; i < 14; i++) {
        read_waiting(partition, 2);
    }
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NOW);
    commit(partition);
    ck_assert_uint_eq(rl_record_list_count_flow(&partition->ready, 1), 15); /* one for everybody */
    ck_assert_uint_eq(partition->ready.count, 16);
    ck_assert_int_eq(rl_partition_commit_need(partition), RL_COMMIT_NONE);
    rl_partition_note_starving(partition, rl_tenant_clock_first(&clock));
    commit(partition);
    ck_assert_uint_eq(rl_record_list_count_flow(&partition->ready, 1),
                      2); /* those of the other were all leased */
    ck_assert_uint_eq(partition->ready.count, 16);
    ck_assert_int_eq(partition->ready.first->message->offset, 100);
    commit(partition);
    ck_assert_uint_eq(rl_record_list_count_flow(&partition->ready, 1), 2);
    ck_assert_int_eq(
        ((const rl_record_held *)rl_fair_queue_peek(&partition->waiting, NULL, NULL))->message->offset, 102);
    ck_assert_uint_eq(clock.tenants->leased + clock.tenants->next->leased, 16);
    forget_all(partition);
    rl_tenant_clock_clear(&clock);
    rl_partition_free(partition);
}
END_TEST

RL_SUITE("runner/partition", an_unclaimed_partition_is_not_committed,
         a_claimed_partition_leases_ahead_at_once_and_then_rests,
         one_record_of_an_idle_partition_makes_one_unhurried_commit, a_lease_is_renewed_before_it_runs_out,
         a_clean_hand_back_leaves_no_lease, suspects_of_the_last_owner_are_handed_on,
         an_attempt_counts_from_the_acknowledgement_and_not_when_the_runner_ends_it,
         a_suspect_that_waits_for_another_try_is_not_counted,
         a_suspect_is_not_resumed_while_its_attempt_may_be_taken_back,
         a_suspect_that_ends_while_a_note_is_under_way_leaves_its_count_to_nobody,
         a_suspect_of_a_window_that_is_over_asks_for_no_count, a_note_that_makes_no_sense_makes_no_suspects,
         an_acknowledgement_from_before_the_log_was_cut_back_is_no_news_of_the_new_one,
         a_tenant_with_nothing_leased_is_leased_something_at_once_and_is_next,
         leases_go_to_the_tenant_that_is_behind_once_it_had_none_when_it_was_next,
         what_is_leased_gives_way_to_a_tenant_that_is_behind)
