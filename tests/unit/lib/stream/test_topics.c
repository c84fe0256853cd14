/* The table of topics. */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/codec/id.h"
#include "lib/stream/topics.h"
#include "tests/support/suite.h"

static const rl_topic *topic(const char *name) {
    size_t count = 0;
    const rl_topic *table = rl_topics(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    ck_abort_msg("there is no topic %s", name);
    return NULL;
}

START_TEST(every_topic_is_in_the_table_once) {
    size_t count = 0;
    const rl_topic *table = rl_topics(&count);
    ck_assert_uint_eq(count, 12);
    for (size_t i = 0; i < count; i++) {
        ck_assert_ptr_eq(topic(table[i].name), &table[i]);
    }
}
END_TEST

START_TEST(results_and_claims_are_never_compacted) {
    ck_assert(!topic(RL_TOPIC_RESULTS)->compacted);
    ck_assert(!topic(RL_TOPIC_CLAIMS)->compacted);
}
END_TEST

START_TEST(schemas_and_runners_are_kept_for_ever) {
    ck_assert(topic(RL_TOPIC_SCHEMAS)->compacted);
    ck_assert(topic(RL_TOPIC_RUNNERS)->compacted);
}
END_TEST

START_TEST(cancellations_outlive_the_longest_time_in_the_queue) {
    ck_assert_int_gt(topic(RL_TOPIC_CONTROLS)->retention_us, 3600 * RL_US_PER_S);
}
END_TEST

START_TEST(the_lanes_have_equal_partitions) {
    ck_assert_int_eq(topic(RL_TOPIC_SUBMISSIONS)->partitions, topic(RL_TOPIC_SUBMISSIONS_BATCH)->partitions);
    ck_assert_int_eq(topic(RL_TOPIC_SUBMISSIONS)->partitions, topic(RL_TOPIC_SUBMISSIONS_REPLAY)->partitions);
}
END_TEST

START_TEST(what_has_one_partition_for_each_share_of_the_work_says_so) {
    static const char *const shared_out[] = {RL_TOPIC_SUBMISSIONS,
                                             RL_TOPIC_SUBMISSIONS_BATCH,
                                             RL_TOPIC_SUBMISSIONS_REPLAY,
                                             RL_TOPIC_RESULTS,
                                             RL_TOPIC_EVENTS,
                                             RL_TOPIC_CLAIMS};
    size_t count = 0;
    size_t found = 0;
    const rl_topic *table = rl_topics(&count);
    for (size_t i = 0; i < count; i++) {
        found += table[i].shared_out;
    }
    ck_assert_uint_eq(found, sizeof shared_out / sizeof shared_out[0]);
    for (size_t i = 0; i < found; i++) {
        ck_assert_msg(topic(shared_out[i])->shared_out, "%s", shared_out[i]);
    }
}
END_TEST

START_TEST(an_id_has_room_for_every_partition) {
    ck_assert_int_le(RL_TOPIC_MAX_PARTITIONS, RL_ID_MAX_PARTITION + 1);
}
END_TEST

START_TEST(results_are_kept_as_long_as_is_asked_for_and_other_topics_as_the_table_says) {
    const int64_t day_us = 86400 * RL_US_PER_S;
    ck_assert_int_eq(rl_topic_retention_us(topic(RL_TOPIC_RESULTS), day_us), day_us);
    ck_assert_int_eq(rl_topic_retention_us(topic(RL_TOPIC_RESULTS), -1), -1);
    ck_assert_int_eq(rl_topic_retention_us(topic(RL_TOPIC_RESULTS), 0),
                     topic(RL_TOPIC_RESULTS)->retention_us);
    ck_assert_int_eq(rl_topic_retention_us(topic(RL_TOPIC_SUBMISSIONS), day_us),
                     topic(RL_TOPIC_SUBMISSIONS)->retention_us);
}
END_TEST

RL_SUITE("lib/stream/topics", every_topic_is_in_the_table_once, results_and_claims_are_never_compacted,
         schemas_and_runners_are_kept_for_ever, cancellations_outlive_the_longest_time_in_the_queue,
         the_lanes_have_equal_partitions, what_has_one_partition_for_each_share_of_the_work_says_so,
         an_id_has_room_for_every_partition,
         results_are_kept_as_long_as_is_asked_for_and_other_topics_as_the_table_says)
