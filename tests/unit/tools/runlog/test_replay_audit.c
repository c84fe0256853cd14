/* The topic replays, record by record. */
#include <string.h>

#include "tests/support/suite.h"
#include "tools/runlog/replay_audit.h"
#include "tools/runlog/service.h"

static void add(rl_replay_audit *audit, const char *id, int64_t offset) {
    const rl_replay replay = {.id = id,
                              .requested_by = "somebody\xff@host",
                              .requested_us = 5,
                              .selection = "{\"limit\":3,\"submissionsRead\":[\"submissions/0@1-2\"]}",
                              .count = 3};
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_replay_audit_add(audit, &replay, offset, &err), "%s", err.message);
}

START_TEST(the_generation_is_one_more_than_the_offset) {
    RL_AUTO_REPLAY_AUDIT rl_replay_audit audit = {0};
    for (int64_t i = 0; i < 40; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "r-%d", (int)i);
        add(&audit, id, 2 * i);
    }
    const rl_replay_case *one = rl_replay_audit_find(&audit, "r-7", NULL);
    ck_assert(one && one->generation == 15 && one->count == 3);
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(rl_replay_audit_find(&audit, "r-40", &err));
    ck_assert_msg(err.error_class == RL_INVALID && strstr(err.message, "r-40"), "%s", err.message);
}
END_TEST

START_TEST(the_first_decision_and_the_first_cancel_count) {
    RL_AUTO_REPLAY_AUDIT rl_replay_audit audit = {0};
    add(&audit, "r-1", 0);
    add(&audit, "r-2", 1);
    rl_replay_audit_cancelled(&audit, 2, 100);
    rl_replay_audit_cancelled(&audit, 2, 200);
    rl_replay_audit_cancelled(&audit, 9, 300); /* of nobody */
    rl_replay_audit_decided(&audit, 2, RL_REPLAY_DISCARDED, 400);
    rl_replay_audit_decided(&audit, 2, RL_REPLAY_APPLIED, 500);
    const rl_replay_case *one = rl_replay_audit_find(&audit, "r-2", NULL);
    ck_assert_int_eq(one->cancelled_us, 100);
    ck_assert_int_eq(one->decided, RL_REPLAY_DISCARDED);
    ck_assert_int_eq(one->decided_us, 400);
    ck_assert_int_eq(rl_replay_audit_find(&audit, "r-1", NULL)->cancelled_us, 0);
}
END_TEST

START_TEST(as_json_it_says_what_was_asked_for_whatever_bytes_are_in_it) {
    RL_AUTO_REPLAY_AUDIT rl_replay_audit audit = {0};
    add(&audit, "r-1", 0);
    RL_AUTO_JSON json_t *json = rl_replay_case_json(&audit.items[0]);
    ck_assert_str_eq(json_string_value(json_object_get(json, "requestedBy")), "somebody\xef\xbf\xbd@host");
    const json_t *selection = json_object_get(json, "selection");
    ck_assert_int_eq(json_integer_value(json_object_get(selection, "limit")), 3);
    ck_assert_ptr_null(json_object_get(selection, "submissionsRead"));
    ck_assert(json_is_null(json_object_get(json, "decision")));
    ck_assert_str_eq(json_string_value(json_object_get(json, "requestedAt")), "1970-01-01T00:00:00.000005Z");
}
END_TEST

START_TEST(a_record_with_another_kind_of_id_is_refused) {
    static const char *const others[] = {"", "r 1", "r-\033[2J", "R-1",
                                         "r-0123456789012345678901234567890123456789"};
    RL_AUTO_REPLAY_AUDIT rl_replay_audit audit = {0};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const rl_replay replay = {.id = others[i], .requested_by = "", .selection = ""};
        rl_error err = RL_ERROR_INIT;
        ck_assert(!rl_replay_audit_add(&audit, &replay, 0, &err));
        ck_assert_int_eq(err.error_class, RL_INVALID);
    }
    ck_assert_uint_eq(audit.count, 0);
}
END_TEST

RL_SUITE("tools/runlog/replay_audit", the_generation_is_one_more_than_the_offset,
         the_first_decision_and_the_first_cancel_count,
         as_json_it_says_what_was_asked_for_whatever_bytes_are_in_it,
         a_record_with_another_kind_of_id_is_refused)
