/* client.c: the settings that every client shares, and the map from librdkafka's codes to ours.
 *
 * The defaults of librdkafka suit a data centre where brokers stay up for months. Here a broker may be
 * restarted under the running stack, so reconnecting is tried at least once a second and a connection
 * that never opens is given up after a few seconds instead of thirty.
 */
#include "lib/stream/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const rl_stream_setting shared_settings[] = {
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"socket.connection.setup.timeout.ms", "5000"},
    {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "1000"},
    {"retry.backoff.max.ms", "1000"},
    /* RL_FINISHED_MAX_BYTES and its framing fit; the topics have the same bound. */
    {"message.max.bytes", "10485760"},
    {"allow.auto.create.topics", "false"},
    /* Histograms for a broker that asks its clients for their metrics (KIP-714): a quarter MiB for each client,
     * of which the API has four. Our own metrics are at /metrics. */
    {"enable.metrics.push", "false"},
};

bool rl_stream_set(rd_kafka_conf_t *conf, const char *name, const char *value, rl_error *err) {
    char reason[200];
    if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK) {
        return true;
    }
    return rl_error_set(err, RL_INVALID, 0, "Kafka property %s: %s", name, reason);
}

bool rl_stream_set_all(rd_kafka_conf_t *conf, const rl_stream_setting *settings, size_t count,
                       rl_error *err) {
    for (size_t i = 0; i < count; i++) {
        if (!rl_stream_set(conf, settings[i].name, settings[i].value, err)) {
            return false;
        }
    }
    return true;
}

static void drop_log(const rd_kafka_t *client, int level, const char *facility, const char *text) {
    (void)client;
    (void)level;
    (void)facility;
    (void)text;
}

static char *trim(char *text) {
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t", text[length - 1])) {
        text[--length] = '\0';
    }
    return text;
}

/* `list` is "name=value;name=value"; it is taken apart in place. An item that has no name, or one that librdkafka does not know, is told
 * by its number: it may be the end of a password that has a semicolon in it. */
static bool set_properties(rd_kafka_conf_t *conf, char *list, rl_error *err) {
    char *rest = list;
    int number = 0;
    for (char *item = strsep(&rest, ";"); item; item = strsep(&rest, ";")) {
        number++;
        char *name = trim(item);
        if (*name == '\0') {
            continue;
        }
        char *equals = strchr(name, '=');
        if (!equals) {
            return rl_error_set(err, RL_INVALID, 0, "Kafka property number %d: expected name=value", number);
        }
        *equals = '\0';
        char reason[200];
        const rd_kafka_conf_res_t result =
            rd_kafka_conf_set(conf, trim(name), trim(equals + 1), reason, sizeof reason);
        if (result == RD_KAFKA_CONF_UNKNOWN) {
            return rl_error_set(err, RL_INVALID, 0, "Kafka property number %d: there is none of its name",
                                number);
        }
        if (result != RD_KAFKA_CONF_OK) {
            return rl_error_set(err, RL_INVALID, 0, "Kafka property %s: %s", name, reason);
        }
    }
    return true;
}

rd_kafka_conf_t *rl_stream_conf(const rl_stream_config *config, rl_error *err) {
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, drop_log);
    if (!rl_stream_set(conf, "bootstrap.servers", config->brokers, err) ||
        !rl_stream_set(conf, "client.id", config->client_id, err) ||
        !rl_stream_set_all(conf, shared_settings, sizeof shared_settings / sizeof shared_settings[0], err) ||
        (config->security && !rl_stream_security_apply(config->security, conf, err))) {
        return NULL;
    }
    if (config->properties && *config->properties) {
        RL_AUTO_FREE char *list = strdup(config->properties);
        if (!list) {
            rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
            return NULL;
        }
        if (!set_properties(conf, list, err)) {
            return NULL;
        }
    }
    return RL_STEAL(conf);
}

rd_kafka_t *rl_stream_client(rd_kafka_type_t type, rd_kafka_conf_t **conf, rl_error *err) {
    char reason[200];
    rd_kafka_t *client = rd_kafka_new(type, *conf, reason, sizeof reason);
    if (!client) {
        bool short_of = rd_kafka_last_error() == RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
        rl_error_set(err, short_of ? RL_TRANSIENT : RL_INVALID, 0, "cannot create a Kafka %s: %s",
                     type == RD_KAFKA_PRODUCER ? "producer" : "consumer", reason);
        return NULL;
    }
    *conf = NULL;
    return client;
}

rd_kafka_t *rl_stream_consumer(rd_kafka_conf_t **conf, rl_error *err) {
    rd_kafka_t *consumer = rl_stream_client(RD_KAFKA_CONSUMER, conf, err);
    if (consumer) {
        rd_kafka_poll_set_consumer(consumer);
    }
    return consumer;
}

static rl_error_class class_of(rd_kafka_resp_err_t code) {
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return RL_OK;
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
        return RL_FATAL;
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
        return RL_INVALID;
    default:
        return RL_TRANSIENT;
    }
}

bool rl_stream_too_large(const rl_error *err) {
    return err->error_class == RL_INVALID &&
           (err->code == EMSGSIZE || err->code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
            err->code == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
            err->code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE);
}

bool rl_stream_error(rl_error *err, rd_kafka_resp_err_t code, const char *doing) {
    return rl_error_set(err, class_of(code), code, "%s: %s", doing, rd_kafka_err2str(code));
}
