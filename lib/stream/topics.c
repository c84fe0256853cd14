/* topics.c: the table of topics. See topics_create.c for how they come to be. */
#include "lib/stream/topics.h"

#include <string.h>

#include "lib/base/clock.h"

#define HOURS (INT64_C(3600) * RL_US_PER_S)
#define DAYS (24 * HOURS)

/* Of the topics whose work is shared out. */
#define SHARES 12

static const rl_topic table[] = {
    {RL_TOPIC_SUBMISSIONS, SHARES, 7 * DAYS, .shared_out = true},
    {RL_TOPIC_SUBMISSIONS_BATCH, SHARES, 7 * DAYS, .shared_out = true},
    {RL_TOPIC_SUBMISSIONS_REPLAY, SHARES, 7 * DAYS, .shared_out = true},
    /* Not compacted: the last record of an id can be the wrong one after a redelivery. */
    {RL_TOPIC_RESULTS, SHARES, 30 * DAYS, .shared_out = true},
    {RL_TOPIC_EVENTS, SHARES, 1 * DAYS, .shared_out = true},
    /* Longer than any submission may be queued. */
    {RL_TOPIC_CONTROLS, 3, 2 * DAYS, .compacted = false},
    {RL_TOPIC_REPLAYS, 1, 365 * DAYS, .compacted = false},
    /* Not compacted either: the first claim of a key wins, and compaction keeps the last. */
    {RL_TOPIC_CLAIMS, SHARES, 25 * HOURS, .shared_out = true},
    {RL_TOPIC_RUNNERS, 1, -1, .compacted = true},
    {RL_TOPIC_SCHEMAS, 1, -1, .compacted = true},
    {RL_TOPIC_SUBMISSIONS_DLQ, 3, 90 * DAYS, .compacted = false},
    {RL_TOPIC_RESULTS_DLQ, 3, 90 * DAYS, .compacted = false},
};

const rl_topic *rl_topics(size_t *ret_count) {
    *ret_count = sizeof table / sizeof table[0];
    return table;
}

int64_t rl_topic_retention_us(const rl_topic *topic, int64_t results_retention_us) {
    const bool is_results = strcmp(topic->name, RL_TOPIC_RESULTS) == 0;
    return is_results && results_retention_us != 0 ? results_retention_us : topic->retention_us;
}
