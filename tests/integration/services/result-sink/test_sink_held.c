/* Results of replays that wait, and what becomes of them. Of two records about the same replay or submission the sink may meet
 * either first: decisions lie in the partition of their replay, results in that of their submission. */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/store/replay_document.h"
#include "tests/integration/services/result-sink/world.h"
#include "tests/support/suite.h"

#define REPLAY 7

static void put_visible(world *w, const char *id, int64_t generation) {
    rl_sample sample;
    put(w, rl_sample_finished(&sample, id, generation));
}

static void assert_nothing_is_held(world *w) {
    ck_assert_int_eq(count_in(w, RL_STORE_HELD), 0);
}

START_TEST(a_held_result_is_visible_to_nobody_until_its_replay_is_applied) {
    world w;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 0);
    put_visible(&w, "a", 0);
    put_held(&w, "a", REPLAY);
    put_held(&w, "never-seen-before", REPLAY);
    await_committed(&w);
    ck_assert_int_eq(generation_of(&w, "a"), 0);
    ck_assert_int_eq(generation_of(&w, "never-seen-before"), -1);
    ck_assert_int_eq(count_in(&w, RL_STORE_HELD), 2);
    put_decision(&w, RL_RECORD_APPLIED, REPLAY);
    await_committed(&w);
    ck_assert_int_eq(generation_of(&w, "a"), REPLAY);
    ck_assert_int_eq(generation_of(&w, "never-seen-before"), REPLAY);
    assert_nothing_is_held(&w);
    ck_assert_int_eq(count_in(&w, RL_STORE_REPLAYS), 1);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_held_total"), 2);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_held_promoted_total"), 2);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_decisions_total"), 1);
    sink_stop(s);
    world_close(&w);
}
END_TEST

/* Copies the document of `id` without what a moment makes. */
static char *describe(world *w, const char *id) {
    bson_t document, without;
    ck_assert_msg(get_document(w, id, &document), "no document %s", id);
    bson_init(&without);
    bson_copy_to_excluding_noinit(&document, &without, "_id", (char *)NULL);
    char *text = bson_as_canonical_extended_json(&without, NULL);
    bson_destroy(&without);
    bson_destroy(&document);
    return text;
}

START_TEST(a_promoted_document_is_that_of_a_replay_that_was_visible_at_once) {
    world w;
    world_open(&w);
    const int64_t now_us = rl_wall_clock_us();
    rl_sample sample;
    rl_finished *finished = rl_sample_finished_at(&sample, "later", REPLAY, now_us);
    sample.submission.held = true;
    put(&w, finished);
    put(&w, rl_sample_finished_at(&sample, "now", REPLAY, now_us));
    put_decision(&w, RL_RECORD_APPLIED, REPLAY);
    sink_runner *s = sink_start(&w, NULL, 0);
    await_committed(&w);
    RL_AUTO_FREE char *later = describe(&w, "later");
    RL_AUTO_FREE char *now = describe(&w, "now");
    ck_assert_str_eq(later, now);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(what_comes_after_the_decision_is_treated_as_what_came_before) {
    world w;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 0);
    put_visible(&w, "applied", 0);
    put_visible(&w, "discarded", 0);
    put_decision(&w, RL_RECORD_APPLIED, REPLAY);
    put_decision(&w, RL_RECORD_DISCARDED, REPLAY + 1);
    await_committed(&w);
    put_held(&w, "applied", REPLAY);
    put_held(&w, "discarded", REPLAY + 1);
    await_committed(&w);
    ck_assert_int_eq(generation_of(&w, "applied"), REPLAY);
    ck_assert_int_eq(generation_of(&w, "discarded"), 0);
    assert_nothing_is_held(&w);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(a_discarded_replay_leaves_no_trace_in_answers) {
    world w;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 0);
    put_visible(&w, "a", 0);
    put_held(&w, "a", REPLAY);
    put_held(&w, "b", REPLAY);
    put_held(&w, "a", REPLAY + 1); /* another replay's: it goes on waiting */
    await_committed(&w);
    put_decision(&w, RL_RECORD_DISCARDED, REPLAY);
    await_committed(&w);
    ck_assert_int_eq(generation_of(&w, "a"), 0);
    ck_assert_int_eq(generation_of(&w, "b"), -1);
    ck_assert_int_eq(count_in(&w, RL_STORE_HELD), 1);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_held_withdrawn_total"), 2);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(the_first_decision_counts) {
    world w;
    world_open(&w);
    put_visible(&w, "kept", 0);
    put_held(&w, "kept", REPLAY);
    put_decision(&w, RL_RECORD_DISCARDED, REPLAY); /* in one batch */
    put_decision(&w, RL_RECORD_APPLIED, REPLAY);
    sink_runner *s = sink_start(&w, NULL, 0);
    await_committed(&w);
    put_decision(&w, RL_RECORD_APPLIED, REPLAY); /* and in one of its own */
    await_committed(&w);
    put_held(&w, "kept", REPLAY);
    put_visible(&w, "taken", 0);
    put_held(&w, "taken", REPLAY + 1);
    put_decision(&w, RL_RECORD_APPLIED, REPLAY + 1);
    await_committed(&w);
    put_decision(&w, RL_RECORD_DISCARDED, REPLAY + 1);
    await_committed(&w);
    ck_assert_int_eq(generation_of(&w, "kept"), 0);
    ck_assert_int_eq(generation_of(&w, "taken"), REPLAY + 1);
    assert_nothing_is_held(&w);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_dead_letters_total"), 0);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(a_deletion_in_between_is_final) {
    static const char *const ids[] = {"held-deleted-applied", "deleted-held-applied", "held-applied-deleted",
                                      "applied-deleted-held"};
    world w;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 0);
    put_held(&w, ids[0], REPLAY);
    put_held(&w, ids[2], REPLAY);
    put_deleted(&w, ids[1]);
    await_committed(&w);
    put_deleted(&w, ids[0]);
    put_held(&w, ids[1], REPLAY);
    await_committed(&w);
    ck_assert_int_eq(count_in(&w, RL_STORE_HELD), 1); /* that of the third */
    put_decision(&w, RL_RECORD_APPLIED, REPLAY);
    await_committed(&w);
    put_deleted(&w, ids[2]);
    put_deleted(&w, ids[3]);
    await_committed(&w);
    put_held(&w, ids[3], REPLAY);
    await_committed(&w);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_msg(generation_of(&w, ids[i]) == -2, "%s came back", ids[i]);
    }
    assert_nothing_is_held(&w);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(a_lower_generation_applied_later_does_not_replace_a_higher_one) {
    world w;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 0);
    put_held(&w, "a", REPLAY);
    put_held(&w, "b", REPLAY);
    put_held(&w, "b", REPLAY + 2);
    put_visible(&w, "a", REPLAY + 1);
    await_committed(&w);
    put_decision(&w, RL_RECORD_APPLIED, REPLAY + 2);
    await_committed(&w);
    put_decision(&w, RL_RECORD_APPLIED, REPLAY);
    await_committed(&w);
    ck_assert_int_eq(generation_of(&w, "a"), REPLAY + 1);
    ck_assert_int_eq(generation_of(&w, "b"), REPLAY + 2);
    assert_nothing_is_held(&w);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(a_replay_that_could_not_be_executed_changes_nothing) {
    world w;
    rl_sample sample;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 0);
    put_visible(&w, "a", 0);
    for (int held = 0; held < 2; held++) {
        rl_finished *finished = rl_sample_finished(&sample, "a", REPLAY + held);
        finished->verdict = held ? RL_VERDICT_CANCELLED : RL_VERDICT_SYSTEM_ERROR;
        sample.submission.held = held;
        put(&w, finished);
    }
    await_committed(&w);
    ck_assert_int_eq(generation_of(&w, "a"), 0);
    assert_nothing_is_held(&w);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_unexecuted_total"), 2);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(a_decision_about_no_replay_is_set_aside) {
    world w;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 0);
    put_visible(&w, "a", 0);
    put_decision(&w, RL_RECORD_DISCARDED, 0);
    put_decision(&w, RL_RECORD_APPLIED, -1);
    await_committed(&w);
    ck_assert_int_eq(generation_of(&w, "a"), 0);
    ck_assert_int_eq(count_in(&w, RL_STORE_REPLAYS), 0);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_dead_letters_total"), 2);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(reading_everything_again_changes_nothing_in_any_collection) {
    world w;
    world_open(&w);
    put_a_bit_of_everything(&w);
    sink_runner *s = sink_start(&w, NULL, 7);
    await_committed(&w);
    sink_stop(s);
    RL_AUTO_FREE char *before = dump_documents(&w);
    ck_assert_int_eq(generation_of(&w, "s-0"), -2);
    ck_assert_int_eq(generation_of(&w, "s-39"), 3);
    ck_assert_int_eq(count_in(&w, RL_STORE_HELD), 32);
    ck_assert_int_eq(count_in(&w, RL_STORE_REPLAYS), 2);
    rewind_group(&w);
    s = sink_start(&w, NULL, 500); /* batched in another way, too */
    await_committed(&w);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_applied_total"), 0);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_held_promoted_total"), 0);
    sink_stop(s);
    RL_AUTO_FREE char *after = dump_documents(&w);
    ck_assert_str_eq(before, after);
    world_close(&w);
}
END_TEST

RL_SUITE("sink/held", a_held_result_is_visible_to_nobody_until_its_replay_is_applied,
         a_promoted_document_is_that_of_a_replay_that_was_visible_at_once,
         what_comes_after_the_decision_is_treated_as_what_came_before,
         a_discarded_replay_leaves_no_trace_in_answers, the_first_decision_counts,
         a_deletion_in_between_is_final, a_lower_generation_applied_later_does_not_replace_a_higher_one,
         a_replay_that_could_not_be_executed_changes_nothing, a_decision_about_no_replay_is_set_aside,
         reading_everything_again_changes_nothing_in_any_collection)
