/* Which of the submissions that were found are replayed; the table that they stand in; how fast they go. */
#include <string.h>

#include "lib/base/clock.h"
#include "tests/support/suite.h"
#include "tools/runlog/replay_plan.h"
#include "tools/runlog/replay_publish.h"
#include "tools/runlog/replay_tally.h"
#include "tools/runlog/service.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* An id that says `number` for its time, in milliseconds. */
static void make_id(uint32_t number, char out[RL_ID_SIZE]) {
    memset(out, 'A', RL_ID_LENGTH);
    out[RL_ID_LENGTH] = '\0';
    for (int i = 7; i >= 2; i--) {
        out[i] = alphabet[number & 63];
        number >>= 6;
    }
}

static rl_replay_entry *add(rl_replay_table *table, uint32_t number, rl_verdict verdict) {
    char id[RL_ID_SIZE];
    bool is_new = false;
    make_id(number, id);
    rl_replay_entry *entry = rl_replay_table_add(table, rl_bytes_of(id), &is_new, NULL);
    ck_assert(entry && is_new);
    entry->before = (rl_replay_answer){.generation = 0, .busy_us = 2 * RL_US_PER_S, .verdict = verdict};
    entry->lang = rl_replay_table_lang(table, number % 2 ? "c" : "python");
    entry->offset = number;
    return entry;
}

START_TEST(a_table_finds_each_of_many_by_its_id) {
    enum { MANY = 20000 };
    RL_AUTO_REPLAY_TABLE rl_replay_table *table = rl_replay_table_new(NULL);
    ck_assert_ptr_null(rl_replay_table_find(table, rl_bytes_of("x")));
    for (uint32_t i = 1; i <= MANY; i++) {
        (void)add(table, i, RL_VERDICT_OK);
    }
    ck_assert_uint_eq(rl_replay_table_count(table), MANY);
    for (uint32_t i = 1; i <= MANY; i++) {
        char id[RL_ID_SIZE];
        bool is_new = true;
        make_id(i, id);
        const rl_replay_entry *entry = rl_replay_table_find(table, rl_bytes_of(id));
        ck_assert(entry && entry->offset == i);
        ck_assert_int_eq(rl_replay_entry_created_us(entry), i * RL_US_PER_MS);
        ck_assert_ptr_eq(rl_replay_table_add(table, rl_bytes_of(id), &is_new, NULL), entry);
        ck_assert(!is_new);
    }
    ck_assert_int_eq(rl_replay_table_oldest_us(table), RL_US_PER_MS);
    char id[RL_ID_SIZE];
    make_id(MANY + 1, id);
    ck_assert_ptr_null(rl_replay_table_find(table, rl_bytes_of(id)));
}
END_TEST

START_TEST(each_is_chosen_or_left_out_for_a_reason) {
    RL_AUTO_REPLAY_TABLE rl_replay_table *table = rl_replay_table_new(NULL);
    (void)add(table, 1, RL_VERDICT_OK);
    (void)add(table, 2, RL_VERDICT_TIME_LIMIT);
    (void)add(table, 3, RL_VERDICT_CANCELLED);
    add(table, 4, RL_VERDICT_OK)->deleted = true;
    add(table, 5, RL_VERDICT_OK)->before.generation = -1;
    rl_replay_selection selection = {0};
    rl_replay_plan plan;
    ck_assert(rl_replay_plan_make(table, &selection, &plan, NULL));
    ck_assert_int_eq(plan.chosen, 2);
    ck_assert_int_eq(plan.cancelled, 1);
    ck_assert_int_eq(plan.deleted, 1);
    ck_assert_int_eq(plan.pending, 1);
    ck_assert_int_eq(plan.busy_us, 4 * RL_US_PER_S);
    RL_AUTO_JSON json_t *json = rl_replay_plan_json(&plan, table, 2, 0.5);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "languages"), "c")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "verdicts"), "TIME_LIMIT")), 1);
    ck_assert(json_number_value(json_object_get(json, "seconds")) == 4.0); /* 2 at half a second */
    selection.verdicts = UINT32_C(1) << RL_VERDICT_CANCELLED;
    ck_assert(rl_replay_plan_make(table, &selection, &plan, NULL));
    ck_assert_int_eq(plan.chosen, 1);
    ck_assert_int_eq(plan.verdict, 2);
    ck_assert(rl_replay_table_at(table, 2)->chosen && !rl_replay_table_at(table, 0)->chosen);
}
END_TEST

START_TEST(a_limit_keeps_the_newest) {
    RL_AUTO_REPLAY_TABLE rl_replay_table *table = rl_replay_table_new(NULL);
    static const uint32_t order[] = {5, 1, 4, 3, 2};
    for (size_t i = 0; i < 5; i++) {
        (void)add(table, order[i], RL_VERDICT_OK);
    }
    const rl_replay_selection selection = {.limit = 2};
    rl_replay_plan plan;
    ck_assert(rl_replay_plan_make(table, &selection, &plan, NULL));
    ck_assert_int_eq(plan.chosen, 2);
    ck_assert_int_eq(plan.limit, 3);
    ck_assert_int_eq(plan.busy_us, 4 * RL_US_PER_S);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(rl_replay_table_at(table, i)->chosen, order[i] >= 4);
    }
}
END_TEST

START_TEST(only_where_something_is_missing_is_read_again) {
    RL_AUTO_REPLAY_TABLE rl_replay_table *table = rl_replay_table_new(NULL);
    for (uint32_t i = 10; i < 20; i++) {
        rl_replay_entry *entry = add(table, i, RL_VERDICT_OK);
        entry->chosen = i != 19;
        entry->published = i < 13;
        entry->partition = 1;
    }
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    ck_assert(rl_log_ranges_add(&ranges, &(rl_log_range){"submissions", 1, 0, 100}, &err));
    ck_assert(rl_log_ranges_add(&ranges, &(rl_log_range){"submissions", 2, 0, 100}, &err));
    ck_assert(rl_log_ranges_add(&ranges, &(rl_log_range){"submissions.batch", 1, 0, 100}, &err));
    rl_replay_narrow_to_missing(table, &ranges);
    ck_assert_int_eq(ranges.items[0].from, 13);
    ck_assert_int_eq(ranges.items[0].to, 19);
    ck_assert_int_eq(rl_log_ranges_size(&ranges), 6);
}
END_TEST

START_TEST(a_replayed_submission_is_nobodys_to_wait_for) {
    rl_submission submission = {.id = "id",
                                .created_us = 5,
                                .deadline_us = 9,
                                .callback = "http://there",
                                .cacheable = true,
                                .traceparent = "00-",
                                .lang = "c"};
    rl_replay_renew(&submission, 42, true);
    ck_assert_int_eq(submission.generation, 42);
    ck_assert(submission.held && !submission.cacheable && !submission.callback && !submission.traceparent);
    ck_assert_int_eq(submission.deadline_us, 0);
    ck_assert_int_eq(submission.created_us, 5);
    ck_assert_str_eq(submission.lang, "c");
}
END_TEST

START_TEST(the_rate_says_when_the_next_one_goes) {
    ck_assert_int_eq(rl_replay_pace_us(0, 1000000, 0), 0);
    ck_assert_int_eq(rl_replay_pace_us(10, 0, 0), 0);
    ck_assert_int_eq(rl_replay_pace_us(10, 1, 0), 100 * RL_US_PER_MS);
    ck_assert_int_eq(rl_replay_pace_us(10, 10, RL_US_PER_S), 0);
    ck_assert_int_eq(rl_replay_pace_us(0.5, 1, RL_US_PER_S), RL_US_PER_S);
}
END_TEST

START_TEST(the_line_says_how_far_it_is) {
    const rl_replay_tally tally = {.published = 40, .finished = 25};
    char line[RL_REPLAY_LINE_SIZE];
    rl_replay_tally_line(&tally, 100, 10 * RL_US_PER_S, line);
    ck_assert_str_eq(line, "[#####...............] 25 of 100 executed, 40 published, 2.5 a second");
    rl_replay_tally_line(&(rl_replay_tally){0}, 0, 0, line);
    ck_assert_msg(strstr(line, "0 of 0 executed"), "%s", line);
}
END_TEST

RL_SUITE("tools/runlog/replay_plan", a_table_finds_each_of_many_by_its_id,
         each_is_chosen_or_left_out_for_a_reason, a_limit_keeps_the_newest,
         only_where_something_is_missing_is_read_again, a_replayed_submission_is_nobodys_to_wait_for,
         the_rate_says_when_the_next_one_goes, the_line_says_how_far_it_is)
