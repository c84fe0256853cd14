/* rebalance_watch.c: interceptors on requests and answers. They run on librdkafka's broker threads. */
#include "lib/stream/rebalance_watch.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/client.h"

/* Kafka protocol guide, "API keys". */
enum { JOIN_GROUP = 11, HEARTBEAT = 12, SYNC_GROUP = 14 };

#define LONGEST_US (180 * RL_US_PER_S) /* max.poll.interval: the group goes on without who is slower */

#define SETTLE_US (30 * RL_US_PER_MS) /* from an answer until what librdkafka makes of it is on the wire */
#define HEARTBEAT_US (500 * RL_US_PER_MS) /* a broker that takes longer does not answer commits either */

static const char name[] = "runlog-rebalance-watch";

static rd_kafka_resp_err_t on_request(rd_kafka_t *client, int socket, const char *broker, int32_t broker_id,
                                      int16_t key, int16_t version, int32_t correlation, size_t size,
                                      void *context) {
    (void)client, (void)socket, (void)broker, (void)broker_id, (void)version, (void)correlation, (void)size;
    rl_rebalance_watch *watch = context;
    if (key == JOIN_GROUP) {
        atomic_store(&watch->since_us, rl_clock_us());
    } else if (key == HEARTBEAT) {
        atomic_store(&watch->beat_us, rl_clock_us());
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_response(rd_kafka_t *client, int socket, const char *broker, int32_t broker_id,
                                       int16_t key, int16_t version, int32_t correlation, size_t size,
                                       int64_t rtt, rd_kafka_resp_err_t code, void *context) {
    (void)client, (void)socket, (void)broker, (void)broker_id, (void)version, (void)correlation, (void)size;
    (void)rtt, (void)code;
    rl_rebalance_watch *watch = context;
    if (key == SYNC_GROUP) {
        atomic_store(&watch->since_us, 0);
        rl_rebalance_watch_stir(watch); /* it may have been refused, and the next JoinGroup is to come */
    } else if (key == HEARTBEAT) {
        rl_rebalance_watch_stir(watch);
        atomic_store(&watch->beat_us, 0);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* librdkafka's name for the connection to whoever coordinates the group; it has one of its own. */
static const char coordinator[] = "GroupCoordinator";

/* Whatever was outstanding went with the connection. That of another broker, or another one to the same broker, which
 * may have been closed for being idle, says nothing. */
static rd_kafka_resp_err_t on_broker_state(rd_kafka_t *client, int32_t broker_id, const char *protocol,
                                           const char *broker, int port, const char *state, void *context) {
    (void)client, (void)broker_id, (void)protocol, (void)port;
    rl_rebalance_watch *watch = context;
    if (strcmp(broker, coordinator) == 0 && strcmp(state, "DOWN") == 0) {
        atomic_store(&watch->since_us, 0);
        atomic_store(&watch->beat_us, 0);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *client, const rd_kafka_conf_t *conf, void *context,
                                  char *reason, size_t reason_size) {
    (void)conf, (void)reason, (void)reason_size;
    rd_kafka_resp_err_t code = rd_kafka_interceptor_add_on_request_sent(client, name, on_request, context);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = rd_kafka_interceptor_add_on_response_received(client, name, on_response, context);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = rd_kafka_interceptor_add_on_broker_state_change(client, name, on_broker_state, context);
    }
    return code;
}

bool rl_rebalance_watch_attach(rl_rebalance_watch *watch, rd_kafka_conf_t *conf, rl_error *err) {
    rd_kafka_resp_err_t code = rd_kafka_conf_interceptor_add_on_new(conf, name, on_new, watch);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || rl_stream_error(err, code, "cannot watch rebalances");
}

bool rl_rebalance_watch_is_on(rl_rebalance_watch *watch, int64_t now_us) {
    int64_t since_us = atomic_load(&watch->since_us);
    return since_us > 0 && now_us - since_us < LONGEST_US;
}

void rl_rebalance_watch_stir(rl_rebalance_watch *watch) {
    atomic_store(&watch->stirred_us, rl_clock_us());
}

int64_t rl_rebalance_watch_settled_us(rl_rebalance_watch *watch, int64_t now_us) {
    int64_t beat_us = atomic_load(&watch->beat_us);
    if (beat_us > 0 && now_us - beat_us < HEARTBEAT_US) {
        return now_us + SETTLE_US;
    }
    int64_t stirred_us = atomic_load(&watch->stirred_us);
    return stirred_us > 0 ? stirred_us + SETTLE_US : 0;
}
