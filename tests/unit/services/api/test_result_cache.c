/* The cache behind the tail: nothing that the sink has not committed is ever lost. */
#include "services/api/result_cache.h"

#include <stdio.h>

#include "suite.h"

#define RECORD 10000
#define BOUND ((size_t)1 << 20)
#define COMMITTED_BOUND (BOUND / 2)

static rl_result_cache *cache;
static char big[RECORD];

static void set_up(void) {
    cache = rl_result_cache_new(BOUND, COMMITTED_BOUND, NULL);
    ck_assert_ptr_nonnull(cache);
}

static void tear_down(void) {
    rl_result_cache_free(cache);
}

static const char *id_of(int number) {
    static char id[RL_ID_SIZE];
    (void)snprintf(id, sizeof(id), "%040d", number);
    return id;
}

static rl_cache_put_status put(int number, int64_t generation, int32_t partition, int64_t offset,
                               rl_bytes record) {
    const rl_result_key key = {id_of(number), number, generation, partition, offset, false, false};
    return rl_result_cache_put(cache, &key, record);
}

static rl_cache_put_status put_text(int number, int64_t generation, int64_t offset, const char *text) {
    return put(number, generation, 0, offset, rl_bytes_of(text));
}

static void put_big(int number, int32_t partition, int64_t offset) {
    ck_assert_int_eq(put(number, 0, partition, offset, rl_bytes_make(big, sizeof(big))), RL_CACHE_ADDED);
}

static rl_cache_get_status get(int number) {
    rl_cached_record *record = NULL;
    int32_t partition;
    int64_t offset;
    const rl_cache_get_status status =
        rl_result_cache_get(cache, id_of(number), &record, &partition, &offset, NULL);
    rl_cached_record_release(record);
    return status;
}

static void expect_text(int number, const char *expected) {
    rl_cached_record *record = NULL;
    int32_t partition;
    int64_t offset;
    ck_assert_int_eq(rl_result_cache_get(cache, id_of(number), &record, &partition, &offset, NULL),
                     RL_CACHE_HIT);
    ck_assert(rl_bytes_equal(rl_cached_record_bytes(record), rl_bytes_of(expected)));
    rl_cached_record_release(record);
}

START_TEST(what_was_put_is_found) {
    ck_assert_int_eq(get(1), RL_CACHE_MISS);
    ck_assert_int_eq(put_text(1, 0, 0, "one"), RL_CACHE_ADDED);
    expect_text(1, "one");
}
END_TEST

static bool is_doubtful(int number) {
    rl_cached_record *record = NULL;
    int32_t partition;
    int64_t offset;
    bool doubtful = false;
    ck_assert_int_eq(rl_result_cache_get(cache, id_of(number), &record, &partition, &offset, &doubtful),
                     RL_CACHE_HIT);
    rl_cached_record_release(record);
    return doubtful;
}

START_TEST(what_may_have_been_here_before_is_doubtful_until_the_sink_has_seen_it) {
    put_text(5, 0, 0, "first");
    ck_assert(!is_doubtful(5));
    rl_result_cache_forgot(cache, id_of(6), 6);
    ck_assert(!is_doubtful(5)); /* it has never left */
    put_text(6, 0, 1, "second");
    put_text(7, 0, 2, "new");
    ck_assert(is_doubtful(6));
    ck_assert(!is_doubtful(7));
    rl_result_cache_committed(cache, 0, 3);
    ck_assert_int_eq(get(6), RL_CACHE_MISS);
    expect_text(7, "new");
}
END_TEST

START_TEST(who_puts_it_may_say_that_it_is_doubtful) {
    const rl_result_key key = {id_of(8), 8, 0, 0, 0, true, false};
    ck_assert_int_eq(rl_result_cache_put(cache, &key, rl_bytes_of("x")), RL_CACHE_ADDED);
    ck_assert(is_doubtful(8));
}
END_TEST

START_TEST(the_first_of_a_generation_stays) {
    put_text(1, 0, 0, "first");
    ck_assert_int_eq(put_text(1, 0, 1, "second"), RL_CACHE_KNOWN);
    expect_text(1, "first");
}
END_TEST

START_TEST(a_higher_generation_replaces_and_a_lower_one_does_not) {
    put_text(1, 1, 0, "one");
    ck_assert_int_eq(put_text(1, 5, 1, "five"), RL_CACHE_REPLACED);
    ck_assert_int_eq(put_text(1, 4, 2, "four"), RL_CACHE_KNOWN);
    expect_text(1, "five");
}
END_TEST

START_TEST(uncommitted_results_are_never_forgotten) {
    for (int i = 0; i < 1000; i++) {
        put_big(i, i % 3, i / 3);
    }
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_ne(get(i), RL_CACHE_MISS);
    }
    const rl_result_cache_stats stats = rl_result_cache_statistics(cache);
    ck_assert_int_eq(stats.entries, 1000);
    ck_assert_int_eq(stats.uncommitted, 1000);
    ck_assert_int_gt(stats.stripped, 800);
    ck_assert_int_le(stats.bytes, (1 << 20) + 16 * RECORD);
    ck_assert_int_eq(rl_result_cache_forgotten_ms(cache), INT64_MIN);
}
END_TEST

START_TEST(a_stripped_result_still_knows_its_position) {
    for (int i = 0; i < 1000; i++) {
        put_big(i, 7, i + 100);
    }
    rl_cached_record *record = NULL;
    int32_t partition;
    int64_t offset;
    ck_assert_int_eq(rl_result_cache_get(cache, id_of(0), &record, &partition, &offset, NULL),
                     RL_CACHE_POSITION);
    ck_assert_int_eq(partition, 7);
    ck_assert_int_eq(offset, 100);
}
END_TEST

START_TEST(committed_results_go_when_room_is_needed_and_raise_the_mark) {
    for (int i = 0; i < 1000; i++) {
        put_big(i, 0, i);
        rl_result_cache_committed(cache, 0, i + 1);
    }
    const rl_result_cache_stats stats = rl_result_cache_statistics(cache);
    ck_assert_int_eq(stats.uncommitted, 0);
    ck_assert_int_eq(stats.stripped, 0);
    ck_assert_int_gt(stats.evicted, 800);
    ck_assert_int_eq(stats.entries + stats.evicted, 1000);
    const int64_t mark = rl_result_cache_forgotten_ms(cache);
    for (int i = 0; i < 1000; i++) {
        if (get(i) == RL_CACHE_MISS) {
            ck_assert_int_le(i, mark);
        }
    }
}
END_TEST

START_TEST(committed_results_have_a_lower_bound_of_their_own) {
    for (int i = 0; i < 80; i++) {
        put_big(i, 0, i);
    }
    ck_assert_int_gt(rl_result_cache_statistics(cache).bytes, (int64_t)COMMITTED_BOUND);
    ck_assert_int_eq(rl_result_cache_statistics(cache).evicted, 0);
    rl_result_cache_committed(cache, 0, 80);
    const rl_result_cache_stats stats = rl_result_cache_statistics(cache);
    ck_assert_int_le(stats.bytes, (int64_t)COMMITTED_BOUND);
    ck_assert_int_gt(stats.bytes, (int64_t)COMMITTED_BOUND - 2 * RECORD);
    ck_assert_int_eq(stats.entries + stats.evicted, 80);
}
END_TEST

START_TEST(uncommitted_results_do_not_give_way_to_the_bound_of_committed_ones) {
    for (int i = 0; i < 40; i++) {
        put_big(i, 0, i);
    }
    for (int i = 40; i < 80; i++) {
        put_big(i, 1, i);
    }
    rl_result_cache_committed(cache, 0, 40);
    for (int i = 40; i < 80; i++) {
        ck_assert_int_eq(get(i), RL_CACHE_HIT);
    }
    ck_assert_int_eq(rl_result_cache_statistics(cache).stripped, 0);
}
END_TEST

START_TEST(a_commit_reaches_only_its_partition_and_below_its_offset) {
    put_text(1, 0, 10, "a");
    put(2, 0, 1, 10, rl_bytes_of("b"));
    rl_result_cache_committed(cache, 0, 10);
    ck_assert_int_eq(rl_result_cache_statistics(cache).uncommitted, 2);
    rl_result_cache_committed(cache, 0, 11);
    ck_assert_int_eq(rl_result_cache_statistics(cache).uncommitted, 1);
}
END_TEST

START_TEST(a_commit_before_the_record_was_read_counts_as_well) {
    rl_result_cache_committed(cache, 0, 11);
    put_text(1, 0, 10, "a");
    ck_assert_int_eq(rl_result_cache_statistics(cache).uncommitted, 0);
}
END_TEST

START_TEST(a_stripped_result_goes_when_it_is_committed) {
    for (int i = 0; i < 1000; i++) {
        put_big(i, 0, i);
    }
    ck_assert_int_eq(get(0), RL_CACHE_POSITION);
    rl_result_cache_committed(cache, 0, 1000);
    ck_assert_int_eq(get(0), RL_CACHE_MISS);
    ck_assert_int_eq(rl_result_cache_statistics(cache).stripped, 0);
    ck_assert_int_ge(rl_result_cache_forgotten_ms(cache), 0);
}
END_TEST

START_TEST(what_is_used_stays_longer) {
    put_text(0, 0, 0, "used");
    rl_result_cache_committed(cache, 0, INT64_MAX);
    for (int i = 1; i < 3000; i++) {
        put_big(i, 0, i);
        expect_text(0, "used");
    }
}
END_TEST

START_TEST(a_reader_keeps_its_record_when_the_cache_drops_it) {
    rl_cached_record *record = NULL;
    int32_t partition;
    int64_t offset;
    put_text(0, 0, 0, "held");
    rl_result_cache_committed(cache, 0, INT64_MAX);
    ck_assert_int_eq(rl_result_cache_get(cache, id_of(0), &record, &partition, &offset, NULL), RL_CACHE_HIT);
    for (int i = 1; i < 3000; i++) {
        put_big(i, 0, i);
    }
    ck_assert_int_eq(get(0), RL_CACHE_MISS);
    ck_assert(rl_bytes_equal(rl_cached_record_bytes(record), rl_bytes_of("held")));
    rl_cached_record_release(record);
}
END_TEST

START_TEST(positions_alone_can_overload_it) {
    for (int i = 0; i < 20000 && !rl_result_cache_overloaded(cache); i++) {
        put_big(i, 0, i);
    }
    ck_assert(rl_result_cache_overloaded(cache));
    rl_result_cache_committed(cache, 0, INT64_MAX);
    ck_assert(!rl_result_cache_overloaded(cache));
}
END_TEST

START_TEST(a_replaced_result_counts_once) {
    put_text(1, 0, 0, "a");
    rl_result_cache_committed(cache, 0, 1);
    put_text(1, 1, 1, "b");
    const rl_result_cache_stats stats = rl_result_cache_statistics(cache);
    ck_assert_int_eq(stats.entries, 1);
    ck_assert_int_eq(stats.uncommitted, 1);
    rl_result_cache_committed(cache, 0, 2);
    ck_assert_int_eq(rl_result_cache_statistics(cache).uncommitted, 0);
    expect_text(1, "b");
}
END_TEST

static rl_cache_put_status put_deleted(int number, int64_t offset) {
    const rl_result_key key = {id_of(number), number, 0, 0, offset, false, true};
    return rl_result_cache_put(cache, &key, rl_bytes_of("deleted"));
}

START_TEST(a_deleted_replaces_every_generation) {
    put_text(1, INT64_MAX, 0, "result");
    ck_assert_int_eq(put_deleted(1, 1), RL_CACHE_REPLACED);
    ck_assert_int_eq(get(1), RL_CACHE_DELETED);
}
END_TEST

START_TEST(no_result_replaces_a_deleted) {
    ck_assert_int_eq(put_deleted(1, 0), RL_CACHE_ADDED);
    ck_assert_int_eq(put_text(1, 0, 1, "late"), RL_CACHE_KNOWN);
    ck_assert_int_eq(put_text(1, INT64_MAX, 2, "replayed"), RL_CACHE_KNOWN);
    ck_assert_int_eq(put_deleted(1, 3), RL_CACHE_KNOWN);
    ck_assert_int_eq(get(1), RL_CACHE_DELETED);
}
END_TEST

START_TEST(a_deleted_without_its_record_is_still_known) {
    put_deleted(1, 0);
    for (int i = 2; i < 400; i++) {
        put_big(i, 0, i);
    }
    ck_assert_int_gt(rl_result_cache_statistics(cache).stripped, 0);
    ck_assert_int_eq(get(1), RL_CACHE_DELETED);
}
END_TEST

START_TEST(what_was_lost_of_an_id_makes_its_entry_doubtful) {
    put_text(1, 0, 0, "a");
    put_text(2, 0, 1, "b");
    rl_result_cache_committed(cache, 0, 2);
    put_text(3, 0, 2, "c");
    rl_result_cache_forgot(cache, id_of(1), 1);
    rl_result_cache_forgot(cache, id_of(3), 3);
    ck_assert_int_eq(get(1), RL_CACHE_MISS); /* MongoDB has it */
    expect_text(2, "b");
    ck_assert(is_doubtful(3));
}
END_TEST

/* --- results that wait for their replay to be applied --- */

static void hold(int number, int64_t generation) {
    rl_result_cache_held(cache, id_of(number), number, generation);
}

static void apply(int64_t generation) {
    rl_result_cache_applied(cache, generation, generation);
}

START_TEST(a_held_result_changes_nothing) {
    put_text(1, 0, 0, "a");
    put_text(2, 0, 1, "b");
    rl_result_cache_committed(cache, 0, 1);
    hold(1, 7);
    hold(2, 7);
    expect_text(1, "a");
    ck_assert(!is_doubtful(1));
    ck_assert(!is_doubtful(2));
}
END_TEST

START_TEST(once_it_is_applied_mongodb_decides) {
    put_text(1, 0, 0, "stored");
    put_text(2, 0, 1, "not stored yet");
    put_text(3, 0, 2, "of no replay");
    rl_result_cache_committed(cache, 0, 1);
    hold(1, 7);
    hold(2, 7);
    apply(7);
    ck_assert_int_eq(get(1), RL_CACHE_MISS);
    ck_assert_int_ge(rl_result_cache_forgotten_ms(cache), 1); /* and so it is not taken for pending */
    ck_assert(is_doubtful(2));
    ck_assert(!is_doubtful(3));
    rl_result_cache_committed(cache, 0, 3);
    ck_assert_int_eq(get(2), RL_CACHE_MISS);
    expect_text(3, "of no replay");
}
END_TEST

START_TEST(applied_may_be_read_before_what_was_held) {
    put_text(1, 0, 0, "a");
    apply(7);
    ck_assert(!is_doubtful(1));
    hold(1, 7);
    ck_assert(is_doubtful(1));
}
END_TEST

START_TEST(another_replay_that_was_applied_is_not_mistaken_for_its_own) {
    put_text(1, 0, 0, "a");
    put_text(2, 0, 1, "b");
    hold(1, 5);
    apply(9);
    ck_assert(!is_doubtful(1)); /* nothing of 9 was held for it */
    hold(2, 5);
    hold(2, 9);
    ck_assert(is_doubtful(2));
}
END_TEST

START_TEST(of_two_held_ones_each_counts) {
    put_text(1, 0, 0, "a");
    hold(1, 5);
    hold(1, 9);
    apply(5);
    ck_assert(is_doubtful(1));
}
END_TEST

START_TEST(a_result_of_a_higher_generation_needs_no_other) {
    put_text(1, 9, 0, "nine");
    hold(1, 7);
    apply(7);
    ck_assert(!is_doubtful(1));
    put_text(2, 0, 1, "zero");
    hold(2, 17);
    put_text(2, 19, 2, "nineteen");
    apply(17);
    ck_assert(!is_doubtful(2));
}
END_TEST

START_TEST(a_result_between_does_not_clear_the_doubt) {
    put_text(1, 0, 0, "zero");
    hold(1, 7);
    apply(7);
    ck_assert_int_eq(put_text(1, 5, 1, "five"), RL_CACHE_REPLACED);
    ck_assert(is_doubtful(1));
    put_text(2, 0, 2, "zero");
    hold(2, 17);
    ck_assert_int_eq(put_text(2, 15, 3, "fifteen"), RL_CACHE_REPLACED);
    ck_assert(!is_doubtful(2));
    apply(17);
    ck_assert(is_doubtful(2));
}
END_TEST

START_TEST(what_was_held_before_its_entry_came_makes_it_doubtful) {
    hold(3, 7);
    put_text(3, 0, 0, "a second of its generation");
    put_text(4, 0, 1, "newer");
    ck_assert(is_doubtful(3));
    ck_assert(!is_doubtful(4));
}
END_TEST

START_TEST(a_decision_that_nobody_can_read_may_be_about_any_of_them) {
    put_text(1, 0, 0, "a");
    put_text(2, 0, 1, "b");
    put_text(3, 0, 2, "c");
    hold(1, 7);
    rl_result_cache_applied(cache, 1, INT64_MAX);
    ck_assert(is_doubtful(1));
    ck_assert(!is_doubtful(2));
    hold(3, 12);
    ck_assert(is_doubtful(3));
}
END_TEST

START_TEST(a_deleted_stays_deleted_whatever_is_applied) {
    put_deleted(1, 0);
    hold(1, 7);
    apply(7);
    ck_assert_int_eq(get(1), RL_CACHE_DELETED);
    rl_result_cache_committed(cache, 0, 1);
    ck_assert_int_eq(get(1), RL_CACHE_DELETED);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("result_cache");
    TCase *tests = tcase_create("cache");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_was_put_is_found);
    tcase_add_test(tests, what_may_have_been_here_before_is_doubtful_until_the_sink_has_seen_it);
    tcase_add_test(tests, who_puts_it_may_say_that_it_is_doubtful);
    tcase_add_test(tests, the_first_of_a_generation_stays);
    tcase_add_test(tests, a_higher_generation_replaces_and_a_lower_one_does_not);
    tcase_add_test(tests, uncommitted_results_are_never_forgotten);
    tcase_add_test(tests, a_stripped_result_still_knows_its_position);
    tcase_add_test(tests, committed_results_go_when_room_is_needed_and_raise_the_mark);
    tcase_add_test(tests, committed_results_have_a_lower_bound_of_their_own);
    tcase_add_test(tests, uncommitted_results_do_not_give_way_to_the_bound_of_committed_ones);
    tcase_add_test(tests, a_commit_reaches_only_its_partition_and_below_its_offset);
    tcase_add_test(tests, a_commit_before_the_record_was_read_counts_as_well);
    tcase_add_test(tests, a_stripped_result_goes_when_it_is_committed);
    tcase_add_test(tests, what_is_used_stays_longer);
    tcase_add_test(tests, a_reader_keeps_its_record_when_the_cache_drops_it);
    tcase_add_test(tests, positions_alone_can_overload_it);
    tcase_add_test(tests, a_replaced_result_counts_once);
    tcase_add_test(tests, a_deleted_replaces_every_generation);
    tcase_add_test(tests, no_result_replaces_a_deleted);
    tcase_add_test(tests, a_deleted_without_its_record_is_still_known);
    tcase_add_test(tests, what_was_lost_of_an_id_makes_its_entry_doubtful);
    tcase_add_test(tests, a_held_result_changes_nothing);
    tcase_add_test(tests, once_it_is_applied_mongodb_decides);
    tcase_add_test(tests, applied_may_be_read_before_what_was_held);
    tcase_add_test(tests, another_replay_that_was_applied_is_not_mistaken_for_its_own);
    tcase_add_test(tests, of_two_held_ones_each_counts);
    tcase_add_test(tests, a_result_of_a_higher_generation_needs_no_other);
    tcase_add_test(tests, a_result_between_does_not_clear_the_doubt);
    tcase_add_test(tests, what_was_held_before_its_entry_came_makes_it_doubtful);
    tcase_add_test(tests, a_decision_that_nobody_can_read_may_be_about_any_of_them);
    tcase_add_test(tests, a_deleted_stays_deleted_whatever_is_applied);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
