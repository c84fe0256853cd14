/* topics_create.c: makes the topics that are missing, by the admin interface.
 *
 * All of the table goes into one CreateTopics request; "exists already" is a success. A broker that is
 * still starting answers late or refuses: the request is repeated until the caller's time is up.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/stream/topics.h"

#define HOUR_US (INT64_C(3600) * RL_US_PER_S)
#define REQUEST_MS 10000
#define PAUSE_US (250 * RL_US_PER_MS)

typedef struct {
    rd_kafka_NewTopic_t **topics;
    size_t count;
} new_topics;

static void new_topics_free(const new_topics *list) {
    rd_kafka_NewTopic_destroy_array(list->topics, list->count);
    free(list->topics);
}

static void set_number(rd_kafka_NewTopic_t *topic, const char *name, int64_t number) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    /* Fails only for a NULL argument. */
    (void)rd_kafka_NewTopic_set_config(topic, name, text);
}

/* Retention removes whole closed segments, and a segment closes after a week unless told otherwise: a
 * topic that keeps a day must close them sooner. */
static int64_t segment_us(int64_t retention_us) {
    int64_t share = retention_us / 6;
    return share < HOUR_US ? HOUR_US : share > 7 * 24 * HOUR_US ? 7 * 24 * HOUR_US : share;
}

static void set_retention(rd_kafka_NewTopic_t *topic, const rl_topic *entry, int64_t retention_us) {
    if (entry->compacted) {
        (void)rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "compact");
        return;
    }
    (void)rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "delete");
    set_number(topic, "retention.ms", retention_us < 0 ? -1 : retention_us / RL_US_PER_MS);
    if (retention_us >= 0) {
        set_number(topic, "segment.ms", segment_us(retention_us) / RL_US_PER_MS);
    }
}

static rd_kafka_NewTopic_t *new_topic(const rl_topic *entry, const rl_topics_options *options,
                                      rl_error *err) {
    bool overridden = entry->shared_out && options->partitions > 0;
    int32_t partitions = overridden ? options->partitions : entry->partitions;
    char reason[160];
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(entry->name, partitions, options->replication, reason, sizeof reason);
    if (!topic) {
        rl_error_set(err, RL_INVALID, 0, "topic %s: %s", entry->name, reason);
        return NULL;
    }
    set_retention(topic, entry, rl_topic_retention_us(entry, options->results_retention_us));
    set_number(topic, "max.message.bytes", 10485760);
    if (options->replication >= 3) {
        set_number(topic, "min.insync.replicas", 2);
    }
    return topic;
}

static bool fill(new_topics *list, const rl_topics_options *options, rl_error *err) {
    size_t count;
    const rl_topic *table = rl_topics(&count);
    list->topics = calloc(count, sizeof *list->topics);
    if (!list->topics) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    for (; list->count < count; list->count++) {
        list->topics[list->count] = new_topic(&table[list->count], options, err);
        if (!list->topics[list->count]) {
            return false;
        }
    }
    return true;
}

/* The first failure that is not "exists already"; counts what is new. */
static bool read_answer(rd_kafka_event_t *event, size_t *ret_created, rl_error *err) {
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return rl_stream_error(err, rd_kafka_event_error(event), "cannot reach the broker");
    }
    size_t count = 0;
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics = rd_kafka_CreateTopics_result_topics(result, &count);
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(topics[i]);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            (*ret_created)++;
        } else if (code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS && ok) {
            const char *detail = rd_kafka_topic_result_error_string(topics[i]);
            rl_stream_error(err, code, detail && *detail ? detail : "refused");
            ok = rl_error_prefix(err, "topic %s", rd_kafka_topic_result_name(topics[i]));
        }
    }
    return ok;
}

static bool request(rd_kafka_t *client, const new_topics *list, int64_t timeout_us, size_t *ret_created,
                    rl_error *err) {
    int timeout_ms = timeout_us / RL_US_PER_MS < REQUEST_MS ? (int)(timeout_us / RL_US_PER_MS) : REQUEST_MS;
    RL_CLEANUP(rl_rd_queue_slot) rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    RL_CLEANUP(rl_rd_admin_options_slot)
    rd_kafka_AdminOptions_t *admin = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    char reason[160];
    if (rd_kafka_AdminOptions_set_request_timeout(admin, timeout_ms < 1 ? 1 : timeout_ms, reason,
                                                  sizeof reason) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return rl_error_set(err, RL_FATAL, 0, "request timeout: %s", reason);
    }
    rd_kafka_CreateTopics(client, list->topics, list->count, admin, queue);
    /* The request ends by its own timeout, so waiting for its event needs none. */
    RL_CLEANUP(rl_rd_event_slot) rd_kafka_event_t *event = rd_kafka_queue_poll(queue, -1);
    return read_answer(event, ret_created, err);
}

/* Where a broker turns the client away, the request itself only times out. */
static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque) {
    (void)client;
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL) {
        rl_error_set(opaque, RL_FATAL, code, "a broker does not let this client in: %s", reason);
    }
}

/* `turned_away` gets the last reason, whenever the client is polled. */
static rd_kafka_t *open_client(const rl_stream_config *stream, rl_error *turned_away, rl_error *err) {
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(stream, err);
    if (!conf) {
        return NULL;
    }
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_opaque(conf, turned_away);
    return rl_stream_client(RD_KAFKA_PRODUCER, &conf, err);
}

bool rl_topics_create(const rl_stream_config *stream, const rl_topics_options *options, int64_t timeout_us,
                      size_t *ret_created, rl_error *err) {
    *ret_created = 0;
    int64_t deadline_us = rl_clock_us() + timeout_us;
    RL_CLEANUP(new_topics_free) new_topics list = {NULL, 0};
    if (!fill(&list, options, err)) {
        return false;
    }
    rl_error turned_away = RL_ERROR_INIT;
    RL_CLEANUP(rl_rd_client_slot) rd_kafka_t *client = open_client(stream, &turned_away, err);
    if (!client) {
        return false;
    }
    for (;;) {
        rl_error attempt = RL_ERROR_INIT;
        if (request(client, &list, deadline_us - rl_clock_us(), ret_created, &attempt)) {
            return true;
        }
        if (attempt.error_class != RL_TRANSIENT || rl_clock_us() + PAUSE_US >= deadline_us) {
            (void)rd_kafka_poll(client, 0);
            if (err) {
                *err = turned_away.error_class == RL_OK ? attempt : turned_away;
            }
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_US * 1000}, NULL);
    }
}
