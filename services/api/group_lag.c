/* group_lag.c: see group_lag.h. */
#include "services/api/group_lag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "services/api/log_offsets.h"

#define ASK_TIMEOUT_MS 3000

RL_DEFINE_CLEANUP(request_slot, rd_kafka_ListConsumerGroupOffsets_t,
                  rd_kafka_ListConsumerGroupOffsets_destroy)

struct rl_group_lag {
    rd_kafka_t *client; /* borrowed */
    char *group;
};

rl_group_lag *rl_group_lag_new(rd_kafka_t *client, const char *group, rl_error *err) {
    RL_CLEANUP(rl_group_lag_slot) rl_group_lag *lag = calloc(1, sizeof(*lag));
    if (lag) {
        lag->client = client;
        lag->group = strdup(group);
    }
    if (!lag || !lag->group) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    return RL_STEAL(lag);
}

void rl_group_lag_free(rl_group_lag *lag) {
    if (lag) {
        free(lag->group);
        free(lag);
    }
}

/* What librdkafka answers with, or NULL. */
static rd_kafka_event_t *list_offsets(rl_group_lag *lag, const char *topic, int32_t partitions) {
    char reason[64];
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    rd_kafka_topic_partition_list_add_range(list, topic, 0, partitions - 1);
    RL_CLEANUP(request_slot)
    rd_kafka_ListConsumerGroupOffsets_t *request = rd_kafka_ListConsumerGroupOffsets_new(lag->group, list);
    RL_CLEANUP(rl_rd_queue_slot) rd_kafka_queue_t *queue = rd_kafka_queue_new(lag->client);
    RL_CLEANUP(rl_rd_admin_options_slot)
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(lag->client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    /* A time-out that is refused leaves the default, a longer one. */
    (void)rd_kafka_AdminOptions_set_request_timeout(options, ASK_TIMEOUT_MS, reason, sizeof(reason));
    rd_kafka_ListConsumerGroupOffsets(lag->client, &request, 1, options, queue);
    return rd_kafka_queue_poll(queue, ASK_TIMEOUT_MS + 1000);
}

/* The larger of a partition's first offset, in `ret`, and the group's. */
static rd_kafka_resp_err_t take_offsets(rd_kafka_event_t *event, int64_t *ret) {
    size_t count = 0;
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
    const rd_kafka_topic_partition_list_t *list =
        count == 1 ? rd_kafka_group_result_partitions(groups[0]) : NULL;
    if (count == 1 && rd_kafka_group_result_error(groups[0])) {
        return rd_kafka_error_code(rd_kafka_group_result_error(groups[0]));
    }
    rd_kafka_resp_err_t code = list ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR__PARTIAL;
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &list->elems[i];
        code = at->err;
        ret[at->partition] = at->offset > ret[at->partition] ? at->offset : ret[at->partition];
    }
    return code;
}

static bool ask_begins(rl_group_lag *lag, const char *topic, int32_t partitions, int64_t *ret,
                       rl_error *err) {
    RL_CLEANUP(rl_rd_event_slot) rd_kafka_event_t *event = list_offsets(lag, topic, partitions);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event && rd_kafka_event_type(event) == RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT) {
        code = rd_kafka_event_error(event);
        code = code ? code : take_offsets(event, ret);
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

/* What librdkafka answers with, or NULL. */
static rd_kafka_event_t *describe(rl_group_lag *lag) {
    char reason[64];
    const char *groups[] = {lag->group};
    RL_CLEANUP(rl_rd_queue_slot) rd_kafka_queue_t *queue = rd_kafka_queue_new(lag->client);
    RL_CLEANUP(rl_rd_admin_options_slot)
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(lag->client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
    /* A time-out that is refused leaves the default, a longer one. */
    (void)rd_kafka_AdminOptions_set_request_timeout(options, ASK_TIMEOUT_MS, reason, sizeof(reason));
    rd_kafka_DescribeConsumerGroups(lag->client, groups, 1, options, queue);
    return rd_kafka_queue_poll(queue, ASK_TIMEOUT_MS + 1000);
}

static rd_kafka_resp_err_t count_members(rd_kafka_event_t *event, int64_t *ret) {
    size_t count = 0;
    const rd_kafka_ConsumerGroupDescription_t **groups = rd_kafka_DescribeConsumerGroups_result_groups(
        rd_kafka_event_DescribeConsumerGroups_result(event), &count);
    if (count != 1) {
        return RD_KAFKA_RESP_ERR__PARTIAL;
    }
    const rd_kafka_error_t *error = rd_kafka_ConsumerGroupDescription_error(groups[0]);
    const rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
    const bool unknown = code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND;
    *ret = unknown ? 0 : (int64_t)rd_kafka_ConsumerGroupDescription_member_count(groups[0]);
    return unknown ? RD_KAFKA_RESP_ERR_NO_ERROR : code;
}

bool rl_group_lag_members(rl_group_lag *lag, int64_t *ret, rl_error *err) {
    RL_CLEANUP(rl_rd_event_slot) rd_kafka_event_t *event = describe(lag);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event && rd_kafka_event_type(event) == RD_KAFKA_EVENT_DESCRIBECONSUMERGROUPS_RESULT) {
        code = rd_kafka_event_error(event);
        code = code ? code : count_members(event, ret);
    }
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || rl_stream_error(err, code, "cannot read a group's members");
}
