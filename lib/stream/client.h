/* client.h: what every Kafka client of the project has in common: brokers, client id, security settings,
 * and how librdkafka's errors map onto ours.
 */
#ifndef RL_STREAM_CLIENT_H
#define RL_STREAM_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"
#include "lib/stream/security.h"

typedef struct {
    const char *brokers;   /* host:port, separated by commas */
    const char *client_id; /* shown in the broker's logs and quotas */
    const char
        *properties; /* further librdkafka properties, "name=value" separated by ';'; NULL or "": none */
    const rl_stream_security *security; /* NULL: none of its settings; borrowed as long as clients are made */
} rl_stream_config;

/* A librdkafka configuration with brokers, client id, Nagle off, 10 MiB message bounds, log lines kept off stderr,
 * and `properties` applied last. The caller owns it (handing it to rd_kafka_new moves it). NULL and
 * INVALID where a property is refused; the message names it. */
rd_kafka_conf_t *rl_stream_conf(const rl_stream_config *config, rl_error *err);

/* rd_kafka_conf_set with an rl_error. */
bool rl_stream_set(rd_kafka_conf_t *conf, const char *name, const char *value, rl_error *err);

typedef struct {
    const char *name;
    const char *value;
} rl_stream_setting;

/* One after the other; the first that is refused ends it. */
bool rl_stream_set_all(rd_kafka_conf_t *conf, const rl_stream_setting *settings, size_t count, rl_error *err);

/* Makes a client of what `*conf` says and takes it over: `*conf` is NULL afterwards. On failure it stays the
 * caller's, and NULL is returned with INVALID (settings that do not go together) or TRANSIENT (the system has no
 * threads or files left). */
rd_kafka_t *rl_stream_client(rd_kafka_type_t type, rd_kafka_conf_t **conf, rl_error *err);

/* The same for a consumer all of whose events come by rd_kafka_consumer_poll, as its records do. */
rd_kafka_t *rl_stream_consumer(rd_kafka_conf_t **conf, rl_error *err);

/* Fills `err` from a librdkafka code: TRANSIENT what librdkafka retries by itself or what a broker's return
 * cures, FATAL what ends a client (fencing, authentication), INVALID what the record itself causes. */
bool rl_stream_error(rl_error *err, rd_kafka_resp_err_t code, const char *doing);

/* Whether a record was refused for its size, when it was encoded (EMSGSIZE) or by Kafka. Only a submission that
 * is too large gets this answer; other INVALID errors are not its sender's doing. */
bool rl_stream_too_large(const rl_error *err);

RL_DEFINE_CLEANUP(rl_rd_client_slot, rd_kafka_t, rd_kafka_destroy)
RL_DEFINE_CLEANUP(rl_rd_conf_slot, rd_kafka_conf_t, rd_kafka_conf_destroy)
RL_DEFINE_CLEANUP(rl_rd_message_slot, rd_kafka_message_t, rd_kafka_message_destroy)
RL_DEFINE_CLEANUP(rl_rd_topic_slot, rd_kafka_topic_t, rd_kafka_topic_destroy)
RL_DEFINE_CLEANUP(rl_rd_list_slot, rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy)
RL_DEFINE_CLEANUP(rl_rd_queue_slot, rd_kafka_queue_t, rd_kafka_queue_destroy)
RL_DEFINE_CLEANUP(rl_rd_event_slot, rd_kafka_event_t, rd_kafka_event_destroy)
RL_DEFINE_CLEANUP(rl_rd_admin_options_slot, rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy)

#endif
