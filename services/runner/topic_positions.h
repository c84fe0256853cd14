/* topic_positions.h: a topic that is read by assignment, without a group: where its reading begins, how far it has come.
 *
 * Thread: one at a time; the stopper from any. Each question waits for the brokers for three seconds at most, and once it is
 * time to stop no other is asked.
 */
#ifndef RL_RUNNER_TOPIC_POSITIONS_H
#define RL_RUNNER_TOPIC_POSITIONS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/stopper.h"

#define RL_TOPIC_POSITIONS_MAX 1024

/* Zeroed but for the first three, which are borrowed. */
typedef struct {
    rd_kafka_t *client;
    const char *topic;
    rl_stopper *stopper;
    int32_t count; /* partitions */
    struct {
        int64_t end;  /* when the reading began */
        int64_t next; /* to be read */
    } at[RL_TOPIC_POSITIONS_MAX];
} rl_topic_positions;

/* Assigns all partitions to the client, each from the first record of `from_us` (wall clock) or later. false with the error
 * where the brokers do not tell, or it is time to stop. */
bool rl_topic_positions_begin(rl_topic_positions *positions, int64_t from_us, rl_error *err);

/* A message has come: a record, or the news that the end is reached. Of partitions that were assigned. */
void rl_topic_positions_pass(rl_topic_positions *positions, const rd_kafka_message_t *message);

/* Whether all has been read that was there when the reading began. */
bool rl_topic_positions_have_reached(const rl_topic_positions *positions);

/* Asks whether all has been read that is there by now. false too where the brokers do not tell. */
bool rl_topic_positions_are_at_end(const rl_topic_positions *positions);

#endif
