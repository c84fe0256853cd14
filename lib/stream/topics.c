/* topics.c: the table of topics. See topics_create.c for how they come to be. */
#include "lib/stream/topics.h"

#include "lib/base/clock.h"

#define HOURS (INT64_C(3600) * RL_US_PER_S)
#define DAYS (24 * HOURS)

/* What RUNLOG_TOPIC_PARTITIONS overrides: topics with one partition for each share of the work. */
#define SHARED_OUT 12

static const rl_topic table[] = {
    {RL_TOPIC_SUBMISSIONS, SHARED_OUT, 7 * DAYS, false},
    {RL_TOPIC_SUBMISSIONS_BATCH, SHARED_OUT, 7 * DAYS, false},
    {RL_TOPIC_SUBMISSIONS_REPLAY, SHARED_OUT, 7 * DAYS, false},
    /* Not compacted: the last record of an id can be the wrong one after a redelivery. */
    {RL_TOPIC_RESULTS, SHARED_OUT, 30 * DAYS, false},
    {RL_TOPIC_EVENTS, SHARED_OUT, 1 * DAYS, false},
    {RL_TOPIC_CONTROLS, 3, 1 * DAYS, false},
    {RL_TOPIC_REPLAYS, 1, 365 * DAYS, false},
    /* Not compacted either: the first claim of a key wins, and compaction keeps the last. */
    {RL_TOPIC_CLAIMS, SHARED_OUT, 25 * HOURS, false},
    {RL_TOPIC_RUNNERS, 1, -1, true},
    {RL_TOPIC_SCHEMAS, 1, -1, true},
    {RL_TOPIC_SUBMISSIONS_DLQ, 3, 90 * DAYS, false},
    {RL_TOPIC_RESULTS_DLQ, 3, 90 * DAYS, false},
};

const rl_topic *rl_topics(size_t *ret_count) {
    *ret_count = sizeof table / sizeof table[0];
    return table;
}
