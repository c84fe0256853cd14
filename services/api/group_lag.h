/* group_lag.h: how many records of each partition of a topic a consumer group has not finished, and how many
 * members the group has.
 *
 * It asks through a consumer of its own that carries the group's name and never joins it: offsets are told to no other.
 *
 * Thread: one at a time; a measurement waits for the broker's answers.
 */
#ifndef RL_API_GROUP_LAG_H
#define RL_API_GROUP_LAG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/stream/client.h"

typedef struct rl_group_lag rl_group_lag;

/* What is handed in is copied, but for the security settings. NULL and TRANSIENT when memory is short, INVALID for settings that
 * librdkafka refuses. */
rl_group_lag *rl_group_lag_new(const rl_stream_config *stream, const char *group, rl_error *err);
void rl_group_lag_free(rl_group_lag *lag);

/* Fills `ret[0]` to `ret[partitions - 1]`: what is on the log from the group's offset on, or all of it where
 * the group has none. `*ret_appended` gets how many records were ever appended. TRANSIENT where the broker does
 * not answer. */
bool rl_group_lag_measure(rl_group_lag *lag, const char *topic, int32_t partitions, int64_t *ret,
                          int64_t *ret_appended, rl_error *err);

/* How many members the group has, at work or joining; 0 where the brokers know no such group. TRANSIENT where one of
 * them does not answer and no other knows the group, or where librdkafka gives no answer while one is away. */
bool rl_group_lag_members(rl_group_lag *lag, int64_t *ret, rl_error *err);

RL_DEFINE_CLEANUP(rl_group_lag_slot, rl_group_lag, rl_group_lag_free)

#endif
