/* kafka.h: topics of a test's own on the real broker that RUNLOG_TEST_KAFKA_BROKERS names.
 *
 * Every name carries a random part, so that tests run side by side and again on the same broker. Functions
 * that cannot do their work fail the test.
 */
#ifndef RL_TESTS_KAFKA_H
#define RL_TESTS_KAFKA_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/stream/client.h"

#define RL_TEST_NAME_SIZE 64

/* The broker, as a client of the name "test". */
rl_stream_config rl_test_stream(void);

/* "test-<random>-<what>". */
void rl_test_name(char out[RL_TEST_NAME_SIZE], const char *what);

/* Creates a topic; fails the test where it cannot. */
void rl_test_create_topic(const char *name, int partitions);

/* Looks at a record; true: that was all that was wanted. */
typedef bool (*rl_test_visit)(void *context, const rd_kafka_message_t *message);

/* Reads a topic from its beginning until `visit` is content or `timeout_us` has passed; whether it was. */
bool rl_test_read(const char *topic, int64_t timeout_us, rl_test_visit visit, void *context);

/* Drops all records of the partition before `offset`, as retention does; fails the test where it cannot. */
void rl_test_delete_records(const char *topic, int32_t partition, int64_t offset);

/* Commits for a group that has no members, with a note ("": none) beside the offset. */
void rl_test_commit(const char *group, const char *topic, int32_t partition, int64_t offset,
                    const char *note);

/* The first offset of a partition and the one behind its last. Asks again while the broker does not lead the partition yet,
 * as one does not whose topic was made a moment ago. */
void rl_test_offsets(rd_kafka_t *client, const char *topic, int32_t partition, int64_t *ret_low,
                     int64_t *ret_high);

/* The offset that the group has committed; -1: none. */
int64_t rl_test_committed(const char *group, const char *topic, int32_t partition);

#endif
