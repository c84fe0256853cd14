/* What of a partition is known to be committed. */
#include "services/runner/partition.h"
#include "tests/support/suite.h"

/* A partition whose first `done` offsets from `start` are answered. */
static rl_partition partition_at(int64_t start, int64_t done, uint32_t epoch) {
    rl_partition partition = {
        .window = rl_watermark_new(start, 64, NULL), .epoch = epoch, .committed = start};
    for (int64_t offset = start; offset < start + done; offset++) {
        ck_assert(rl_watermark_take(partition.window, offset));
        rl_watermark_done(partition.window, offset);
    }
    return partition;
}

START_TEST(what_is_acknowledged_need_not_be_committed_again) {
    rl_partition partition = partition_at(100, 5, 1);
    ck_assert(rl_partition_is_dirty(&partition));
    ck_assert_int_eq(rl_partition_begin_commit(&partition), 105);
    rl_partition_committed(&partition, 105);
    ck_assert(!rl_partition_is_dirty(&partition));
    rl_watermark_free(partition.window);
}
END_TEST

START_TEST(an_acknowledgement_from_before_the_log_was_cut_back_is_no_news_of_the_new_one) {
    rl_partition partition = partition_at(900, 5, 1);
    int64_t old = rl_partition_begin_commit(&partition);
    rl_watermark_free(partition.window);
    rl_partition cut = partition_at(0, 3, 2);
    cut.commit_epoch = partition.commit_epoch;
    rl_partition_committed(&cut, old);
    ck_assert(rl_partition_is_dirty(&cut));
    ck_assert_int_eq(rl_partition_begin_commit(&cut), 3);
    rl_watermark_free(cut.window);
}
END_TEST

RL_SUITE("runner/partition", what_is_acknowledged_need_not_be_committed_again,
         an_acknowledgement_from_before_the_log_was_cut_back_is_no_news_of_the_new_one)
