/* kafka_view.h: what Kafka says about topics and groups, for the commands that show it.
 *
 * Each call is one or two requests to the brokers, bounded by RL_KAFKA_VIEW_TIMEOUT_MS each, and fails as TRANSIENT
 * where nobody answers.
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_KAFKA_VIEW_H
#define RL_TOOLS_KAFKA_VIEW_H

#include <jansson.h>

#include "tools/runlog/cli.h"
#include "tools/runlog/settings.h"

#define RL_KAFKA_VIEW_TIMEOUT_MS 10000

/* A client for questions. INVALID where a setting is wrong. */
rd_kafka_t *rl_kafka_view_open(const rl_cli_call *call, rl_error *err);

/* Every topic, or `topic` alone where it is not NULL; freed by rd_kafka_metadata_destroy. */
const struct rd_kafka_metadata *rl_kafka_view_metadata(rd_kafka_t *client, const char *topic, rl_error *err);

/* The topic of that name in `metadata`; NULL where there is none. Borrows. */
const struct rd_kafka_metadata_topic *rl_kafka_view_topic(const struct rd_kafka_metadata *metadata,
                                                          const char *name);

/* Puts into each entry of `list` its partition's first offset (`spec` RD_KAFKA_OFFSET_SPEC_EARLIEST) or the one behind its
 * last (RD_KAFKA_OFFSET_SPEC_LATEST). */
bool rl_kafka_view_offsets(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list, int64_t spec,
                           rl_error *err);

/* Puts into each entry what `group` has committed; RD_KAFKA_OFFSET_INVALID: nothing. */
bool rl_kafka_view_committed(rd_kafka_t *client, const char *group, rd_kafka_topic_partition_list_t *list,
                             rl_error *err);

/* Puts into `config`, an object, each of these settings of a topic that Kafka has: a text, or null. */
bool rl_kafka_view_config(rd_kafka_t *client, const char *topic, const char *const *names, size_t count,
                          json_t *config, rl_error *err);

/* Adds every partition of `topic` to `list`. */
void rl_kafka_view_partitions(const struct rd_kafka_metadata_topic *topic,
                              rd_kafka_topic_partition_list_t *list);

#endif
