/* warm_up.c: rounds of one record for each partition of an own topic. See warm_up.h.
 *
 * A partition's records are requests of their own, so that a round is several requests under way at once. The reader
 * waits at the broker whenever a round begins, as an idle service does, and now and then commits where it is.
 */
#include "tools/runlog/warm_up.h"

#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/stream/producer.h"

#define TOPIC "warm-up"
#define GROUP "runlog-warm-up"
#define PARTITIONS 5 /* as many requests as a producer that keeps their order has under way */
#define RECORD_BYTES 400
#define ASK_TIMEOUT_US (10 * RL_US_PER_S)
#define ASK_PAUSE_US (20 * RL_US_PER_MS)
#define COMMIT_EVERY 4 /* rounds */

RL_DEFINE_CLEANUP(new_topic_slot, rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy)
RL_DEFINE_CLEANUP(delete_topic_slot, rd_kafka_DeleteTopic_t, rd_kafka_DeleteTopic_destroy)

/* Several brokers are a cluster, with other users and its own rules for topics. */
static bool is_alone(rd_kafka_t *client, bool *ret, rl_error *err) {
    const struct rd_kafka_metadata *metadata = NULL;
    const rd_kafka_resp_err_t code =
        rd_kafka_metadata(client, 0, NULL, &metadata, (int)(ASK_TIMEOUT_US / RL_US_PER_MS));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return rl_stream_error(err, code, "cannot fetch metadata");
    }
    *ret = metadata->broker_cnt <= 1;
    rd_kafka_metadata_destroy(metadata);
    return true;
}

/* ---- the topic ---- */

/* The first error in the answer to a request about one topic. */
static rd_kafka_resp_err_t await_answer(rd_kafka_queue_t *queue) {
    RL_CLEANUP(rl_rd_event_slot)
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, (int)(2 * ASK_TIMEOUT_US / RL_US_PER_MS));
    if (!event) {
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    const rd_kafka_CreateTopics_result_t *created = rd_kafka_event_CreateTopics_result(event);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && created) {
        size_t count = 0;
        const rd_kafka_topic_result_t **topics = rd_kafka_CreateTopics_result_topics(created, &count);
        code = count == 1 ? rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR__PARTIAL;
    }
    return code;
}

static bool create_topic(rd_kafka_t *client, rl_error *err) {
    char reason[160];
    RL_CLEANUP(rl_rd_queue_slot) rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    RL_CLEANUP(new_topic_slot)
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(TOPIC, PARTITIONS, 1, reason, sizeof reason);
    if (!topic) {
        return rl_error_set(err, RL_INVALID, 0, "topic " TOPIC ": %s", reason);
    }
    rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
    const rd_kafka_resp_err_t code = await_answer(queue);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS ||
           rl_stream_error(err, code, "cannot make topic " TOPIC);
}

/* A topic made a moment ago is not known everywhere yet. */
static bool await_topic(rl_producer *producer, rl_error *err) {
    const int64_t end_us = rl_clock_us() + ASK_TIMEOUT_US;
    rl_error why = RL_ERROR_INIT;
    while (!rl_producer_prime(producer, TOPIC, ASK_TIMEOUT_US, NULL, &why)) {
        if (why.error_class != RL_TRANSIENT || rl_clock_us() >= end_us) {
            *err = why;
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = ASK_PAUSE_US * 1000}, NULL);
    }
    return true;
}

/* Failing, an empty topic stays behind, which the next time uses and removes. */
static void delete_topic(rd_kafka_t *client) {
    RL_CLEANUP(rl_rd_queue_slot) rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    RL_CLEANUP(delete_topic_slot) rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(TOPIC);
    rd_kafka_DeleteTopics(client, &topic, 1, NULL, queue);
    (void)await_answer(queue);
}

/* ---- the rounds ---- */

static rd_kafka_t *open_reader(const rl_stream_config *stream, rl_error *err) {
    static const rl_stream_setting settings[] = {
        {"group.id", GROUP},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"},
        {"fetch.error.backoff.ms", "20"},
    };
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(stream, err);
    if (!conf || !rl_stream_set_all(conf, settings, sizeof settings / sizeof settings[0], err)) {
        return NULL;
    }
    return rl_stream_consumer(&conf, err);
}

static bool begin_reading(rd_kafka_t *reader, rl_error *err) {
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        rd_kafka_topic_partition_list_add(list, TOPIC, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    const rd_kafka_resp_err_t code = rd_kafka_assign(reader, list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || rl_stream_error(err, code, "cannot read topic " TOPIC);
}

static bool send_round(rl_producer *producer, const unsigned char *bytes, rl_error *err) {
    for (int32_t i = 0; i < PARTITIONS; i++) {
        const rl_record record = {
            .topic = TOPIC,
            .partition = i,
            .key = rl_bytes_of(TOPIC),
            .value = rl_bytes_make(bytes, RECORD_BYTES),
        };
        if (!rl_producer_send(producer, &record, NULL, NULL, err)) {
            return false;
        }
    }
    return true;
}

static void commit(rd_kafka_t *reader, const rd_kafka_message_t *message) {
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, TOPIC, message->partition)->offset = message->offset + 1;
    (void)rd_kafka_commit(reader, list, 1); /* nobody needs it */
}

/* How many of a round's records came. What comes late is not waited for: it counts in a later round. */
static size_t await_round(rd_kafka_t *reader, bool commits, int64_t until_us) {
    size_t seen = 0;
    while (seen < PARTITIONS && rl_clock_us() < until_us) {
        RL_CLEANUP(rl_rd_message_slot) rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 100);
        if (message && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            seen++;
            if (commits && seen == PARTITIONS) {
                commit(reader, message);
            }
        }
    }
    return seen;
}

static bool run_rounds(rl_producer *producer, rd_kafka_t *reader, int64_t duration_us, size_t *ret_records,
                       rl_error *err) {
    unsigned char bytes[RECORD_BYTES];
    memset(bytes, 'w', sizeof bytes);
    const int64_t end_us = rl_clock_us() + duration_us;
    int64_t until_us = rl_clock_us() + ASK_TIMEOUT_US; /* the first one opens the connections */
    for (size_t round = 0; round == 0 || rl_clock_us() < end_us; round++) {
        if (!send_round(producer, bytes, err)) {
            return false;
        }
        *ret_records += await_round(reader, round % COMMIT_EVERY == 0, until_us);
        until_us = end_us;
    }
    return *ret_records > 0 || rl_error_set(err, RL_TRANSIENT, 0, "no record of topic " TOPIC " came back");
}

/* Through a topic that is there. */
static bool exercise(const rl_stream_config *stream, rl_producer *producer, int64_t duration_us,
                     size_t *ret_records, rl_error *err) {
    RL_CLEANUP(rl_rd_client_slot) rd_kafka_t *reader = open_reader(stream, err);
    if (!reader) {
        return false;
    }
    const bool ok = await_topic(producer, err) && begin_reading(reader, err) &&
                    run_rounds(producer, reader, duration_us, ret_records, err);
    (void)rd_kafka_consumer_close(reader);
    return ok;
}

bool rl_warm_up(const rl_stream_config *stream, int64_t duration_us, size_t *ret_records, rl_error *err) {
    bool alone = false;
    *ret_records = 0;
    RL_AUTO_PRODUCER rl_producer *producer = rl_producer_new(stream, ASK_TIMEOUT_US, err);
    if (!producer || !is_alone(rl_producer_client(producer), &alone, err)) {
        return false;
    }
    if (!alone) {
        return true;
    }
    if (!create_topic(rl_producer_client(producer), err)) {
        return false;
    }
    const bool ok = exercise(stream, producer, duration_us, ret_records, err);
    delete_topic(rl_producer_client(producer));
    return ok;
}
