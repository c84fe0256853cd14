/* world.h: what a test of the sink needs around it: topics and a database of its own on the real Kafka and the
 * real MongoDB, a producer, a sink in a thread or in a process, and questions about the outcome.
 *
 * Names are unique, so that tests run beside one another and beside a stack. Every failure ends the test with
 * what was seen. Waiting is always for a condition, with a deadline.
 */
#ifndef RL_TESTS_SINK_WORLD_H
#define RL_TESTS_SINK_WORLD_H

#include <sys/types.h>

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/codec/result.h"
#include "lib/store/mongo.h"
#include "lib/stream/producer.h"
#include "services/result-sink/sink.h"
#include "tests/support/sample_result.h"

#define PARTITIONS 3
#define RETENTION_US (30 * 86400 * RL_US_PER_S)

typedef struct {
    char brokers[512];
    char uri[1024]; /* with the database of this test */
    char topic[96], dead_topic[96], schemas_topic[96], group[96];
    rl_codec *codec;
    rl_producer *producer;
    rl_mongo *mongo;
} world;

/* Makes topics and connections; prints which MongoDB server answers. */
void world_open(world *w);
/* Drops the database and the topics. */
void world_close(world *w);

typedef struct {
    rl_sink *sink;
    rl_metrics *metrics;
    rl_mongo *mongo;
    rl_producer *producer;
    rl_codec *codec;
    rl_log *log;
    pthread_t thread;
    bool ok; /* what rl_sink_run returned */
    rl_error err;
} sink_runner;

/* A sink in a thread; `uri` NULL: the world's. `batch_records` 0: 500. */
sink_runner *sink_start(world *w, const char *uri, size_t batch_records);
/* Stops it as SIGTERM does and expects a clean end. */
void sink_stop(sink_runner *s);
/* Makes its producer of dead letters fail for good. */
void sink_break_producer(sink_runner *s);
/* Waits until it ends by itself and expects FATAL. */
void sink_await_failure(sink_runner *s);
/* Whether all three readiness checks say yes. */
bool sink_is_ready(sink_runner *s);
int64_t sink_metric(const sink_runner *s, const char *name);

/* A sink in a process of its own, to be killed. */
pid_t sink_spawn(world *w);

/* Puts a record on the topic, acknowledged. */
void put(world *w, const rl_finished *finished);
void put_bytes(world *w, const char *topic, const char *key, rl_bytes value);
/* Puts `count` results with ids "<prefix>-0".. on the topic, without waiting for each. */
void put_many(world *w, const char *prefix, size_t count, int64_t generation);
void put_encoded(world *w, const rl_finished *finished, const char *key);

/* Waits until the group has committed the end of every partition of the topic. */
void await_committed(world *w);
/* Sum over the partitions of what the group has committed; 0 where nothing. */
int64_t committed_total(world *w);
/* Sets the group, which must have no members, back to the beginning. */
void rewind_group(world *w);

/* Waits until the condition holds; fails the test with `what` after a minute. */
#define AWAIT(condition_, what_)                                                                             \
    do {                                                                                                     \
        int64_t await_end_ = rl_clock_us() + 60 * RL_US_PER_S;                                               \
        while (!(condition_)) {                                                                              \
            ck_assert_msg(rl_clock_us() < await_end_, "waited in vain: %s", (what_));                        \
            breathe();                                                                                       \
        }                                                                                                    \
    } while (0)
void breathe(void);

/* Reads the document of `id`; false where there is none. The caller destroys it. */
bool get_document(world *w, const char *id, bson_t *ret);
int64_t count_documents(world *w);
int64_t generation_of(world *w, const char *id); /* -1: no document, -2: a tombstone */
void put_document(world *w, const bson_t *document);
/* All documents of the three collections, by id, as one text. The caller frees it. */
char *dump_documents(world *w);

/* Records of replays (world_replays.c): a result that waits, what was decided, a deletion. */
void put_held(world *w, const char *id, int64_t generation);
void put_decision(world *w, rl_record_kind kind, int64_t generation);
void put_deleted(world *w, const char *id);
/* Submissions s-0 to s-39 of which every fifth is deleted, and three replays of them whose results wait: 3 is applied, 4
 * discarded, 5 never decided. Every record has others about the same before and behind it. */
void put_a_bit_of_everything(world *w);
/* How many documents `collection` has. */
int64_t count_in(world *w, const char *collection);

/* Waits for `count` dead letters and hands each to `look`. */
void read_dead_letters(world *w, size_t count, void (*look)(const rd_kafka_message_t *letter, void *context),
                       void *context);

#endif
