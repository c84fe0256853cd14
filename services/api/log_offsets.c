/* log_offsets.c: see log_offsets.h. */
#include "services/api/log_offsets.h"

bool rl_log_partitions(rd_kafka_t *client, const char *topic, int timeout_ms, int32_t *ret, rl_error *err) {
    RL_CLEANUP(rl_rd_topic_slot) rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(client, 0, handle, &metadata, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        *ret = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
        rd_kafka_metadata_destroy(metadata);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rl_stream_error(err, code, "cannot fetch metadata");
        return rl_error_prefix(err, "topic %s", topic);
    }
    return true;
}

/* What librdkafka answers with, or NULL. */
static rd_kafka_event_t *ask(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list, int timeout_ms) {
    char reason[64];
    RL_CLEANUP(rl_rd_queue_slot) rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    RL_CLEANUP(rl_rd_admin_options_slot)
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_LISTOFFSETS);
    /* A time-out that is refused leaves the default, a longer one. */
    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, reason, sizeof(reason));
    rd_kafka_ListOffsets(client, list, options, queue);
    return rd_kafka_queue_poll(queue, timeout_ms + 1000);
}

typedef void (*take_answer)(void *context, int32_t partition, int64_t offset, int64_t timestamp_ms);

static rd_kafka_resp_err_t read_answers(rd_kafka_event_t *event, int32_t partitions, take_answer take,
                                        void *context) {
    size_t count = 0;
    const rd_kafka_ListOffsetsResultInfo_t **infos =
        rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_topic_partition_t *at = rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
        if (at->err) {
            return at->err;
        }
        take(context, at->partition, at->offset, rd_kafka_ListOffsetsResultInfo_timestamp(infos[i]));
    }
    return count == (size_t)partitions ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR__PARTIAL;
}

static bool ask_all(rd_kafka_t *client, const char *topic, int32_t partitions, int64_t what, int timeout_ms,
                    take_answer take, void *context, rl_error *err) {
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int32_t i = 0; i < partitions; i++) {
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = what;
    }
    RL_CLEANUP(rl_rd_event_slot) rd_kafka_event_t *event = ask(client, list, timeout_ms);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event && rd_kafka_event_type(event) == RD_KAFKA_EVENT_LISTOFFSETS_RESULT) {
        code = rd_kafka_event_error(event);
        code = code ? code : read_answers(event, partitions, take, context);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rl_stream_error(err, code, "cannot read its offsets");
        return rl_error_prefix(err, "topic %s", topic);
    }
    return true;
}

static void take_offset(void *context, int32_t partition, int64_t offset, int64_t timestamp_ms) {
    (void)timestamp_ms;
    int64_t *offsets = context;
    offsets[partition] = offset;
}

bool rl_log_ends(rd_kafka_t *client, const char *topic, int32_t partitions, int timeout_ms, int64_t *ret,
                 rl_error *err) {
    return ask_all(client, topic, partitions, RD_KAFKA_OFFSET_SPEC_LATEST, timeout_ms, take_offset, ret, err);
}

bool rl_log_begins(rd_kafka_t *client, const char *topic, int32_t partitions, int timeout_ms, int64_t *ret,
                   rl_error *err) {
    return ask_all(client, topic, partitions, RD_KAFKA_OFFSET_SPEC_EARLIEST, timeout_ms, take_offset, ret,
                   err);
}

static void take_newest(void *context, int32_t partition, int64_t offset, int64_t timestamp_ms) {
    (void)partition;
    (void)offset;
    int64_t *newest = context;
    *newest = timestamp_ms > *newest ? timestamp_ms : *newest;
}

bool rl_log_newest_ms(rd_kafka_t *client, const char *topic, int32_t partitions, int timeout_ms, int64_t *ret,
                      rl_error *err) {
    *ret = -1;
    return ask_all(client, topic, partitions, RD_KAFKA_OFFSET_SPEC_MAX_TIMESTAMP, timeout_ms, take_newest,
                   ret, err);
}
