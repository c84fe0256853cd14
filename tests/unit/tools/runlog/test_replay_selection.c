/* What a replay is about: asked for on the command line, kept as JSON, asked again. */
#include <string.h>

#include "lib/base/clock.h"
#include "tests/support/suite.h"
#include "tools/runlog/replay_selection.h"
#include "tools/runlog/service.h"

#define ID_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ID_B "AZqAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"
#define NOON_US (INT64_C(1795608000) * RL_US_PER_S)

static const rl_submission python = {.id = ID_A, .tenant = "alice", .lang = "python", .created_us = NOON_US};
static const rl_submission c = {.id = ID_B, .tenant = "", .lang = "c", .created_us = NOON_US + 5};

static bool takes(const rl_replay_selection *s, const rl_submission *submission) {
    return rl_replay_selection_takes(s, submission, RL_LANE_INTERACTIVE, 3, 150);
}

#define MUST(expression)                                                                                     \
    do {                                                                                                     \
        rl_error err = RL_ERROR_INIT;                                                                        \
        ck_assert_msg((expression), "%s", err.message);                                                      \
    } while (0)

START_TEST(what_was_not_asked_for_narrows_nothing) {
    RL_AUTO_REPLAY_SELECTION rl_replay_selection s = {0};
    ck_assert(rl_replay_selection_is_empty(&s));
    ck_assert(takes(&s, &python) && takes(&s, &c));
}
END_TEST

START_TEST(each_option_narrows_and_repeating_one_widens) {
    RL_AUTO_REPLAY_SELECTION rl_replay_selection s = {0};
    MUST(rl_replay_selection_add_language(&s, "python", &err));
    ck_assert(!rl_replay_selection_is_empty(&s));
    ck_assert(takes(&s, &python) && !takes(&s, &c));
    MUST(rl_replay_selection_add_language(&s, "c", &err));
    ck_assert(takes(&s, &python) && takes(&s, &c));
    MUST(rl_replay_selection_add_tenant(&s, "", &err));
    ck_assert(!takes(&s, &python) && takes(&s, &c));
    MUST(rl_replay_selection_add_id(&s, ID_A, &err));
    ck_assert(!takes(&s, &c));
    MUST(rl_replay_selection_add_id(&s, ID_B, &err));
    ck_assert(takes(&s, &c));
}
END_TEST

START_TEST(time_is_from_and_before) {
    RL_AUTO_REPLAY_SELECTION rl_replay_selection s = {.since_us = NOON_US, .until_us = NOON_US + 5};
    ck_assert(takes(&s, &python) && !takes(&s, &c));
    s.since_us++;
    ck_assert(!takes(&s, &python));
}
END_TEST

START_TEST(offsets_are_of_a_topic_and_a_partition_with_both_ends) {
    RL_AUTO_REPLAY_SELECTION rl_replay_selection s = {0};
    MUST(rl_replay_selection_add_offsets(&s, "submissions/3@100-150", &err));
    ck_assert(rl_replay_selection_takes(&s, &c, RL_LANE_INTERACTIVE, 3, 100));
    ck_assert(rl_replay_selection_takes(&s, &c, RL_LANE_INTERACTIVE, 3, 150));
    ck_assert(!rl_replay_selection_takes(&s, &c, RL_LANE_INTERACTIVE, 3, 151));
    ck_assert(!rl_replay_selection_takes(&s, &c, RL_LANE_INTERACTIVE, 3, 99));
    ck_assert(!rl_replay_selection_takes(&s, &c, RL_LANE_INTERACTIVE, 2, 120));
    ck_assert(!rl_replay_selection_takes(&s, &c, RL_LANE_BATCH, 3, 120));
    MUST(rl_replay_selection_add_offsets(&s, "submissions.batch/3@7-", &err));
    ck_assert(rl_replay_selection_takes(&s, &c, RL_LANE_BATCH, 3, 120));
    MUST(rl_replay_selection_add_offsets(&s, "submissions/2@5", &err));
    ck_assert(rl_replay_selection_takes(&s, &c, RL_LANE_INTERACTIVE, 2, 5));
    ck_assert(!rl_replay_selection_takes(&s, &c, RL_LANE_INTERACTIVE, 2, 6));
}
END_TEST

START_TEST(what_is_no_range_no_id_and_no_verdict_is_refused) {
    static const char *const ranges[] = {"",
                                         "submissions",
                                         "submissions/3",
                                         "submissions/3@",
                                         "submissions/3@5-4",
                                         "submissions/3@-4",
                                         "submissions/4294967299@1",
                                         "submissions/3@99999999999999999999",
                                         "submissions/3@1-2x",
                                         "submissions/3@1x",
                                         "results/3@1-2",
                                         "submissions.replay/3@1"};
    RL_AUTO_REPLAY_SELECTION rl_replay_selection s = {0};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        rl_error err = RL_ERROR_INIT;
        ck_assert_msg(!rl_replay_selection_add_offsets(&s, ranges[i], &err), "%s", ranges[i]);
        ck_assert_msg(err.error_class == RL_INVALID, "%s", err.message);
    }
    ck_assert(!rl_replay_selection_add_id(&s, "no id", NULL));
    ck_assert(!rl_replay_selection_add_verdict(&s, "FINE", NULL));
    ck_assert(!rl_replay_selection_add_tenant(&s, "\xff", NULL)); /* JSON would lose it */
    ck_assert(rl_replay_selection_is_empty(&s));
}
END_TEST

START_TEST(cancelled_ones_are_left_out_unless_asked_for) {
    RL_AUTO_REPLAY_SELECTION rl_replay_selection s = {0};
    ck_assert(!rl_replay_selection_takes_verdict(&s, RL_VERDICT_CANCELLED));
    ck_assert(rl_replay_selection_takes_verdict(&s, RL_VERDICT_OK));
    ck_assert(rl_replay_selection_takes_verdict(&s, RL_VERDICT_SYSTEM_ERROR));
    MUST(rl_replay_selection_add_verdict(&s, "CANCELLED", &err));
    MUST(rl_replay_selection_add_verdict(&s, "TIME_LIMIT", &err));
    ck_assert(rl_replay_selection_takes_verdict(&s, RL_VERDICT_CANCELLED));
    ck_assert(rl_replay_selection_takes_verdict(&s, RL_VERDICT_TIME_LIMIT));
    ck_assert(!rl_replay_selection_takes_verdict(&s, RL_VERDICT_OK));
}
END_TEST

START_TEST(ids_say_when_to_look_for_them) {
    RL_AUTO_REPLAY_SELECTION rl_replay_selection s = {0};
    int64_t since_us = 0, until_us = 0;
    rl_replay_selection_times(&s, &since_us, &until_us);
    ck_assert(since_us == 0 && until_us == 0);
    MUST(rl_replay_selection_add_id(&s, ID_B, &err));
    const int64_t created_us = rl_id_peek_created_ms(rl_bytes_of(ID_B)) * RL_US_PER_MS;
    rl_replay_selection_times(&s, &since_us, &until_us);
    ck_assert_int_eq(since_us, created_us - RL_REPLAY_CLOCKS_US);
    ck_assert_int_eq(until_us, created_us + RL_REPLAY_CLOCKS_US);
    s.until_us = created_us - RL_US_PER_S;
    rl_replay_selection_times(&s, &since_us, &until_us);
    ck_assert_int_eq(until_us, s.until_us + RL_REPLAY_CLOCKS_US);
}
END_TEST

START_TEST(as_json_and_back_it_is_the_same) {
    RL_AUTO_REPLAY_SELECTION rl_replay_selection s = {
        .since_us = NOON_US, .until_us = NOON_US + 7, .limit = 12};
    MUST(rl_replay_selection_add_offsets(&s, "submissions.batch/3@7-", &err));
    MUST(rl_replay_selection_add_id(&s, ID_B, &err));
    MUST(rl_replay_selection_add_id(&s, ID_A, &err));
    MUST(rl_replay_selection_add_language(&s, "c", &err));
    MUST(rl_replay_selection_add_tenant(&s, "alice", &err));
    MUST(rl_replay_selection_add_verdict(&s, "OK", &err));
    MUST(rl_log_ranges_add(&s.submissions, &(rl_log_range){"submissions", 0, 5, 9}, &err));
    MUST(rl_log_ranges_add(&s.submissions, &(rl_log_range){"submissions.batch", 1, 0, 0},
                           &err)); /* nothing in it */
    MUST(rl_log_ranges_add(&s.results, &(rl_log_range){"results", 2, 1, 2}, &err));
    RL_AUTO_JSON json_t *json = rl_replay_selection_json(&s);
    RL_AUTO_REPLAY_SELECTION rl_replay_selection again = {0};
    MUST(rl_replay_selection_read(json, &again, &err));
    ck_assert_int_eq(again.since_us, s.since_us);
    ck_assert_int_eq(again.until_us, s.until_us);
    ck_assert_uint_eq(again.submissions.count, 1);
    ck_assert_int_eq(again.submissions.items[0].to, 9);
    RL_AUTO_JSON json_t *second = rl_replay_selection_json(&again);
    ck_assert_msg(json_equal(json, second), "%s", json_dumps(second, 0));
}
END_TEST

START_TEST(json_of_something_else_is_refused) {
    static const char *const others[] = {"{}",
                                         "[]",
                                         "{\"submissionsRead\":[\"results/1@2\"]}",
                                         "{\"submissionsRead\":[],\"ids\":[\"x\"]}",
                                         "{\"submissionsRead\":[],\"ids\":[1]}",
                                         "{\"submissionsRead\":[],\"since\":\"soon\"}"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        RL_AUTO_JSON json_t *json = json_loads(others[i], 0, NULL);
        RL_AUTO_REPLAY_SELECTION rl_replay_selection s = {0};
        rl_error err = RL_ERROR_INIT;
        ck_assert_msg(json && !rl_replay_selection_read(json, &s, &err), "%s", others[i]);
        ck_assert_int_eq(err.error_class, RL_INVALID);
    }
}
END_TEST

RL_SUITE("tools/runlog/replay_selection", what_was_not_asked_for_narrows_nothing,
         each_option_narrows_and_repeating_one_widens, time_is_from_and_before,
         offsets_are_of_a_topic_and_a_partition_with_both_ends,
         what_is_no_range_no_id_and_no_verdict_is_refused, cancelled_ones_are_left_out_unless_asked_for,
         ids_say_when_to_look_for_them, as_json_and_back_it_is_the_same, json_of_something_else_is_refused)
