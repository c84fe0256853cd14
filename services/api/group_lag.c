/* group_lag.c: see group_lag.h. */
#include "services/api/group_lag.h"

#include <errno.h>
#include <stdlib.h>

#include "services/api/log_offsets.h"

#define ASK_TIMEOUT_MS 3000

struct rl_group_lag {
    rd_kafka_t *client;
};

static bool make_client(rl_group_lag *lag, const rl_stream_config *stream, const char *group, rl_error *err) {
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(stream, err);
    if (!conf || !rl_stream_set(conf, "group.id", group, err) ||
        !rl_stream_set(conf, "enable.auto.commit", "false", err)) {
        return false;
    }
    lag->client = rl_stream_consumer(&conf, err);
    return lag->client != NULL;
}

rl_group_lag *rl_group_lag_new(const rl_stream_config *stream, const char *group, rl_error *err) {
    RL_CLEANUP(rl_group_lag_slot) rl_group_lag *lag = calloc(1, sizeof(*lag));
    if (!lag) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    return make_client(lag, stream, group, err) ? RL_STEAL(lag) : NULL;
}

void rl_group_lag_free(rl_group_lag *lag) {
    if (!lag) {
        return;
    }
    if (lag->client) {
        rd_kafka_consumer_close(lag->client);
        rd_kafka_destroy(lag->client);
    }
    free(lag);
}

/* The larger of a partition's first offset, in `ret`, and the group's. */
static bool ask_begins(rl_group_lag *lag, const char *topic, int32_t partitions, int64_t *ret,
                       rl_error *err) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    rd_kafka_topic_partition_list_add_range(list, topic, 0, partitions - 1);
    rd_kafka_resp_err_t code = rd_kafka_committed(lag->client, list, ASK_TIMEOUT_MS);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &list->elems[i];
        code = at->err;
        ret[at->partition] = at->offset > ret[at->partition] ? at->offset : ret[at->partition];
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || rl_stream_error(err, code, "cannot read a group's offsets");
}

bool rl_group_lag_measure(rl_group_lag *lag, const char *topic, int32_t partitions, int64_t *ret,
                          rl_error *err) {
    RL_AUTO_FREE int64_t *begins = calloc((size_t)partitions, sizeof(*begins));
    if (!begins) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
    }
    if (!rl_log_begins(lag->client, topic, partitions, ASK_TIMEOUT_MS, begins, err) ||
        !ask_begins(lag, topic, partitions, begins, err) ||
        !rl_log_ends(lag->client, topic, partitions, ASK_TIMEOUT_MS, ret, err)) {
        return false;
    }
    for (int32_t i = 0; i < partitions; i++) {
        ret[i] = ret[i] > begins[i] ? ret[i] - begins[i] : 0;
    }
    return true;
}
