/* group_lag.c: theory of operation.
 *
 * Librdkafka's Admin API has a request for each of these questions, and they must not be used: one that its time-out ends
 * while the group's coordinator is away is answered once more when the coordinator is back, out of freed memory, which
 * ends the process (an assertion about eonce->refcnt; librdkafka 2.8 to 2.15, its pull request 5397). A consumer's own
 * question for committed offsets and the older list of groups go other ways.
 */
#include "services/api/group_lag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "services/api/log_offsets.h"

#define ASK_TIMEOUT_MS 3000
#define MEMBERS_TIMEOUT_MS 2000

RL_DEFINE_CLEANUP(group_list_slot, const struct rd_kafka_group_list, rd_kafka_group_list_destroy)

struct rl_group_lag {
    rd_kafka_t *client; /* a consumer that knows the group and never joins it */
    char *group;
};

static rd_kafka_t *open_client(const rl_stream_config *stream, const char *group, rl_error *err) {
    const rl_stream_setting settings[] = {{"group.id", group}, {"enable.auto.commit", "false"}};
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(stream, err);
    if (!conf || !rl_stream_set_all(conf, settings, sizeof(settings) / sizeof(settings[0]), err)) {
        return NULL;
    }
    return rl_stream_consumer(&conf, err);
}

rl_group_lag *rl_group_lag_new(const rl_stream_config *stream, const char *group, rl_error *err) {
    RL_CLEANUP(rl_group_lag_slot) rl_group_lag *lag = calloc(1, sizeof(*lag));
    if (!lag || !(lag->group = strdup(group))) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    lag->client = open_client(stream, group, err);
    return lag->client ? RL_STEAL(lag) : NULL;
}

void rl_group_lag_free(rl_group_lag *lag) {
    if (lag) {
        if (lag->client) {
            rd_kafka_consumer_close(lag->client);
            rd_kafka_destroy(lag->client);
        }
        free(lag->group);
        free(lag);
    }
}

/* The larger of a partition's first offset, in `ret`, and the group's. */
static bool ask_begins(rl_group_lag *lag, const char *topic, int32_t partitions, int64_t *ret,
                       rl_error *err) {
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    rd_kafka_topic_partition_list_add_range(list, topic, 0, partitions - 1);
    rd_kafka_resp_err_t code = rd_kafka_committed(lag->client, list, ASK_TIMEOUT_MS);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &list->elems[i];
        code = at->err;
        ret[at->partition] = at->offset > ret[at->partition] ? at->offset : ret[at->partition];
    }
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || rl_stream_error(err, code, "cannot read a group's offsets");
}

bool rl_group_lag_measure(rl_group_lag *lag, const char *topic, int32_t partitions, int64_t *ret,
                          int64_t *ret_appended, rl_error *err) {
    RL_AUTO_FREE int64_t *begins = calloc((size_t)partitions, sizeof(*begins));
    if (!begins) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
    }
    if (!rl_log_begins(lag->client, topic, partitions, ASK_TIMEOUT_MS, begins, err) ||
        !ask_begins(lag, topic, partitions, begins, err) ||
        !rl_log_ends(lag->client, topic, partitions, ASK_TIMEOUT_MS, ret, err)) {
        return false;
    }
    *ret_appended = 0;
    for (int32_t i = 0; i < partitions; i++) {
        *ret_appended += ret[i];
        ret[i] = ret[i] > begins[i] ? ret[i] - begins[i] : 0;
    }
    return true;
}

bool rl_group_lag_members(rl_group_lag *lag, int64_t *ret, rl_error *err) {
    RL_CLEANUP(group_list_slot) const struct rd_kafka_group_list *groups = NULL;
    const rd_kafka_resp_err_t code =
        rd_kafka_list_groups(lag->client, lag->group, &groups, MEMBERS_TIMEOUT_MS);
    rd_kafka_resp_err_t refused = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; groups && i < groups->group_cnt; i++) {
        if (strcmp(groups->groups[i].group, lag->group) != 0) {
            continue;
        }
        if (!groups->groups[i].err) {
            *ret = groups->groups[i].member_cnt;
            return true;
        }
        refused = groups->groups[i].err;
    }
    /* A coordinator that is still loading its groups knows this one, and not yet who is in it. */
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && refused != RD_KAFKA_RESP_ERR_NO_ERROR &&
        refused != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) {
        return rl_stream_error(err, refused, "cannot read a group's members");
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rl_stream_error(err, code, "cannot read a group's members");
        /* Of a broker that is away librdkafka says that it does not support the request. */
        if (err && code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE) {
            err->error_class = RL_TRANSIENT;
        }
        return false;
    }
    *ret = 0;
    return true;
}
